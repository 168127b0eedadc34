"""The command line of the benchmarks: ``python -m tests.benchmarks --markdown``."""

import argparse
import asyncio
import logging
import time

from tests.benchmarks import tables
from tests.benchmarks.candidates import GROUPS
from tests.benchmarks.measure import measure


def main(arguments: list[str] | None = None) -> None:
    """Measure every group and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--markdown", action="store_true", help="tables for the README")
    parser.add_argument("--rounds", type=int, default=61, help="default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=0.01, help="of a pass, default: %(default)s"
    )
    parser.add_argument(
        "--cpu",
        action="store_const",
        dest="clock",
        default=time.perf_counter,
        const=time.process_time,
        help="measure this process's processor time, for a busy machine: what others "
        "take doesn't count, nor does waiting",
    )
    options = parser.parse_args(arguments)
    draw = tables.markdown if options.markdown else tables.plain
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for title, comparisons in GROUPS.items():
        rows = asyncio.run(
            measure(
                comparisons,
                rounds=options.rounds,
                seconds=options.seconds,
                clock=options.clock,
            )
        )
        print(draw(title, rows), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
