"""Which ways there may be to a control plane."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.discovery.addresses import service_essence
from k3k_core.fleet.candidates import candidates, etcd_targets
from k3k_core.fleet.credentials import Access
from k3k_core.fleet.pods import PodFacts, pod_facts
from k3k_core.names import ControlPlaneId
from tests.support.fleet_host import control_plane, pod

ID = ControlPlaneId("team-a", "ci")
ACCESS = Access("pem", "ci-k3k.team-a.svc", token="secret")


def front(**spec: Any) -> dict[str, Any]:
    """The Service in front, as discovery keeps it."""
    service = control_plane("ci")[2]
    return service_essence({**service, "spec": {**service["spec"], **spec}})


def facts(*manifests: dict[str, Any]) -> tuple[PodFacts, ...]:
    """Pods as a fleet keeps them."""
    return tuple(map(pod_facts, manifests))


def ways(*arguments: Any) -> list[tuple[str, list[str]]]:
    """Ways with their URLs."""
    return [(way.way, [server.url for server in way.servers]) for way in candidates(*arguments)]


def test_pods_come_first_then_what_is_meant_for_use_from_outside() -> None:
    assert ways(front(), facts(pod(ID), pod(ID, 1, address="10.1.0.2")), ACCESS) == [
        ("pods", ["https://10.1.0.1:6443", "https://10.1.0.2:6443"]),
        ("load-balancer", ["https://203.0.113.7:6443"]),
        ("node-port", ["https://192.0.2.1:30443"]),
        ("cluster-ip", ["https://10.96.0.9:6443"]),
    ]


def test_every_server_is_verified_by_the_name_of_the_service() -> None:
    found = candidates(front(), facts(pod(ID)), ACCESS)
    assert {server.tls_server_name for way in found for server in way.servers} == {"ci-k3k.team-a.svc"}


def test_addresses_of_version_6_are_put_in_brackets() -> None:
    assert ways(None, facts(pod(ID, address="fd00::7")), ACCESS) == [("pods", ["https://[fd00::7]:6443"])]
    (member,) = etcd_targets(facts(pod(ID, address="fd00::9", component="etcd")))
    assert member.url == "http://[fd00::9]:2381"


@pytest.mark.parametrize("cluster_ip", ["", "None", None])
def test_a_service_without_an_address_is_no_way(cluster_ip: str | None) -> None:
    service = front(clusterIP=cluster_ip, ports=[{"name": "api", "port": 6443}])
    service["status"] = {"loadBalancer": {}}
    assert ways(service, facts(pod(ID)), ACCESS) == [("pods", ["https://10.1.0.1:6443"])]


@pytest.mark.parametrize(
    "status", [{"podIP": ""}, {"podIP": None}, {"phase": "Failed"}, {"phase": "Succeeded"}]
)
def test_pods_that_cannot_answer_are_left_out(status: dict[str, Any]) -> None:
    assert ways(None, facts(pod(ID, **status)), ACCESS) == []


def test_members_of_etcd_are_no_servers() -> None:
    assert ways(None, facts(pod(ID, component="etcd")), ACCESS) == []


def test_a_kubeconfig_of_helms_names_a_way() -> None:
    access = Access("pem", "shop", client_certificate="c", client_key="k", server=("api.example.com", 443))
    assert ways(None, (), access) == [("kubeconfig", ["https://api.example.com:443"])]
