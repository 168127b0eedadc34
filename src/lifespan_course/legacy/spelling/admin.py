"""An app that is mounted."""

from fastapi import FastAPI

from lifespan_course.comparison import log

from .shared import opened


def open_admin() -> None:
    with log.span("open_admin"):
        opened["admin"] = "admin@example.org"


admin = FastAPI(on_startup=[open_admin])


@admin.get("/")
async def overview() -> dict[str, object]:
    asked = opened["database"].times("yeild")
    counted = opened["counts"]["yeild"]
    return {"admin": opened.get("admin"), "asked": asked, "counted": counted}
