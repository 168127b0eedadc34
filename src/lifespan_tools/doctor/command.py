"""The command line of doctor."""

import argparse
from typing import Any


def add_to(tools: "argparse._SubParsersAction[Any]") -> None:
    """Add this tool to the command line; its function `run` gets the arguments."""
