"""Load balancers and node ports, on loopback.

Whatever address a Service of type LoadBalancer asks for, it gets one in 127.0.0.0/8 that really answers; an
Event of the Service says so when it asked for another one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from k3k_core.resources import POD, SERVICE, Resource
from k3k_core.sandbox import loopback
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.pods import is_ready, is_terminating, matches
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "service-controller"
MANAGER = "sandbox-load-balancer"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
_RETRY = 5.0

Backend = tuple[str, int]
Backends = Callable[[], Sequence[Backend]]


class Frontend(Protocol):
    """Something that listens and passes connections on."""

    async def close(self) -> None:
        """Stop listening."""


OpenFrontend = Callable[[socket.socket, Backends], Frontend]


class LoadBalancerController:
    """Gives Services of type LoadBalancer and NodePort an address that answers.

    Args:
        client: reads and writes.
        events: for what is done.
        open_frontend: passes connections of a listening socket on to backends.
        seed: decides which addresses are tried first.
        node_address: returns the address on which node ports are opened.
    """

    watches: tuple[Resource, ...] = (SERVICE,)

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        open_frontend: OpenFrontend,
        *,
        seed: int,
        node_address: str,
    ) -> None:
        self._client = client
        self._store = client.store
        self._events = events
        self._open = open_frontend
        self._seed = seed
        self._node_address = node_address
        # By (namespace, name) of the Service: uid, and frontends by (address, port).
        self._frontends: dict[Key, dict[Backend, Frontend]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def keys(self, change: Change) -> Iterable[Key]:
        """The Service."""
        meta = change.object["metadata"]
        return ((meta["namespace"], meta["name"]),)

    def reconcile(self, key: Key) -> float | None:
        """Open or close what one Service needs."""
        service = self._store.get(SERVICE, key[0], key[1])
        if service is None:
            self._keep(key, set())
            return None
        if service["spec"].get("type") == "LoadBalancer" and not is_terminating(service):
            return self._balance(key, service)
        self._keep(key, self._open_node_ports(key, service) if not is_terminating(service) else set())
        self._clean_up(service)
        return None

    async def close(self) -> None:
        """Close every listener."""
        for key in tuple(self._frontends):
            self._keep(key, set())
        await asyncio.gather(*self._closing)

    def _balance(self, key: Key, service: dict[str, Any]) -> float | None:
        ports = [port["port"] for port in service["spec"]["ports"] if port.get("protocol", "TCP") == "TCP"]
        known = _address_of(service)
        opened = self._frontends.setdefault(key, {})
        if known and all((known, port) in opened for port in ports):
            nodes = self._open_node_ports(key, service)
            self._keep(key, {(known, port) for port in ports} | nodes)
            return None
        if FINALIZER not in (service["metadata"].get("finalizers") or ()):
            service = self._client.change(SERVICE, service, _add_finalizer, manager=MANAGER)
            self._events.normal(
                service, "EnsuringLoadBalancer", "Ensuring load balancer", component=COMPONENT
            )
        try:
            address = self._listen(key, ports, known)
        except loopback.NoAddressError as error:
            message = f"Error syncing load balancer: failed to ensure load balancer: {error}"
            self._events.warning(service, "SyncLoadBalancerFailed", message, component=COMPONENT)
            return _RETRY
        self._keep(key, {(address, port) for port in ports} | self._open_node_ports(key, service))
        self._publish(service, address, known)
        return None

    def _listen(self, key: Key, ports: list[int], known: str) -> str:
        """Take one address for all ports of a Service, starting from the one it has."""
        opened = self._frontends.setdefault(key, {})
        held = next((address for address, _ in opened if address != self._node_address), "")
        purpose = f"service/{key[0]}/{key[1]}"
        first, *others = ports
        address = held or known
        if not held or (held, first) not in opened:
            address, listener = loopback.reserve(first, seed=self._seed, purpose=purpose, preferred=address)
            opened[address, first] = self._open(listener, self._backends(key, first))
        for port in others:
            if (address, port) in opened:
                continue
            try:
                opened[address, port] = self._open(loopback.listen(address, port), self._backends(key, port))
            except OSError as error:
                raise loopback.NoAddressError(f"port {port} of {address}: {error.strerror}") from None
        return address

    def _publish(self, service: dict[str, Any], address: str, known: str) -> None:
        status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        changed = self._client.set_status(
            SERVICE, service, {**(service.get("status") or {}), **status}, manager=MANAGER
        )
        asked = service["spec"].get("loadBalancerIP", "")
        if asked and asked != address:
            self._events.normal(
                changed,
                "SandboxLoadBalancer",
                f"The sandbox cannot stand on {asked}: its load balancer answers on {address} instead",
                component=MANAGER,
            )
        if known and known != address:
            message = f"{known} is taken; the load balancer moved to {address}"
            self._events.warning(changed, "SandboxLoadBalancerMoved", message, component=MANAGER)
        self._events.normal(changed, "EnsuredLoadBalancer", "Ensured load balancer", component=COMPONENT)

    def _open_node_ports(self, key: Key, service: dict[str, Any]) -> set[Backend]:
        wanted: set[Backend] = set()
        opened = self._frontends.setdefault(key, {})
        for port in service["spec"].get("ports") or ():
            if service["spec"].get("type") not in {"NodePort", "LoadBalancer"} or not port.get("nodePort"):
                continue
            where = (self._node_address, int(port["nodePort"]))
            if where not in opened:
                try:
                    listener = loopback.listen(*where)
                except OSError as error:
                    message = f"can't open port {where[1]} on {where[0]}: {error.strerror}"
                    self._events.warning(service, "FailedToStartNodePort", message, component="kube-proxy")
                    continue
                opened[where] = self._open(listener, self._backends(key, port["port"]))
            wanted.add(where)
        return wanted

    def _keep(self, key: Key, wanted: set[Backend]) -> None:
        """Close the frontends of a Service that are not wanted."""
        opened = self._frontends.get(key, {})
        for where in [where for where in opened if where not in wanted]:
            task = asyncio.get_running_loop().create_task(_close(opened.pop(where)))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        if not opened:
            self._frontends.pop(key, None)

    def _clean_up(self, service: dict[str, Any]) -> None:
        """Take back what a load balancer left on a Service that no longer has one."""
        had = FINALIZER in (service["metadata"].get("finalizers") or ())
        if not had:
            return
        if is_terminating(service):
            self._events.normal(
                service, "DeletingLoadBalancer", "Deleting load balancer", component=COMPONENT
            )
        else:
            service = self._client.set_status(SERVICE, service, {"loadBalancer": {}}, manager=MANAGER)
            self._events.normal(service, "DeletedLoadBalancer", "Deleted load balancer", component=COMPONENT)
        self._client.change(SERVICE, service, _drop_finalizer, manager=MANAGER)

    def _backends(self, key: Key, port: int) -> Backends:
        """Return what finds the ready pods behind one port at the time of a connection."""

        def find() -> Sequence[Backend]:
            service = self._store.get(SERVICE, key[0], key[1])
            if service is None or not service["spec"].get("selector"):
                return ()
            selector = {"matchLabels": service["spec"]["selector"]}
            always = service["spec"].get("publishNotReadyAddresses")
            return [
                (pod["status"]["podIP"], _target(service, port, pod))
                for pod in self._store.list(POD, key[0])
                if matches(selector, pod["metadata"].get("labels"))
                and (is_ready(pod) or always)
                and not is_terminating(pod)
                and pod["status"].get("podIP")
            ]

        return find


async def _close(frontend: Frontend) -> None:
    await frontend.close()


def _address_of(service: dict[str, Any]) -> str:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return next((entry["ip"] for entry in ingress if loopback.is_loopback(entry.get("ip", ""))), "")


def _target(service: dict[str, Any], number: int, pod: dict[str, Any]) -> int:
    port = next(entry for entry in service["spec"]["ports"] if entry["port"] == number)
    target = port.get("targetPort", number)
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for each in container.get("ports") or ():
            if each.get("name") == target:
                return int(each["containerPort"])
    return number


def _add_finalizer(service: dict[str, Any]) -> None:
    service["metadata"].setdefault("finalizers", []).append(FINALIZER)


def _drop_finalizer(service: dict[str, Any]) -> None:
    left = [item for item in service["metadata"].get("finalizers") or () if item != FINALIZER]
    if left:
        service["metadata"]["finalizers"] = left
    else:
        service["metadata"].pop("finalizers", None)
