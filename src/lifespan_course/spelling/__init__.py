"""The spelling service of chapter 7: four resources, each in a module of its own.

The modules write to one log, as modules of a program share `logging`.
"""

from lifespan_lab import Events

log = Events()
