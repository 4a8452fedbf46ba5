"""The ways in which a control plane may be reached, from the objects of its host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k3k_core.discovery.addresses import api_port, load_balancer_host, url
from k3k_core.fleet.credentials import Access
from k3k_core.fleet.pods import PodFacts
from k3k_core.fleet.rows import Way
from k3k_core.names import API_PORT, COMPONENT_ETCD, COMPONENT_SERVER, ETCD_METRICS_PORT
from k3k_core.telemetry.scraper.target import ServerTarget

# Name of the one server that is seen through a Service: which of them answers is the Service's choice.
ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to reach a control plane.

    Attributes:
        way: which.
        servers: where its servers answer.
    """

    way: Way
    servers: tuple[ServerTarget, ...]


def candidates(
    front: Mapping[str, Any] | None, pods: Sequence[PodFacts], access: Access
) -> tuple[Candidate, ...]:
    """Return the ways in the order in which they are preferred; those without an address are left out.

    By its pods each server is seen by itself, so they come first.

    Args:
        front: the Service in front of it, None for none.
        pods: its pods.
        access: its credentials.
    """
    found = [Candidate("pods", pod_targets(pods, access))]
    if front is not None:
        found += [
            Candidate("load-balancer", _endpoint(load_balancer_host(front), api_port(front), access)),
            Candidate("node-port", _node_port(front, pods, access)),
            Candidate("cluster-ip", _endpoint(_cluster_ip(front), api_port(front), access)),
        ]
    found.append(Candidate("kubeconfig", _endpoint(*access.server, access)))
    return tuple(candidate for candidate in found if candidate.servers)


def pod_targets(pods: Iterable[PodFacts], access: Access) -> tuple[ServerTarget, ...]:
    """Return where each server's pod answers.

    Args:
        pods: pods of a control plane.
        access: its credentials.
    """
    return tuple(
        ServerTarget(pod.name, url(pod.address, API_PORT), access.tls_server_name)
        for pod in serving(pods, COMPONENT_SERVER)
    )


def etcd_targets(pods: Iterable[PodFacts]) -> tuple[ServerTarget, ...]:
    """Return where each etcd member tells its metrics, which is without TLS.

    Args:
        pods: pods of a control plane.
    """
    return tuple(
        ServerTarget(pod.name, plain_url(pod.address, ETCD_METRICS_PORT))
        for pod in serving(pods, COMPONENT_ETCD)
    )


def serving(pods: Iterable[PodFacts], component: str) -> tuple[PodFacts, ...]:
    """Return the pods of a component that can be asked.

    Args:
        pods: pods of a control plane.
        component: "server" or "etcd".
    """
    return tuple(pod for pod in pods if pod.component == component and pod.address and not pod.leaving)


def plain_url(host: str, port: int) -> str:
    """Return an http URL; IPv6 addresses are put in brackets.

    Args:
        host: address.
        port: TCP port.
    """
    return "http" + url(host, port).removeprefix("https")


def _endpoint(host: str, port: int, access: Access) -> tuple[ServerTarget, ...]:
    return (ServerTarget(ENDPOINT, url(host, port), access.tls_server_name),) if host else ()


def _node_port(
    front: Mapping[str, Any], pods: Sequence[PodFacts], access: Access
) -> tuple[ServerTarget, ...]:
    ports = front.get("spec", {}).get("ports") or ()
    number = next((port["nodePort"] for port in ports if port.get("nodePort")), None)
    node = next((pod.node_address for pod in pods if pod.node_address), "")
    return _endpoint(node, int(number), access) if number else ()


def _cluster_ip(front: Mapping[str, Any]) -> str:
    address = str(front.get("spec", {}).get("clusterIP") or "")
    return "" if address == "None" else address
