"""Fixtures of the end-to-end tests."""

from tests.support.hosts import api, host

__all__ = ["api", "host"]
