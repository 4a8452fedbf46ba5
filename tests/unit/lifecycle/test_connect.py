"""Kubeconfigs that lead through a tunnel."""

from __future__ import annotations

import pytest
import yaml

from k3k_core.errors import HostError
from k3k_core.lifecycle.connect import redirected

STORED = """
apiVersion: v1
kind: Config
clusters:
- name: dev
  cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: Y2E=, tls-server-name: x, proxy-url: "http://p"}
contexts: [{name: dev, context: {cluster: dev, user: admin}}]
current-context: dev
users: [{name: admin, user: {token: t}}]
"""


def test_only_the_way_to_the_server_changes() -> None:
    before, after = yaml.safe_load(STORED), yaml.safe_load(redirected(STORED, "https://127.0.0.1:4711"))
    assert after["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:4711",
        "certificate-authority-data": "Y2E=",
    }
    for key in ("contexts", "users", "current-context"):
        assert after[key] == before[key]


def test_a_damaged_kubeconfig_is_said_to_be_one() -> None:
    with pytest.raises(HostError, match="damaged"):
        redirected("clusters: []", "https://127.0.0.1:1")
