"""The front Service, and who may talk to the pods."""

from __future__ import annotations

import ipaddress
from typing import Any

from k3k_core.manifests import etcd_network_policy, front_service, namespace, network_policy, service_account
from tests.support.blueprints import ETCD_VALUES, blueprint

EXPORTERS = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "k3k-exporter"}},
}


def front(text: str = "") -> dict[str, Any]:
    source = blueprint(text)
    return front_service(source.id, source.values, source.owner)


def policy(text: str = "") -> dict[str, Any]:
    found = network_policy(blueprint(text))["spec"]
    assert isinstance(found, dict)
    return found


def test_a_load_balancer_is_the_default() -> None:
    spec = front()["spec"]
    assert spec["type"] == "LoadBalancer"
    assert spec["ports"] == [{"name": "api", "protocol": "TCP", "port": 6443, "targetPort": 6443}]
    assert "loadBalancerIP" not in spec
    assert "loadBalancerClass" not in spec
    assert "annotations" not in front()["metadata"]


def test_a_load_balancer_as_the_values_describe_it() -> None:
    found = front(
        "loadbalancer:\n"
        "  class_name: metallb.io/metallb\n"
        "  ip: 203.0.113.7\n"
        "  annotations: {metallb.io/address-pool: public}\n"
        "  source_ranges: [198.51.100.0/24]\n"
    )
    assert found["spec"]["loadBalancerClass"] == "metallb.io/metallb"
    assert found["spec"]["loadBalancerIP"] == "203.0.113.7"
    assert found["spec"]["loadBalancerSourceRanges"] == ["198.51.100.0/24"]
    assert found["metadata"]["annotations"] == {"metallb.io/address-pool": "public"}


def test_a_node_port_can_be_chosen() -> None:
    spec = front("loadbalancer: {enabled: false}\nservice: {type: NodePort, node_port: 30643}")["spec"]
    assert spec["type"] == "NodePort"
    assert spec["ports"][0]["nodePort"] == 30643


def test_a_cluster_ip_has_nothing_of_a_load_balancer() -> None:
    spec = front("loadbalancer: {enabled: false}")["spec"]
    assert spec["type"] == "ClusterIP"
    assert set(spec) == {"type", "selector", "ports"}


def test_the_front_service_finds_the_servers_and_not_etcd() -> None:
    assert front()["spec"]["selector"] == {
        "k3k.ayedo.de/control-plane": "dev",
        "app.kubernetes.io/component": "server",
    }


def test_the_api_is_open_to_all_and_nothing_else_is() -> None:
    assert policy()["ingress"] == [{"ports": [{"protocol": "TCP", "port": 6443}]}]
    assert policy()["policyTypes"] == ["Ingress", "Egress"]


def test_the_api_can_be_open_to_some() -> None:
    (rule,) = policy("network_policy: {ingress_cidrs: [10.0.0.0/8]}")["ingress"]
    assert {"ipBlock": {"cidr": "10.0.0.0/8"}} in rule["from"]
    assert {"podSelector": {"matchLabels": {"k3k.ayedo.de/control-plane": "dev"}}} in rule["from"]


def test_servers_can_resolve_names_wherever_the_resolver_is() -> None:
    assert policy("network_policy: {egress_cidrs: [10.20.0.0/16]}")["egress"][0] == {
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    }


def test_servers_reach_everything_but_the_hosts_metadata_service() -> None:
    blocks = [peer["ipBlock"] for peer in policy()["egress"][-1]["to"]]
    assert _allowed("93.184.216.34", blocks)
    assert _allowed("10.20.30.40", blocks)
    assert _allowed("2001:db8::1", blocks)
    assert not _allowed("169.254.169.254", blocks)
    assert not _allowed("fd00:ec2::254", blocks)


def test_servers_reach_only_what_the_values_name() -> None:
    rules = policy("network_policy: {egress_cidrs: [10.20.0.0/16]}")["egress"]
    assert rules[1:] == [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]


def test_servers_reach_their_etcd_also_when_egress_is_narrow() -> None:
    rules = policy(f"{ETCD_VALUES}network_policy: {{egress_cidrs: [10.20.0.0/16]}}\n")["egress"]
    (to_etcd,) = [rule for rule in rules if rule.get("ports") == [{"protocol": "TCP", "port": 2379}]]
    assert to_etcd["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "etcd"


def test_etcd_is_reached_by_its_servers_and_its_members_only() -> None:
    spec = etcd_network_policy(blueprint(ETCD_VALUES))["spec"]
    client, peer, _ = spec["ingress"]
    assert sorted(_components(client["from"])) == ["etcd", "server", "server-green"]
    assert _components(peer["from"]) == ["etcd"]
    assert all("ipBlock" not in target for rule in spec["egress"] for target in rule.get("to", ()))


def test_the_metrics_of_etcd_are_open_to_exporters_in_any_namespace() -> None:
    rule = etcd_network_policy(blueprint(ETCD_VALUES))["spec"]["ingress"][-1]
    assert rule == {"ports": [{"protocol": "TCP", "port": 2381}], "from": [EXPORTERS]}


def test_exporters_reach_servers_that_are_open_to_some_only() -> None:
    (rule,) = policy("network_policy: {ingress_cidrs: [10.0.0.0/8]}")["ingress"]
    assert EXPORTERS in rule["from"]


def test_the_pods_identity_has_no_token() -> None:
    assert service_account(blueprint())["automountServiceAccountToken"] is False


def test_a_namespace_is_made_under_the_restricted_standard() -> None:
    assert namespace(blueprint().id)["metadata"] == {
        "name": "team",
        "labels": {"app.kubernetes.io/managed-by": "k3k", "pod-security.kubernetes.io/enforce": "restricted"},
    }


def _allowed(text: str, blocks: list[dict[str, Any]]) -> bool:
    address = ipaddress.ip_address(text)
    return any(
        address in ipaddress.ip_network(block["cidr"])
        and not any(address in ipaddress.ip_network(hole) for hole in block.get("except", ()))
        for block in blocks
    )


def _components(sources: list[dict[str, Any]]) -> list[str]:
    return [source["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for source in sources]
