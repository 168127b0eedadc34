"""A service whose teardown hangs, within a limit."""

from fastapi import FastAPI

from lifespan_course.services.hanging import lifespan
from lifespan_lab import bounded

app = FastAPI(lifespan=bounded(lifespan, shutdown=0.5))
