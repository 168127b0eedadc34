"""Snippets to copy: each module stands alone, this file only gathers their names."""

from lifespan_lab.client import running
from lifespan_lab.timeline import Events, Timeline

__all__ = ["Events", "Timeline", "running"]
