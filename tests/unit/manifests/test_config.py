"""config.yaml of the k3s servers: from values to flags."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k3k_core.manifests import Address, config_map, k3s_config, tls_sans
from tests.support.blueprints import AYEDO_VALUES, ETCD_VALUES, EXTERNAL_VALUES, OWN_SECRET_VALUES, blueprint


def config(text: str = "", **more: Any) -> dict[str, Any]:
    """The configuration as k3s reads it."""
    parsed = yaml.safe_load(config_map(blueprint(text, **more))["data"]["config.yaml"])
    assert isinstance(parsed, dict)
    return parsed


def test_the_ayedo_block_becomes_k3s_flags() -> None:
    assert config(AYEDO_VALUES, address=None) == {
        "agent-token-file": "/etc/k3k/tokens/agent",
        "cluster-cidr": "10.42.0.0/16",
        "cluster-dns": "10.43.0.10",
        "cluster-domain": "cluster.local",
        "data-dir": "/var/lib/rancher/k3s",
        "disable": ["traefik", "servicelb", "local-storage"],
        "disable-agent": True,
        "disable-helm-controller": True,
        "disable-kube-proxy": True,
        "disable-network-policy": True,
        "egress-selector-mode": "pod",
        "flannel-backend": "none",
        "kube-apiserver-arg": ["token-auth-file=/etc/k3k/tokens/identities.csv"],
        "service-cidr": "10.43.0.0/16",
        "tls-san": [
            "127.0.0.1",
            "localhost",
            "dev-k3k",
            "dev-k3k.team",
            "dev-k3k.team.svc",
            "dev-k3k-server-0.dev-k3k-servers.team.svc",
            "1.2.3.4",
        ],
        "token-file": "/etc/k3k/tokens/server",
        "v": 0,
        "write-kubeconfig": "/tmp/kubeconfig.yaml",
        "write-kubeconfig-mode": "0644",
    }


@pytest.mark.parametrize(
    ("switch", "key", "value"),
    [
        ("cloud_controller", "disable-cloud-controller", True),
        ("helm_controller", "disable-helm-controller", True),
        ("network_policy", "disable-network-policy", True),
        ("kube_proxy", "disable-kube-proxy", True),
        ("flannel", "flannel-backend", "none"),
    ],
)
def test_a_switch_is_given_when_on_and_left_out_when_off(switch: str, key: str, value: object) -> None:
    base = "k3s: {disable: {%s: %s, helm_controller: %s}}"
    on = config(base.replace(", helm_controller: %s", "") % (switch, "true"))
    off = config(base.replace(", helm_controller: %s", "") % (switch, "false"))
    assert on[key] == value
    assert key not in off


@pytest.mark.parametrize(
    ("switch", "name"),
    [("traefik", "traefik"), ("servicelb", "servicelb"), ("localstorage", "local-storage")],
)
def test_packaged_components_are_disabled_one_by_one(switch: str, name: str) -> None:
    others = {"traefik", "servicelb", "local-storage"} - {name}
    found = config(f"k3s: {{disable: {{{switch}: false, helm_controller: false}}}}")
    assert set(found["disable"]) == others


def test_coredns_and_metrics_server_stay_as_k3s_has_them() -> None:
    assert not {"coredns", "metrics-server"} & set(config()["disable"])


def test_with_nothing_to_disable_there_is_no_list() -> None:
    off = "traefik: false, servicelb: false, localstorage: false, helm_controller: false"
    assert "disable" not in config(f"k3s: {{disable: {{{off}}}}}")


def test_the_file_mode_stays_text_because_yaml_has_octal_numbers() -> None:
    text = config_map(blueprint("k3s: {kubeconfig: {mode: '0640'}}"))["data"]["config.yaml"]
    assert "write-kubeconfig-mode: '0640'\n" in text


def test_verbosity_is_a_number_and_debug_appears_when_on() -> None:
    found = config("k3s: {log_level: '4', debug: true}")
    assert (found["v"], found["debug"]) == (4, True)
    assert "debug" not in config()


@pytest.mark.parametrize(
    ("version", "known"), [("v1.21.3+k3s1", False), ("v1.23.6+k3s1", False), ("v1.23.7+k3s1", True)]
)
def test_flags_that_a_version_does_not_know_are_left_out(version: str, known: bool) -> None:
    assert ("egress-selector-mode" in config(f"version: {version}")) is known


def test_the_address_is_advertised_to_agents() -> None:
    found = config(address=Address("203.0.113.9", 30643))
    assert (found["advertise-address"], found["advertise-port"]) == ("203.0.113.9", 30643)
    assert "203.0.113.9" in found["tls-san"]


def test_an_ipv6_address_is_advertised_too() -> None:
    assert config(address=Address("2001:db8::7"))["advertise-address"] == "2001:db8::7"


@pytest.mark.parametrize("host", ["lb.example.org", "127.0.0.7", "::1", "169.254.1.1", "ff02::1"])
def test_what_cannot_be_an_endpoint_is_a_name_in_the_certificate_only(host: str) -> None:
    found = config(address=Address(host))
    assert "advertise-address" not in found
    assert "advertise-port" not in found
    assert host in found["tls-san"]


def test_names_of_the_certificate_are_listed_once() -> None:
    names = tls_sans(blueprint("k3s: {tls_sans: [localhost, api.example.org, api.example.org]}"))
    assert names.count("localhost") == names.count("api.example.org") == 1


def test_without_a_load_balancer_its_address_is_no_name() -> None:
    text = "loadbalancer: {enabled: false, ip: 1.2.3.4}"
    assert "1.2.3.4" not in tls_sans(blueprint(text, address=None))


def test_scaling_to_three_servers_changes_no_certificate() -> None:
    one, three = (tls_sans(blueprint(f"servers: {number}\ndatastore: {{kind: etcd}}")) for number in (1, 3))
    assert one == three
    assert "dev-k3k-server-2.dev-k3k-servers.team.svc" in three


def test_every_one_of_many_servers_has_its_name() -> None:
    names = tls_sans(blueprint("servers: 5\ndatastore: {kind: etcd}"))
    assert "dev-k3k-server-4.dev-k3k-servers.team.svc" in names


def test_a_dedicated_etcd_is_reached_by_the_names_of_its_members() -> None:
    found = config(ETCD_VALUES)
    assert found["datastore-endpoint"] == ",".join(
        f"https://dev-k3k-etcd-{number}.dev-k3k-etcd.team.svc:2379" for number in range(3)
    )
    assert found["datastore-cafile"] == "/etc/k3k/datastore/ca.crt"
    assert found["datastore-certfile"] == "/etc/k3k/datastore/tls.crt"
    assert found["datastore-keyfile"] == "/etc/k3k/datastore/tls.key"


def test_an_external_datastore_is_not_in_the_file() -> None:
    assert not [key for key in config(EXTERNAL_VALUES) if key.startswith("datastore")]


def test_tls_files_of_the_users_own_secret_are_used_as_far_as_they_exist() -> None:
    found = config(OWN_SECRET_VALUES, datastore_files=frozenset({"ca.crt"}))
    assert found["datastore-cafile"] == "/etc/k3k/datastore/ca.crt"
    assert "datastore-certfile" not in found


def test_extra_arguments_join_those_of_k3k() -> None:
    found = config(
        "k3s:\n  extra_args:\n"
        "  - --kube-apiserver-arg=enable-admission-plugins+=AlwaysPullImages\n"
        "  - --kube-apiserver-arg=audit-log-path=-\n"
        "  - --kube-scheduler-arg=v=4\n"
        "  - --secrets-encryption\n"
        "  - --tls-san-security=false\n"
        "  - --service-node-port-range=30000-30100\n"
    )
    assert found["kube-apiserver-arg"] == [
        "token-auth-file=/etc/k3k/tokens/identities.csv",
        "enable-admission-plugins+=AlwaysPullImages",
        "audit-log-path=-",
    ]
    assert found["kube-scheduler-arg"] == ["v=4"]
    assert found["secrets-encryption"] is True
    assert found["tls-san-security"] is False
    assert found["service-node-port-range"] == "30000-30100"


def test_the_same_extra_argument_twice_counts_once() -> None:
    argument = "--kube-apiserver-arg=audit-log-path=-"
    source = blueprint(f"k3s: {{extra_args: ['{argument}', '{argument}']}}")
    assert k3s_config(source)["kube-apiserver-arg"].count("audit-log-path=-") == 1
