"""A node that runs simulated k3s servers, without the API of a host."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from aiohttp import web

from k3k_core.resources import (
    CONFIG_MAP,
    EVENT,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    SERVICE,
)
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import NODE, PERSISTENT_VOLUME, STORAGE_CLASS
from k3k_core.sandbox.controllers.pods import is_ready
from k3k_core.sandbox.controllers.runtime import Controller, Key
from k3k_core.sandbox.controllers.volumes import VolumeController, standard_storage_class
from k3k_core.sandbox.data_volumes import DataVolumes
from k3k_core.sandbox.fault_board import FaultBoard
from k3k_core.sandbox.k3s.cluster import Cluster, Surroundings
from k3k_core.sandbox.k3s.contents import DatastoreFiles
from k3k_core.sandbox.k3s.datastores import Datastores, Members
from k3k_core.sandbox.k3s.etcd import EtcdProcess
from k3k_core.sandbox.k3s.server import K3sServer
from k3k_core.sandbox.node.addresses import Addresses
from k3k_core.sandbox.node.images import Program
from k3k_core.sandbox.node.kubelet import Kubelet, NoLogError
from k3k_core.sandbox.node.machine import NODE_NAME, node_manifest, node_status
from k3k_core.sandbox.node.scheduler import Scheduler
from k3k_core.sandbox.node.volumes import Volumes
from k3k_core.sandbox.programs.registry import known_programs
from k3k_core.sandbox.scenario import Scenario
from tests.support.control_loop import ControlLoop, control_loop, loop_clock
from tests.support.k3s_pods import config_map, pki, pki_secret, tokens_secret
from tests.support.tasks import tasks

TYPES = (
    NAMESPACE,
    EVENT,
    POD,
    SECRET,
    CONFIG_MAP,
    SERVICE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
)


@dataclass(slots=True)
class K3sNode:
    """A node and what is asked of it."""

    loop: ControlLoop
    kubelet: Kubelet
    datastores: Datastores
    clusters: list[Cluster]
    board: FaultBoard

    async def until_ready(self, pod: str) -> dict[str, Any]:
        """Wait for a pod to be ready."""
        with self.loop.store.subscribe(POD) as changes:
            while not is_ready(self.loop.get(POD, pod)):
                await changes.next()
        return self.loop.get(POD, pod)

    def waiting(self, pod: str) -> dict[str, Any]:
        """Return the waiting state of a pod's container."""
        status = self.loop.get(POD, pod)["status"]["containerStatuses"][0]
        state: dict[str, Any] = status["state"]["waiting"]
        return state

    def log(self, pod: str) -> str:
        """Return the log of a pod's container."""
        try:
            return self.kubelet.log("ns", pod, "k3s").text()
        except NoLogError:
            return ""

    async def until_logged(self, pod: str, words: str) -> None:
        """Wait until a pod's container has logged something; its state changes when it ends."""
        with self.loop.store.subscribe(POD) as changes:
            while words not in self.log(pod):
                await changes.next()

    async def get(self, pod: str, path: str, **headers: str) -> httpx.Response:
        """Ask a server over the network, TLS verified by the address of its pod."""
        address = self.loop.get(POD, pod)["status"]["podIP"]
        context = ssl.create_default_context(cadata=pki().server_ca.cert_pem)
        async with httpx.AsyncClient(verify=context) as client:
            return await client.get(f"https://{address}:6443{path}", headers=headers)


@asynccontextmanager
async def k3s_node(scenario: Scenario | None = None) -> AsyncIterator[K3sNode]:
    """Run a node whose namespace `ns` has the Secrets and the ConfigMap of a control plane.

    Args:
        scenario: of the servers; they are ready at once by default.
    """
    chosen = scenario or Scenario(start_delay=0)
    clusters: list[Cluster] = []
    # Test processes side by side each have addresses of their own.
    datastores, members, addresses = Datastores(), Members(), Addresses(os.getpid())

    def open_api(cluster: Cluster) -> Any:
        clusters.append(cluster)

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return web.json_response({"path": request.path})

        return answer

    board = FaultBoard(chosen, loop_clock)
    volumes_of_pods = Volumes(DatastoreFiles(datastores))
    around = Surroundings(datastores, members, chosen, loop_clock, open_api, board, volumes_of_pods)
    made: list[Kubelet] = []

    def look_again(controller: Controller, key: Key) -> None:
        running.manager.enqueue(controller, key)

    def make(client: Client, events: EventRecorder) -> list[Controller]:
        kubelet = Kubelet(
            client,
            events,
            {
                Program.K3S: lambda launch: K3sServer(launch, around),
                Program.ETCD: lambda launch: EtcdProcess(
                    launch,
                    around,
                    lambda each: frozenset({each.pod["spec"]["subdomain"]}),
                    board.of(launch.pod["metadata"]["namespace"], launch.pod["metadata"]["name"]),
                ),
            },
            tasks(known_programs(), around),
            node=NODE_NAME,
            node_address="127.64.0.9",
            pod_address=addresses.of,
            release_address=addresses.release,
            enqueue=look_again,
        )
        made.append(kubelet)
        volumes = DataVolumes(datastores, lambda _: None, around.volumes)
        return [VolumeController(client, events), volumes, Scheduler(client, events), kubelet]

    async with control_loop(make, TYPES) as running:
        node = {**node_manifest("127.64.0.9"), "status": node_status("127.64.0.9", "v1.36.2", "")}
        await running.put(NODE, node)
        await running.put(STORAGE_CLASS, standard_storage_class())
        for resource, obj in ((SECRET, pki_secret()), (SECRET, tokens_secret()), (CONFIG_MAP, config_map())):
            await running.put(resource, obj)
        try:
            yield K3sNode(running, made[0], datastores, clusters, board)
        finally:
            made[0].stop()
            addresses.close()
            await asyncio.sleep(0)
