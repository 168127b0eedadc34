"""Run a piece of Python in a process of its own."""

import subprocess
import sys


def run_script(source: str, *, timeout: float = 30.0) -> None:
    """Run Python source in a new process and print what a reader needs of it.

    That is its standard output and, when it ends in an error, the last line of the
    traceback. The current process is not touched, whatever the source patches.

    Args:
        source: the program.
        timeout: seconds until the process is killed.

    Raises:
        subprocess.TimeoutExpired: the program didn't end in time.
    """
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    print(done.stdout, end="")
    if done.returncode:
        errors = done.stderr.strip().splitlines()
        print(errors[-1] if errors else f"exit code {done.returncode}")
