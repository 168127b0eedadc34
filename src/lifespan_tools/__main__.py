"""Run the tools as `python -m lifespan_tools`."""

import sys

from lifespan_tools.command import main

sys.exit(main())
