"""Fixtures of the chaos tests."""

from tests.support.backups import backups
from tests.support.hosts import api, host
from tests.support.stopping import kubeconfig, sandbox

__all__ = ["api", "backups", "host", "kubeconfig", "sandbox"]
