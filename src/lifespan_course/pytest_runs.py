"""Run pytest on a few files, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

# pytest's own report has times and paths in it. This one has a line for each test and
# is the same everywhere. The plugins are named: others may be installed or not.
_PROGRAM = """
import re, sys, pytest

class Lines:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        during = f", during {call.when}" if call.when != "call" else ""
        if report.failed:
            error = f"{call.excinfo.typename}: {call.excinfo.value}".splitlines()[0]
            error = re.sub(r" at 0x[0-9a-fA-F]+", "", error.removeprefix("Failed: "))
            error = error.removesuffix(" Requesting fixture stack:")
            print(f"{item.nodeid} failed{during}: {error}")
        elif call.when == "call":
            print(f"{item.nodeid} {report.outcome}")
        return report

    def pytest_collectreport(self, report):
        if report.failed:
            print(f"{report.nodeid} was not collected: {report.longrepr}")

options = ["-p", "anyio.pytest_plugin", "-p", "pytest_asyncio.plugin"]
options += ["-p", "no:terminal", "-p", "no:cacheprovider", "--strict-markers"]
status = pytest.main(options, plugins=[Lines()])
sys.exit(status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
"""


def run_pytest(files: Mapping[str, str], *, timeout: float = 60.0) -> None:
    """Write files into a folder of their own, run pytest there, print the results.

    Args:
        files: a source for each file name.
        timeout: seconds until the process is killed.

    Raises:
        RuntimeError: pytest found no test, or broke off.
        subprocess.TimeoutExpired: the tests didn't end in time.
    """
    with TemporaryDirectory() as folder:
        for name, source in files.items():
            Path(folder, name).write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-B", "-c", _PROGRAM],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
    print(done.stdout, end="")
    if done.returncode:
        raise RuntimeError(f"pytest found no test, or broke off\n{done.stderr}".strip())
