"""Fixtures of the chaos tests."""

import pytest

from tests.support.backups import backups
from tests.support.hosts import api, host
from tests.support.stopping import THOROUGH, kubeconfig, sandbox

__all__ = ["api", "backups", "host", "kubeconfig", "sandbox"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give walks that stop after every request the time they take."""
    for item in items if THOROUGH else ():
        item.add_marker(pytest.mark.timeout(3600), append=False)
