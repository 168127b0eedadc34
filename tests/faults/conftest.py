"""Two profiles: the ordinary run is quick and always the same, the other one is not.

HYPOTHESIS_PROFILE=thorough python -m pytest tests/faults
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ordinary", max_examples=100, derandomize=True, deadline=None, database=None
)
settings.register_profile(
    "thorough",
    max_examples=3000,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ordinary"))
