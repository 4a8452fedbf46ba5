"""Fixtures of the chaos tests."""

from tests.support.hosts import api, host
from tests.support.stopping import kubeconfig, sandbox

__all__ = ["api", "host", "kubeconfig", "sandbox"]
