"""Values that are fixed when a control plane is made."""

from __future__ import annotations

import pytest

from k3k_core.lifecycle.immutable import immutable_changes
from k3k_core.values import Values, load_values

ETCD = "datastore: {kind: etcd}\n"
EXTERNAL = "datastore: {kind: external, external: {secret_name: db}}\n"


def values(text: str) -> Values:
    return load_values(text).values


def changed(before: str, after: str) -> list[str]:
    return [issue.path for issue in immutable_changes(values(before), values(after))]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ("", ETCD, ["datastore.kind"]),
        (ETCD, "", ["datastore.kind"]),
        (EXTERNAL, ETCD, ["datastore.kind"]),
        ("", "k3s: {cluster_cidr: 10.99.0.0/16}", ["k3s.cluster_cidr"]),
        ("", "k3s: {service_cidr: 10.99.0.0/16}", ["k3s.service_cidr", "k3s.cluster_dns"]),
        ("", "k3s: {cluster_dns: 10.43.0.53}", ["k3s.cluster_dns"]),
        ("", "k3s: {cluster_domain: example.org}", ["k3s.cluster_domain"]),
        ("", "k3s: {data_dir: /data}", ["k3s.data_dir"]),
        ("", "persistence: {enabled: false}", ["persistence.enabled"]),
        ("", "persistence: {size: 9Gi}", ["persistence.size"]),
        ("", "persistence: {storage_class: fast}", ["persistence.storage_class"]),
        ("", "persistence: {access_mode: ReadWriteOncePod}", ["persistence.access_mode"]),
        (ETCD, "datastore: {kind: etcd, etcd: {members: 3}}", ["datastore.etcd.members"]),
        (ETCD, "datastore: {kind: etcd, etcd: {size: 9Gi}}", ["datastore.etcd.size"]),
        (
            ETCD,
            "datastore: {kind: etcd, etcd: {storage_class: fast}}",
            ["datastore.etcd.storage_class"],
        ),
        (
            ETCD,
            "datastore: {kind: etcd, etcd: {image: 'quay.io/coreos/etcd:v3.5.21'}}",
            ["datastore.etcd.image"],
        ),
        (
            "datastore: {kind: etcd, etcd: {image: 'etcd:v3.4.23'}}",
            "datastore: {kind: etcd, etcd: {image: 'etcd:v3.6.8'}}",
            ["datastore.etcd.image"],
        ),
        (
            EXTERNAL,
            "datastore: {kind: external, external: {endpoint: 'postgres://db/one'}}",
            ["datastore.external.endpoint"],
        ),
    ],
)
def test_a_change_that_cannot_be_made_is_named_by_its_path(before: str, after: str, paths: list[str]) -> None:
    assert changed(before, after) == paths


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "version: v1.36.4+k3s1"),
        (ETCD, "datastore: {kind: etcd, etcd: {image: 'quay.io/coreos/etcd:v3.7.0'}}"),
        (ETCD, "datastore: {kind: etcd, etcd: {image: 'quay.io/coreos/etcd:v3.6.7'}}"),
        (ETCD, "datastore: {kind: etcd, etcd: {image: 'registry.example.org/etcd:of-ours'}}"),
        ("", "ttl: 2h"),
        ("", "k3s: {debug: true, log_level: '4', tls_sans: [api.example.org]}"),
        ("", "loadbalancer: {enabled: false}"),
        ("", "resources: {requests: {memory: 1Gi}}"),
        ("", "network_policy: {enabled: false}"),
        ("persistence: {enabled: false}", "persistence: {enabled: false, size: 9Gi}"),
        ("", "persistence: {access_mode: ReadWriteOnce}"),
        (ETCD, f"{ETCD}servers: 3"),
        (ETCD, f"{ETCD}k3s: {{data_dir: /data}}"),
        (ETCD, "datastore: {kind: etcd, etcd: {image: 'quay.io/coreos/etcd:v3.6.9'}}"),
        (EXTERNAL, "datastore: {kind: external, external: {secret_name: other}}"),
        (EXTERNAL, f"{EXTERNAL}persistence: {{enabled: false}}"),
    ],
)
def test_everything_else_can_be_changed(before: str, after: str) -> None:
    assert changed(before, after) == []


def test_every_refusal_says_how_it_is_and_what_to_do_instead() -> None:
    (issue,) = immutable_changes(values(""), values("persistence: {size: 9Gi}"))
    assert "is 5Gi for good" in issue.problem
    assert "enlarge the volume claim itself" in issue.remedy
