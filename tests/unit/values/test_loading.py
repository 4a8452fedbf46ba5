"""From a values file to checked values."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from k3k_core.errors import UsageError, ValuesError
from k3k_core.values import (
    PRESETS,
    join_secrets,
    load_given,
    load_values,
    preset_text,
    read_values_file,
    split_secrets,
)
from k3k_core.versions import DEFAULT_VERSION

AYEDO = """\
loadbalancer:
  enabled: true
  class_name: ""            # e.g. "metallb" or a specific load-balancer class
  ip: "1.2.3.4"             # fixed, routable load-balancer IP in the host cluster

k3s:
  token: "secret"
  agent_token: "secret"

  cluster_cidr: "10.42.0.0/16"
  service_cidr: "10.43.0.0/16"
  cluster_dns: "10.43.0.10"
  cluster_domain: "cluster.local"

  data_dir: /var/lib/rancher/k3s
  log_level: "0"
  debug: false

  disable:
    agent: true             # agent-less control plane
    flannel: true
    helm_controller: true
    network_policy: true
    traefik: true
    localstorage: true
    servicelb: true
    kube_proxy: true
    cloud_controller: false

  egress_selector_mode: "pod"

  kubeconfig:
    filename: kubeconfig.yaml
    mode: "0644"
"""


def test_the_file_of_the_ayedo_chart_works_with_one_warning() -> None:
    loaded = load_values(AYEDO)
    k3s = loaded.values.k3s
    assert [issue.path for issue in loaded.warnings] == ["k3s.agent_token"]
    assert (k3s.token, k3s.agent_token, k3s.log_level, k3s.egress_selector_mode) == (
        "secret",
        "secret",
        "0",
        "pod",
    )
    assert (k3s.disable.kube_proxy, k3s.disable.cloud_controller) == (True, False)
    assert (k3s.kubeconfig.filename, k3s.kubeconfig.mode) == ("kubeconfig.yaml", "0644")
    assert loaded.values.loadbalancer.ip == "1.2.3.4"


def test_the_ayedo_file_works_with_the_oldest_k3s_too() -> None:
    loaded = load_values(AYEDO, overrides=["version=v1.21.3+k3s1"])
    assert [issue.path for issue in loaded.warnings] == ["k3s.agent_token", "k3s.egress_selector_mode"]


def test_an_empty_file_means_the_defaults() -> None:
    loaded = load_values("")
    values = loaded.values
    assert (loaded.given, loaded.warnings) == ({}, ())
    assert (values.version, values.servers, values.ttl, values.ttl_seconds) == (
        DEFAULT_VERSION,
        1,
        None,
        None,
    )
    assert (values.datastore.kind, values.k3s.egress_selector_mode) == ("sqlite", "cluster")
    assert (values.k3s.token, values.k3s.agent_token) == (None, None)


def test_by_default_everything_that_needs_nodes_is_off() -> None:
    disable = load_values("").values.k3s.disable
    assert disable.model_dump() == {
        "agent": True,
        "flannel": True,
        "helm_controller": True,
        "network_policy": True,
        "traefik": True,
        "localstorage": True,
        "servicelb": True,
        "kube_proxy": False,
        "cloud_controller": True,
    }


def test_a_partial_block_keeps_the_other_defaults() -> None:
    disable = load_values("k3s: {disable: {traefik: false, helm_controller: false}}").values.k3s.disable
    assert (disable.traefik, disable.helm_controller, disable.servicelb) == (False, False, True)


@pytest.mark.parametrize("text", ["k3s:\n", "k3s: {disable: }\n", "k3s: {token: null}\nversion: ~\n"])
def test_null_stands_for_the_default(text: str) -> None:
    loaded = load_values(text)
    assert loaded.values == load_values("").values


@pytest.mark.parametrize(
    ("service_cidr", "dns"),
    [
        ("10.96.0.0/12", "10.96.0.10"),
        ("10.96.0.16/28", "10.96.0.26"),
        ("10.43.0.0/16,fd00:43::/112", "10.43.0.10,fd00:43::a"),
    ],
)
def test_the_cluster_dns_follows_the_service_network(service_cidr: str, dns: str) -> None:
    text = f"k3s: {{cluster_cidr: '10.42.0.0/16,fd00:42::/56', service_cidr: '{service_cidr}'}}"
    assert load_values(text).values.k3s.cluster_dns == dns


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("k3s: {log_level: 4}", "log_level", "4"),
        ("k3s: {kubeconfig: {mode: 0640}}", "kubeconfig.mode", "0640"),
        ("k3s: {kubeconfig: {mode: '640'}}", "kubeconfig.mode", "0640"),
        ("k3s: {debug: on}", "debug", True),
        ("k3s: {tls_sans: [a.example.org, 10.0.0.7, 'fd00::7', '*.example.org']}", "tls_sans", None),
    ],
)
def test_values_are_understood_as_they_are_commonly_written(text: str, path: str, value: object) -> None:
    found: object = load_values(text).values.k3s
    for step in path.split("."):
        found = getattr(found, step)
    assert found == value or value is None


def test_numbers_are_quantities_as_in_kubernetes() -> None:
    resources = load_values(
        "resources: {requests: {cpu: 0.5, memory: 1073741824}, limits: {cpu: 2}}"
    ).values.resources
    assert (resources.requests.cpu, resources.requests.memory, resources.limits.cpu) == (
        "0.5",
        "1073741824",
        "2",
    )


def test_a_version_is_normalised() -> None:
    assert load_values("version: 1.33.4-k3s1").values.version == "v1.33.4+k3s1"


def test_a_time_to_live_is_counted_in_seconds() -> None:
    assert load_values("ttl: 1d1h30m").values.ttl_seconds == 86400 + 3600 + 1800


@pytest.mark.parametrize(
    "endpoint",
    [
        "postgres://u:p%40w@db.example.org:5432/dev?sslmode=verify-full",
        "postgresql://db/dev",
        "mysql://u:p@w@tcp(db:3306)/dev?charset=utf8",
        "https://a:2379,https://b:2379,https://c:2379",
        "http://127.0.0.1:2379",
    ],
)
def test_an_external_datastore_is_given_by_its_address(endpoint: str) -> None:
    text = f"servers: 3\ndatastore: {{kind: external, external: {{endpoint: '{endpoint}'}}}}"
    loaded = load_values(text)
    assert loaded.values.datastore.external.endpoint == endpoint
    assert endpoint not in repr(loaded)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("service: {type: NodePort}", "service"),
        ("loadbalancer: {enabled: false, ip: 10.0.0.1}", "loadbalancer.ip"),
        ("loadbalancer: {ip: 10.43.0.77}", "loadbalancer.ip"),
        ("datastore: {etcd: {members: 3}}", "datastore.etcd"),
        ("k3s: {disable: {traefik: false}}", "k3s.disable.traefik"),
        ("k3s: {egress_selector_mode: agent}", "k3s.egress_selector_mode"),
        ("resources: {requests: {memory: 128Mi}, limits: {memory: 256Mi}}", "resources.limits.memory"),
        ("version: v1.99.0+k3s1", "version"),
    ],
)
def test_what_is_probably_not_meant_gives_a_warning(text: str, path: str) -> None:
    (warning,) = load_values(text).warnings
    assert warning.path == path
    assert warning.remedy


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_usable_without_a_warning(preset: str) -> None:
    loaded = load_values("", preset=preset)
    assert loaded.given
    assert loaded.warnings == ()
    assert load_values(preset_text(preset)).values == loaded.values


def test_a_file_lies_over_its_preset_and_an_override_over_both() -> None:
    loaded = load_values("ttl: 3h\nresources: {limits: {memory: 2Gi}}", preset="ci", overrides=["ttl=4h"])
    assert loaded.values.ttl == "4h"
    assert loaded.values.resources.limits.memory == "2Gi"
    assert loaded.values.resources.requests.memory == "512Mi"
    assert loaded.given["persistence"] == {"enabled": False}


@pytest.mark.parametrize(("text", "overrides"), [("ttl: null", []), ("", ["ttl=null"])])
def test_null_unsets_what_a_preset_says(text: str, overrides: list[str]) -> None:
    loaded = load_values(text, preset="ci", overrides=overrides)
    assert loaded.values.ttl is None
    assert "ttl" not in loaded.given


def test_an_unknown_preset_is_named_together_with_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        load_values("", preset="tenants")
    assert "`tenant`" in caught.value.hint
    with pytest.raises(KeyError):
        preset_text("../model")


def test_given_holds_what_was_asked_for_and_loads_again() -> None:
    loaded = load_values(
        "servers: 1\nk3s: {token: hunter2, debug: }", overrides=["k3s.tls_sans[0]=a.example.org"]
    )
    assert loaded.given == {"servers": 1, "k3s": {"token": "hunter2", "tls_sans": ["a.example.org"]}}
    assert load_given(loaded.given) == loaded


def test_secrets_are_taken_out_and_put_back() -> None:
    given = {
        "k3s": {"token": "hunter2", "debug": True},
        "datastore": {"kind": "external", "external": {"endpoint": "https://e:2379"}},
    }
    tree, secrets = split_secrets(given)
    assert tree == {"k3s": {"debug": True}, "datastore": {"kind": "external", "external": {}}}
    assert secrets == {"k3s.token": "hunter2", "datastore.external.endpoint": "https://e:2379"}
    assert join_secrets(tree, secrets) == given


def test_the_source_is_named_in_the_error() -> None:
    with pytest.raises(ValuesError, match=r"^prod\.yaml: 2 problems"):
        load_values("a: 1\nb: 2\n", source="prod.yaml")


def test_a_rule_is_left_out_when_what_it_reads_was_refused() -> None:
    with pytest.raises(ValuesError) as caught:
        load_values("k3s: {cluster_cidr: x, service_cidr: 10.42.0.0/16, cluster_dns: 10.42.0.10}")
    assert [issue.path for issue in caught.value.issues] == ["k3s.cluster_cidr"]


def test_a_file_is_read_as_utf8_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(b"\xef\xbb\xbfttl: 2h # \xc3\xbc\n")
    assert read_values_file(file) == "ttl: 2h # ü\n"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ttl: 2h\n")))
    assert read_values_file("-") == "ttl: 2h\n"


def test_a_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="Standard input is closed"):
        read_values_file("-")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfet\x00t\x00l\x00", "not UTF-8"),
        (b"a: \xe9\n", "byte 3"),
        (b"#" * (1024 * 1024 + 1), "1 MiB"),
    ],
)
def test_a_file_that_is_no_values_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_values_file(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            read_values_file(path)
