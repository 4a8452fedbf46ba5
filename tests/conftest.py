"""Settings for all tests.

Property tests take the same examples every time, so that the suite gives the same answer every time.
To look for new ones, run `pytest --hypothesis-profile explore`.
"""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# Told that there is no event loop, pytest-asyncio does not make one (up to Python 3.13) that nobody closes.
asyncio.set_event_loop(None)
