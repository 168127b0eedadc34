"""The program of a kernel under test: ipykernel's own, less what no test needs."""

import sys

import kernel_leftovers  # noqa: F401 - loaded here, asked for later

# ipykernel imports the debugger at every start: 0.4 s, and no notebook is debugged.
sys.modules["debugpy"] = None
# A script's folder comes first on the path; a kernel's path has no such entry.
del sys.path[0]

from ipykernel.kernelapp import IPKernelApp  # noqa: E402

IPKernelApp.launch_instance()
