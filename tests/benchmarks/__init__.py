"""What the snippets cost, as ratios to what one would write without them.

Run ``python -m tests.benchmarks``, or ``make bench``.
"""
