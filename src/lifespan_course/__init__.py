"""What the chapters need to teach: the cast, predictions, failures and checks."""

from lifespan_course.environment import check_environment
from lifespan_course.failures import fails
from lifespan_course.keeping import keep, let_go
from lifespan_course.predictions import predict
from lifespan_course.processes import run_script
from lifespan_course.tables import Table

__all__ = [
    "Table",
    "check_environment",
    "fails",
    "keep",
    "let_go",
    "predict",
    "run_script",
]
