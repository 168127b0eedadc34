"""Run a piece of Python in a process of its own."""

import subprocess
import sys

# An error is printed where the program's output is, without its traceback. So what
# stands on stderr after it, such as warnings while the interpreter ends, is no matter.
_ERROR = "\0"
_PROGRAM = """\
import sys
def show(kind, error, trace):
    print("\\0" + f"{kind.__name__}: {error}".removesuffix(": "))
sys.excepthook = show
exec(compile(sys.argv.pop(), "<script>", "exec"))
"""


def run_script(source: str, *, timeout: float = 30.0) -> None:
    """Run Python source in a new process and print what ``script_lines`` returns."""
    for line in script_lines(source, timeout=timeout):
        print(line)


def script_lines(source: str, *, timeout: float = 30.0) -> list[str]:
    """Run Python source in a new process and return what a reader needs of it.

    The current process is not touched, whatever the source patches.

    Args:
        source: the program.
        timeout: seconds until the process is killed.

    Returns:
        The lines of its standard output. When it ends in an error, the error's type
        and message follow; when it exits with another code than 0, the code.

    Raises:
        subprocess.TimeoutExpired: the program didn't end in time.
    """
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _PROGRAM, source],
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    lines = done.stdout.replace(_ERROR, "").splitlines()
    if done.returncode and _ERROR not in done.stdout:
        lines.append(f"exit code {done.returncode}")
    return lines
