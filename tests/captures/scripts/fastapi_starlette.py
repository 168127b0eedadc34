import json

from fastapi import FastAPI

print(json.dumps({"app.add_event_handler": hasattr(FastAPI(), "add_event_handler")}))
