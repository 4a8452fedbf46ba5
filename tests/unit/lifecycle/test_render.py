"""Manifests without a host."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from k3k_core.lifecycle.render import omitted, render
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def kinds(namespace: str, *, secrets: str = "inline") -> list[str]:
    identity = ControlPlaneId(namespace, "one")
    rendered = render(identity, load_values(""), secrets="omit" if secrets == "omit" else "inline", now=NOW)
    return [item["kind"] for item in rendered]


def test_the_namespace_comes_first() -> None:
    assert kinds("team-a")[:2] == ["Namespace", "Secret"]


@pytest.mark.parametrize("namespace", ["default", "kube-system"])
def test_a_namespace_that_every_cluster_has_is_left_alone(namespace: str) -> None:
    assert "Namespace" not in kinds(namespace)


def test_without_secrets_the_output_is_the_same_every_time() -> None:
    identity, values = ControlPlaneId("team-a", "one"), load_values("ttl: 2h\ndatastore: {kind: etcd}\n")
    first = render(identity, values, secrets="omit", now=NOW)
    assert render(identity, values, secrets="omit", now=datetime.now(UTC)) == first


def test_without_secrets_no_credential_is_rendered() -> None:
    identity = ControlPlaneId("team-a", "one")
    rendered = render(identity, load_values(""), secrets="omit", now=NOW)
    assert not {(item["kind"], item["metadata"]["name"]) for item in rendered} & set(omitted(identity))
