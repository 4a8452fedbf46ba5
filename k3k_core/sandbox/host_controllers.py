"""The controllers of the sandbox host, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from weakref import WeakSet

from k3k_core.pki.model import Authority
from k3k_core.resources import SERVICE, Resource
from k3k_core.sandbox import loopback
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.certificates import CertificateSigner
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, KUBELET, Client
from k3k_core.sandbox.controllers.cluster_roles import ClusterRoleAggregator
from k3k_core.sandbox.controllers.cron_jobs import CronJobController
from k3k_core.sandbox.controllers.deployments import DeploymentController
from k3k_core.sandbox.controllers.disruption import DisruptionController
from k3k_core.sandbox.controllers.endpoints import EndpointsController
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.jobs import JobController
from k3k_core.sandbox.controllers.kinds import NODE, STORAGE_CLASS
from k3k_core.sandbox.controllers.load_balancers import LoadBalancerController
from k3k_core.sandbox.controllers.namespaces import NamespaceController
from k3k_core.sandbox.controllers.pods import matches
from k3k_core.sandbox.controllers.replica_sets import ReplicaSetController
from k3k_core.sandbox.controllers.runtime import Controller, ControllerManager, Key
from k3k_core.sandbox.controllers.stateful_sets import StatefulSetController
from k3k_core.sandbox.controllers.volumes import VolumeController, standard_storage_class
from k3k_core.sandbox.data_volumes import DataVolumes
from k3k_core.sandbox.exec import ExecDoor
from k3k_core.sandbox.fault_annotations import FaultAnnotations
from k3k_core.sandbox.forwarder import Forwarder
from k3k_core.sandbox.k3s.agent import K3sAgent, host_of, is_agent
from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.k3s.etcd import EtcdProcess
from k3k_core.sandbox.k3s.server import K3sServer
from k3k_core.sandbox.node.addresses import Addresses
from k3k_core.sandbox.node.file_tree import FileTree
from k3k_core.sandbox.node.images import Program
from k3k_core.sandbox.node.kubelet import Kubelet, NoLogError
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.machine import NODE_NAME, node_manifest, node_status
from k3k_core.sandbox.node.process import Launch, Process
from k3k_core.sandbox.node.scheduler import Scheduler
from k3k_core.sandbox.node.tasks import Tasks
from k3k_core.sandbox.programs.registry import known_programs

KUBELET_VERSION = "v1.36.2"
_KUBELET_PORT = 10250


class HostControllers:
    """Everything that acts on a sandbox's objects by itself.

    Args:
        client: reads and writes.
        known_types: the resource types that exist.
        around: what simulated servers share.
        root_ca: certificate of the API's authority (PEM).
        client_ca: signs certificates of clients.
        bare: neither node nor storage nor load balancers.
        on_drop: called with each datastore whose volume is gone.

    Attributes:
        around: the datastores and volumes, among other things.
    """

    def __init__(
        self,
        client: Client,
        known_types: Callable[[], Iterable[Resource]],
        around: Surroundings,
        *,
        root_ca: str,
        client_ca: Authority,
        bare: bool,
        on_drop: Callable[[Datastore], None],
    ) -> None:
        self._client = client
        self.around = around
        self._bare = bare
        events = EventRecorder(client.store)
        seed = around.scenario.seed
        self._addresses = Addresses(seed)
        self._node_address = ""
        self._node_port: Forwarder | None = None
        # Those that have ended are gone by themselves.
        self._servers: WeakSet[K3sServer] = WeakSet()
        if not bare:
            # Holding the kubelet's port makes the address this sandbox's own: others look further.
            self._node_address, listener = loopback.reserve(_KUBELET_PORT, seed=seed, purpose="node")
            self._node_port = Forwarder(listener, tuple)
        controllers: list[Controller] = [
            NamespaceController(client, known_types, root_ca, service_ca=True),
            GarbageCollector(client),
            StatefulSetController(client, events),
            DeploymentController(client, events),
            ReplicaSetController(client, events),
            JobController(client, events),
            CronJobController(client, events),
            VolumeController(client, events),
            EndpointsController(client),
            DisruptionController(client),
            CertificateSigner(client, client_ca),
            ClusterRoleAggregator(client),
        ]
        self._tasks = Tasks(known_programs(), around, lambda launch: FileTree(launch, around.volumes))
        self._kubelet: Kubelet | None = None
        self._balancers: LoadBalancerController | None = None
        if not bare:
            self._balancers = LoadBalancerController(
                client, events, Forwarder, seed=seed, node_address=self._node_address
            )
            self._kubelet = self._make_kubelet(client, events)
            controllers += [
                self._balancers,
                DataVolumes(around.datastores, on_drop, around.volumes),
                FaultAnnotations(client, events, around.faults),
                Scheduler(client, events),
                self._kubelet,
            ]
        self.manager = ControllerManager(client.store, controllers, known_types)

    def _make_kubelet(self, client: Client, events: EventRecorder) -> Kubelet:
        return Kubelet(
            client,
            events,
            {Program.K3S: self._start_k3s, Program.ETCD: self._start_etcd},
            self._tasks,
            node=NODE_NAME,
            node_address=self._node_address,
            pod_address=lambda pod: self._addresses.of(f"pod/{pod}"),
            release_address=lambda pod: self._addresses.release(f"pod/{pod}"),
            enqueue=self._look_again,
        )

    def _look_again(self, controller: Controller, key: Key) -> None:
        self.manager.enqueue(controller, key)

    def _start_k3s(self, launch: Launch) -> Process:
        if is_agent(launch):
            return K3sAgent(launch, self._nodes_behind)
        server = K3sServer(launch, self.around)
        self._servers.add(server)
        return server

    def _nodes_behind(self, url: str, token: str) -> Store | str:
        """Return where the nodes of the control plane behind a URL are kept, or why an agent is not let in."""
        service, namespace = host_of(url)
        why = "no server answers"
        for server in tuple(self._servers):
            meta = server.launch.pod["metadata"]
            if meta["namespace"] == namespace and service in self._services_of(server.launch):
                found = server.nodes_for(token)
                if not isinstance(found, str):
                    return found
                why = found
        return why

    def _start_etcd(self, launch: Launch) -> EtcdProcess:
        meta = launch.pod["metadata"]
        faults = self.around.faults.of(meta["namespace"], meta["name"])
        return EtcdProcess(launch, self.around, self._services_of, faults)

    def _services_of(self, launch: Launch) -> frozenset[str]:
        meta = launch.pod["metadata"]
        found = {
            service["metadata"]["name"]
            for service in self._client.store.list(SERVICE, meta["namespace"])
            if service["spec"].get("selector")
            and matches({"matchLabels": service["spec"]["selector"]}, meta.get("labels"))
        }
        return frozenset(found | {launch.pod["spec"].get("subdomain", "")})

    def start(self) -> None:
        """Make the node and its storage class, and begin."""
        if not self._bare:
            self._furnish_node()
        self.manager.start()

    def _furnish_node(self) -> None:
        self._client.ensure(STORAGE_CLASS, standard_storage_class(), manager=CONTROLLER_MANAGER)
        self._client.ensure(NODE, node_manifest(self._node_address), manager=KUBELET)
        node = self._client.store.get(NODE, None, NODE_NAME)
        if node is not None:
            now = timestamp(self._client.store.now())
            status = node_status(self._node_address, KUBELET_VERSION, now)
            self._client.set_status(NODE, node, status, manager=KUBELET)

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        """Return what a container wrote.

        Args:
            namespace: of the pod.
            pod: its name.
            container: name of the container.
            previous: of the run before the last restart.

        Raises:
            NoLogError: there is none; the message is the kubelet's.
        """
        if self._kubelet is None:
            raise NoLogError(f"pod {pod} does not have a host assigned")
        return self._kubelet.log(namespace, pod, container, previous=previous)

    def exec_door(self) -> ExecDoor:
        """Return what runs programs in containers."""
        return ExecDoor(self._tasks, self._running)

    def _running(self, namespace: str, pod: str, container: str) -> Launch | None:
        return None if self._kubelet is None else self._kubelet.running(namespace, pod, container)

    async def stop(self) -> None:
        """Stop the controllers and everything that listens."""
        await self.manager.stop()
        if self._kubelet is not None:
            self._kubelet.stop()
        self._addresses.close()
        if self._balancers is not None:
            await self._balancers.close()
        if self._node_port is not None:
            await self._node_port.close()
