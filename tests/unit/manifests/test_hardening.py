"""Audit, OpenID Connect, admission, encryption, manifests, volumes and quotas: from values to objects."""

from __future__ import annotations

from typing import Any

import yaml

from k3k_core.manifests import k3s_config, render
from k3k_core.names import ANNOTATION_CHECKSUM
from tests.support.blueprints import ETCD_VALUES, HARDENED_VALUES, blueprint


def arguments(text: str) -> list[str]:
    """What the API server is given beside the identities of the probes."""
    given: list[str] = k3s_config(blueprint(text))["kube-apiserver-arg"]
    return given[1:]


def rendered(kind: str, name: str, text: str = HARDENED_VALUES) -> dict[str, Any]:
    return next(
        item for item in render(blueprint(text)) if (item["kind"], item["metadata"]["name"]) == (kind, name)
    )


def checksum(text: str) -> str:
    template = rendered("StatefulSet", "dev-k3k-server", text)["spec"]["template"]
    return str(template["metadata"]["annotations"][ANNOTATION_CHECKSUM])


def test_an_audit_policy_lies_beside_the_configuration_and_the_log_is_the_pods() -> None:
    files = rendered("ConfigMap", "dev-k3k-config")["data"]
    assert yaml.safe_load(files["audit-policy.yaml"])["kind"] == "Policy"
    assert arguments(HARDENED_VALUES)[:2] == [
        "audit-policy-file=/etc/k3k/config/audit-policy.yaml",
        "audit-log-path=-",
    ]


def test_an_audit_log_in_a_file_is_rotated() -> None:
    policy = "k3s: {audit: {policy: 'kind: Policy', path: /tmp/audit.log, max_age: 3}}"
    assert arguments(policy)[1:] == ["audit-log-path=/tmp/audit.log", "audit-log-maxage=3"]


def test_plug_ins_are_added_to_the_one_that_k3s_brings() -> None:
    assert "enable-admission-plugins=NodeRestriction,AlwaysPullImages" in arguments(HARDENED_VALUES)


def test_an_issuer_becomes_the_arguments_of_the_api_server() -> None:
    assert [each for each in arguments(HARDENED_VALUES) if each.startswith("oidc-")] == [
        "oidc-issuer-url=https://login.example.org",
        "oidc-client-id=k3k",
        "oidc-username-claim=sub",
        "oidc-groups-claim=groups",
        "oidc-groups-prefix=oidc:",
    ]


def test_encryption_names_its_provider_only_where_it_is_not_k3s_own() -> None:
    config = k3s_config(blueprint(HARDENED_VALUES))
    assert (config["secrets-encryption"], config["secrets-encryption-provider"]) == (True, "secretbox")
    plain = k3s_config(blueprint("k3s: {secrets_encryption: {enabled: true}}"))
    assert (plain["secrets-encryption"], "secrets-encryption-provider" in plain) == (True, False)


def test_a_control_plane_that_is_not_hardened_is_given_nothing_of_it() -> None:
    assert arguments("") == []
    names = {(item["kind"], item["metadata"]["name"]) for item in render(blueprint())}
    assert (
        not {("ConfigMap", "dev-k3k-manifests"), ("ResourceQuota", "dev-k3k"), ("LimitRange", "dev-k3k")}
        & names
    )


def test_what_is_read_at_the_start_rolls_the_pods_when_it_changes() -> None:
    assert checksum(HARDENED_VALUES) != checksum(HARDENED_VALUES.replace("level: Metadata", "level: Request"))
    assert checksum(HARDENED_VALUES) != checksum(HARDENED_VALUES.replace("name: apps", "name: shops"))


def test_mirrors_are_for_agents_and_roll_no_server() -> None:
    assert checksum(HARDENED_VALUES) == checksum(HARDENED_VALUES.replace("mirror.example", "other.example"))


def test_volumes_of_the_user_are_mounted_read_only() -> None:
    spec = rendered("StatefulSet", "dev-k3k-server")["spec"]["template"]["spec"]
    assert {"name": "extra-webhook", "mountPath": "/etc/webhook", "readOnly": True} in spec["containers"][0][
        "volumeMounts"
    ]
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert volumes["extra-webhook"]["secret"]["secretName"] == "webhook-credentials"


def test_a_quota_bounds_the_namespace_and_a_limit_range_those_who_name_no_limits() -> None:
    assert rendered("ResourceQuota", "dev-k3k")["spec"]["hard"] == {
        "requests.cpu": "4",
        "requests.memory": "8Gi",
        "requests.storage": "50Gi",
        "pods": "20",
    }
    limits = rendered("LimitRange", "dev-k3k")["spec"]["limits"]
    assert limits == [{"type": "Container", "default": {"cpu": "500m", "memory": "1Gi"}}]


def test_an_architecture_selects_the_nodes_of_servers_and_members() -> None:
    text = f"{ETCD_VALUES}\nscheduling: {{architecture: arm64, node_selector: {{pool: infra}}}}"
    for name in ("dev-k3k-server", "dev-k3k-etcd"):
        spec = rendered("StatefulSet", name, text)["spec"]["template"]["spec"]
        assert spec["nodeSelector"] == {"kubernetes.io/arch": "arm64", "pool": "infra"}
