"""Fixtures of the chaos tests."""

from tests.support.hosts import api, host

__all__ = ["api", "host"]
