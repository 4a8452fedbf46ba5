"""Control planes that Helm made are shown, and no verb changes them."""

from __future__ import annotations

import pytest

from k3k_core.host import Host
from k3k_core.names import LABEL_MANAGED_BY
from k3k_core.resources import SECRET, SERVICE
from tests.support.hosts import HostUnderTest


async def release(host: HostUnderTest, api: Host) -> None:
    """Leave what a release of the ayedo chart leaves, as far as its credentials go."""
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": host.namespace}})
    await api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "shop-k3k-kubeconfig",
                "namespace": host.namespace,
                "labels": {LABEL_MANAGED_BY: "Helm"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            "stringData": {"kubeconfig.yaml": "apiVersion: v1\nkind: Config\nclusters: []\n"},
        }
    )


@pytest.mark.parametrize(
    "verb",
    [
        ("create", "shop"),
        ("create", "shop", "--dry-run=server"),
        ("create", "shop", "--force-conflicts"),
        ("diff", "shop", "--set", "servers=1"),
        ("delete", "shop", "--yes"),
        ("kubeconfig", "shop", "--user", "somebody"),
    ],
    ids=" ".join,
)
async def test_a_verb_that_would_change_one_is_refused_and_changes_nothing(
    host: HostUnderTest, api: Host, verb: tuple[str, ...]
) -> None:
    await release(host, api)

    ended = await host.k3k(*verb, "-n", host.namespace)
    assert (ended.code, "Helm" in ended.err) == (4, True), ended.err
    listing = await api.list(SECRET, host.namespace)
    assert [item["metadata"]["name"] for item in listing.items] == ["shop-k3k-kubeconfig"]
    assert (await api.list(SERVICE, host.namespace)).items == []
