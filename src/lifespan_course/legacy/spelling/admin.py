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
    starts = opened["database"].times("(start)")
    counted = opened["counts"]["yeild"]
    return {"admin": opened.get("admin"), "starts": starts, "counted": counted}
