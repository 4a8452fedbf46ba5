"""Services: load balancers on loopback, node ports, endpoints, and where connections go."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import EVENT, NAMESPACE, POD, SERVICE
from k3k_core.sandbox import loopback
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.endpoints import EndpointsController
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import ENDPOINT_SLICE, ENDPOINTS
from k3k_core.sandbox.controllers.load_balancers import FINALIZER, LoadBalancerController
from k3k_core.sandbox.controllers.runtime import Controller
from k3k_core.sandbox.forwarder import Forwarder
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.sandbox_objects import pod, ready_status

# One after another: they ask for the same addresses.
pytestmark = pytest.mark.xdist_group("loopback")

TYPES = (NAMESPACE, EVENT, SERVICE, POD, ENDPOINTS, ENDPOINT_SLICE)
NODE_ADDRESS = "127.65.4.3"
Balancers = list[LoadBalancerController]


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    made: Balancers = []

    def make(client: Client, events: EventRecorder) -> list[Controller]:
        made.append(LoadBalancerController(client, events, Forwarder, seed=7, node_address=NODE_ADDRESS))
        return [EndpointsController(client), made[0]]

    async with control_loop(make, TYPES) as running:
        yield running
        await made[0].close()


def service(kind: str = "LoadBalancer", name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "type": kind,
            "selector": {"app": "web"},
            "ports": [{"name": "api", "port": 6443, "targetPort": "api", "protocol": "TCP"}],
            **spec,
        },
    }


def address(loop: ControlLoop, name: str = "web") -> str:
    ingress = loop.get(SERVICE, name)["status"]["loadBalancer"]["ingress"]
    return str(ingress[0]["ip"])


async def backend(loop: ControlLoop, name: str, ip: str, answer: bytes) -> asyncio.Server:
    """A pod that answers every connection with its own text."""

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(accept, ip, 0)
    port = server.sockets[0].getsockname()[1]
    made = pod(name, {"name": "main", "image": "a", "ports": [{"name": "api", "containerPort": port}]})
    made["metadata"]["labels"] = {"app": "web"}
    made["status"] = {**ready_status(), "podIP": ip}
    await loop.put(POD, made)
    return server


async def ask(ip: str, port: int = 6443) -> bytes:
    reader, writer = await asyncio.open_connection(ip, port)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_it_reports_an_address_on_loopback_whatever_was_asked_for(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service(loadBalancerIP="1.2.3.4"))
    assert loopback.is_loopback(address(loop))
    assert loop.messages("SandboxLoadBalancer") == [
        f"The sandbox cannot stand on 1.2.3.4: its load balancer answers on {address(loop)} instead"
    ]
    assert loop.reasons("web") == ["EnsuringLoadBalancer", "SandboxLoadBalancer", "EnsuredLoadBalancer"]


async def test_every_service_has_an_address_of_its_own_with_the_same_port(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service(name="one"))
    await loop.put(SERVICE, service(name="two"))
    assert address(loop, "one") != address(loop, "two")


async def test_connections_go_to_the_ready_pods_in_turn(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service())
    one = await backend(loop, "one", "127.66.0.1", b"one")
    two = await backend(loop, "two", "127.66.0.2", b"two")
    assert {await ask(address(loop)) for _ in range(4)} == {b"one", b"two"}
    await loop.change(POD, "one", lambda obj: obj["status"].update(conditions=[]))
    assert {await ask(address(loop)) for _ in range(4)} == {b"two"}
    one.close()
    two.close()


async def test_without_ready_pods_connections_are_closed_at_once(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service())
    assert await ask(address(loop)) == b""


async def test_a_deleted_service_gives_its_address_back(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service())
    ip = address(loop)
    assert loop.get(SERVICE, "web")["metadata"]["finalizers"] == [FINALIZER]
    await loop.delete(SERVICE, "web")
    assert loop.names(SERVICE) == []
    await asyncio.sleep(0)
    loopback.listen(ip, 6443).close()


async def test_another_type_takes_the_load_balancer_away(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service())
    await loop.change(SERVICE, "web", lambda obj: obj["spec"].update(type="ClusterIP"))
    changed = loop.get(SERVICE, "web")
    assert changed["status"] == {"loadBalancer": {}}
    assert "finalizers" not in changed["metadata"]


async def test_an_address_in_use_is_passed_over(loop: ControlLoop) -> None:
    first = next(loopback.candidates(7, "service/ns/web"))
    with loopback.listen(first, 6443):
        await loop.put(SERVICE, service())
        assert address(loop) != first


async def test_an_address_from_before_a_restart_is_kept(loop: ControlLoop) -> None:
    known = service()
    known["status"] = {"loadBalancer": {"ingress": [{"ip": "127.99.1.2"}]}}
    await loop.put(SERVICE, known)
    assert address(loop) == "127.99.1.2"
    assert loop.messages("SandboxLoadBalancerMoved") == []


async def test_an_address_that_was_lost_meanwhile_is_replaced_with_a_warning(loop: ControlLoop) -> None:
    known = service()
    known["status"] = {"loadBalancer": {"ingress": [{"ip": "127.99.1.3"}]}}
    with loopback.listen("127.99.1.3", 6443):
        await loop.put(SERVICE, known)
    assert address(loop) != "127.99.1.3"
    assert loop.messages("SandboxLoadBalancerMoved") == [
        f"127.99.1.3 is taken; the load balancer moved to {address(loop)}"
    ]


async def test_a_node_port_answers_on_the_node(loop: ControlLoop) -> None:
    with socket.socket() as free:
        free.bind((NODE_ADDRESS, 0))
        number = free.getsockname()[1]
    ports = [{"name": "api", "port": 6443, "targetPort": "api", "nodePort": number}]
    await loop.put(SERVICE, service("NodePort", ports=ports))
    server = await backend(loop, "one", "127.66.0.1", b"one")
    assert await ask(NODE_ADDRESS, number) == b"one"
    server.close()


async def test_endpoints_and_slices_follow_readiness(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service("ClusterIP"))
    server = await backend(loop, "one", "127.66.0.1", b"one")
    subset = loop.get(ENDPOINTS, "web")["subsets"][0]
    assert [entry["ip"] for entry in subset["addresses"]] == ["127.66.0.1"]
    (only,) = loop.store.list(ENDPOINT_SLICE, "ns")
    assert only["endpoints"][0]["conditions"]["ready"] is True
    assert only["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    await loop.change(POD, "one", lambda obj: obj["status"].update(conditions=[]))
    subset = loop.get(ENDPOINTS, "web")["subsets"][0]
    assert [entry["ip"] for entry in subset["notReadyAddresses"]] == ["127.66.0.1"]
    assert "addresses" not in subset
    server.close()


async def test_a_headless_service_may_publish_pods_that_are_not_ready(loop: ControlLoop) -> None:
    headless = service("ClusterIP", clusterIP="None", publishNotReadyAddresses=True)
    await loop.put(SERVICE, headless)
    waiting = pod("web-0", hostname="web-0", subdomain="web")
    waiting["metadata"]["labels"] = {"app": "web"}
    waiting["status"] = {"phase": "Running", "podIP": "127.66.0.5"}
    await loop.put(POD, waiting)
    (entry,) = loop.get(ENDPOINTS, "web")["subsets"][0]["addresses"]
    assert (entry["ip"], entry["hostname"]) == ("127.66.0.5", "web-0")


async def test_the_endpoints_go_with_their_service(loop: ControlLoop) -> None:
    await loop.put(SERVICE, service("ClusterIP"))
    assert loop.names(ENDPOINTS) == ["web"]
    await loop.delete(SERVICE, "web")
    assert loop.names(ENDPOINTS) == []
