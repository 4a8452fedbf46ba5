"""The sandbox: an API server over TLS on loopback, its controllers, and a node that simulates pods."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from k3k_core.errors import K3kError
from k3k_core.pki import (
    Authority,
    issue_client_certificate,
    issue_server_certificate,
    kubeconfig,
    new_authority,
)
from k3k_core.resources import Resource
from k3k_core.sandbox import loopback
from k3k_core.sandbox.api.authn import ServiceAccountTokens, StandardAuthenticator
from k3k_core.sandbox.api.faults import Faults
from k3k_core.sandbox.api.rbac import RbacAuthorizer
from k3k_core.sandbox.api.server import ApiServer
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.admission import ApiAdmission
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.runtime import ControllerManager
from k3k_core.sandbox.fault_board import FaultBoard, PodFaults
from k3k_core.sandbox.furnishing import furnish
from k3k_core.sandbox.host_controllers import HostControllers
from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.clusters import EmbeddedClusters
from k3k_core.sandbox.k3s.contents import DatastoreFiles
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores, Members
from k3k_core.sandbox.k3s.etcd_state import EtcdState
from k3k_core.sandbox.node.volumes import Volumes
from k3k_core.sandbox.node_pages import with_node_pages
from k3k_core.sandbox.persistence import HOST, Image, Journal, read_image
from k3k_core.sandbox.pod_admission import PodSecurityAdmission
from k3k_core.sandbox.scenario import Condition, Scenario
from k3k_core.sandbox.tls import server_context
from k3k_core.sandbox.volume_folder import VolumeFolder

CONTEXT = "k3k-sandbox"
VERSION = "v1.36.2"
ADDRESS = "127.0.0.1"
_LIFETIME = timedelta(days=365)
_SERVICE_IP = "10.96.0.1"

KnownTypes = Callable[[], Iterable[Resource]]


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """How a sandbox is to be.

    Attributes:
        port: TCP port on 127.0.0.1; 0 takes the one it had before (with `data_dir`), else any free one.
        data_dir: where its state is kept; None forgets everything at the end.
        seed: decides everything that is left to chance.
        start_delay: seconds a simulated server takes to become ready.
        bare: no node, no default storage class and no load balancers: what kube-apiserver and
            kube-controller-manager are without the rest.
        conditions: servers that misbehave; see `Scenario`.
        now: clock of the API and of all that is simulated.
    """

    port: int = 0
    data_dir: Path | None = None
    seed: int = 0
    start_delay: float = 0.3
    bare: bool = False
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    now: Callable[[], datetime] = _wall_clock


@dataclass(frozen=True, slots=True)
class _Identity:
    """What makes a sandbox the same one after a restart."""

    server_ca: Authority
    client_ca: Authority
    token_key: str = field(repr=False)

    @classmethod
    def recall(cls, image: Image, now: datetime) -> _Identity:
        facts = image.facts
        if "tokenKey" not in facts:
            return cls(
                new_authority("k3k-sandbox-server-ca", now),
                new_authority("k3k-sandbox-client-ca", now),
                secrets.token_hex(32),
            )
        return cls(Authority(*facts["serverCa"]), Authority(*facts["clientCa"]), facts["tokenKey"])

    def facts(self) -> dict[str, object]:
        return {
            "serverCa": [self.server_ca.cert_pem, self.server_ca.key_pem],
            "clientCa": [self.client_ca.cert_pem, self.client_ca.key_pem],
            "tokenKey": self.token_key,
        }


class Sandbox:
    """A running sandbox; use `Sandbox.start`.

    Attributes:
        url: of its API.
        kubeconfig: YAML text for an administrator, context `k3k-sandbox`.
        store: its objects.
        api: the API server.
        manager: runs the controllers.
    """

    def __init__(
        self,
        *,
        url: str,
        kubeconfig_text: str,
        store: Store,
        api: ApiServer,
        controllers: HostControllers,
        journal: Journal | None,
        board: FaultBoard,
    ) -> None:
        self.url = url
        self.kubeconfig = kubeconfig_text
        self.store = store
        self.api = api
        self.controllers = controllers
        self._journal = journal
        self._board = board

    def faults_of(self, namespace: str, pod: str) -> PodFaults:
        """Return the faults of one simulated server, to be switched on and off at any time.

        Args:
            namespace: of its pod.
            pod: name of its pod, which may be yet to come.
        """
        return self._board.of(namespace, pod)

    async def fails(self) -> K3kError:
        """Wait until the sandbox cannot keep its state any more, and return why; for ever if it keeps none."""
        failed = self._journal.failed if self._journal is not None else asyncio.Event()
        await failed.wait()
        return self._journal.problem() if self._journal is not None else K3kError("The sandbox failed.")

    @contextmanager
    def dated_back(self, by: timedelta) -> Iterator[None]:
        """Date everything that happens in the block earlier, as if the sandbox had run for a while.

        Args:
            by: how much earlier.
        """
        now = self.store.now
        self.store.now = lambda: now() - by
        try:
            yield
        finally:
            self.store.now = now

    def __repr__(self) -> str:
        return f"Sandbox({self.url})"

    @property
    def faults(self) -> Faults:
        """Hooks that make requests fail, and the log of requests."""
        return self.api.faults

    @property
    def manager(self) -> ControllerManager:
        return self.controllers.manager

    @classmethod
    @asynccontextmanager
    async def start(cls, options: SandboxOptions | None = None) -> AsyncIterator[Sandbox]:
        """Run a sandbox until the block ends.

        Args:
            options: how it is to be.

        Raises:
            K3kError: the port is taken, or the data is damaged.
        """
        async with AsyncExitStack() as stack:
            yield await _start(cls, options or SandboxOptions(), stack)


async def _start(kind: type[Sandbox], options: SandboxOptions, stack: AsyncExitStack) -> Sandbox:
    now = datetime.now(UTC)
    image = read_image(options.data_dir) if options.data_dir is not None else Image()
    identity = _Identity.recall(image, now)
    journal = Journal(options.data_dir, image) if options.data_dir is not None else None
    if journal is not None:
        stack.callback(journal.close)
    store = Store(now=options.now)
    image.fill(store, HOST)
    listener, port = _listen(options, image)
    if journal is not None:
        journal.note(port=port, **identity.facts())
        journal.follow(store, HOST)

    accounts = ServiceAccountTokens(store, key=bytes.fromhex(identity.token_key))
    api = ApiServer(
        store,
        authenticator=StandardAuthenticator(accounts=accounts),
        authorizer=RbacAuthorizer(store),
        version=VERSION,
        admission=(PodSecurityAdmission(store),),
        accounts=accounts,
        address=f"{ADDRESS}:{port}",
        seed=options.seed,
    )
    client = Client(store, ApiAdmission(api.operations))
    furnish(client, service_ip=_SERVICE_IP, address=ADDRESS, port=port)

    clusters = EmbeddedClusters(options.now)
    stack.push_async_callback(clusters.close)
    datastores = Datastores(journal.track if journal is not None else None)
    _restore(datastores, image)

    def dropped(datastore: Datastore) -> None:
        clusters.forget(datastore)
        if journal is not None:
            journal.drop(datastore)

    scenario = Scenario(options.seed, options.start_delay, options.conditions)
    board = FaultBoard(scenario, options.now)
    controllers = HostControllers(
        client,
        _known_types(api),
        Surroundings(
            datastores,
            Members(),
            scenario,
            options.now,
            clusters.open,
            board,
            _volumes(options, datastores),
        ),
        root_ca=identity.server_ca.cert_pem,
        client_ca=identity.client_ca,
        bare=options.bare,
        on_drop=dropped,
    )
    stack.push_async_callback(controllers.stop)
    controllers.start()
    await _serve(
        with_node_pages(api, controllers.log, controllers.exec_door()), identity, listener, now, stack
    )
    await controllers.manager.settled()
    url = f"https://{ADDRESS}:{port}"
    return kind(
        url=url,
        kubeconfig_text=_admin_kubeconfig(identity, url, now),
        store=store,
        api=api,
        controllers=controllers,
        journal=journal,
        board=board,
    )


def _known_types(api: ApiServer) -> KnownTypes:
    return lambda: [definition.resource for definition in api.registry if definition.stored]


def _restore(datastores: Datastores, image: Image) -> None:
    for key, facts in image.datastores.items():
        datastore = Datastore(
            key,
            files=facts["files"],
            token_hash=facts["tokenHash"],
            populated=facts["populated"],
            etcd=EtcdState.from_dict(facts["etcd"]) if "etcd" in facts else None,
        )
        image.fill(datastore.store, key)
        datastores.restore(datastore)


def _volumes(options: SandboxOptions, datastores: Datastores) -> Volumes:
    overlay = DatastoreFiles(datastores)
    if options.data_dir is None:
        return Volumes(overlay)
    folder = VolumeFolder(options.data_dir)
    return Volumes(overlay, folder.put, folder.load())


def _listen(options: SandboxOptions, image: Image) -> tuple[socket.socket, int]:
    known = int(image.facts.get("port", 0))
    for port in dict.fromkeys((options.port or known, options.port)):
        try:
            listener = loopback.listen(ADDRESS, port)
        except OSError as error:
            if port == options.port:
                raise K3kError(
                    f"The sandbox cannot listen on {ADDRESS}:{port}: {error.strerror}.",
                    hint="Choose another port with --port, or 0 for any free one.",
                ) from None
            continue
        return listener, int(listener.getsockname()[1])
    raise AssertionError("unreachable")


async def _serve(
    application: web.Application,
    identity: _Identity,
    listener: socket.socket,
    now: datetime,
    stack: AsyncExitStack,
) -> None:
    leaf = issue_server_certificate(
        identity.server_ca,
        common_name="k3k-sandbox",
        dns_names=("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        ip_addresses=(ADDRESS, "::1", _SERVICE_IP),
        not_before=now,
        lifetime=_LIFETIME,
    )
    context = server_context(leaf, identity.client_ca.cert_pem)
    # The API decompresses bodies itself: aiohttp would drop the connection over one that is not compressed.
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=0.5,
        auto_decompress=False,
        # The command line of an `exec` is part of its URL.
        max_line_size=64 * 1024,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener, ssl_context=context).start()


def _admin_kubeconfig(identity: _Identity, url: str, now: datetime) -> str:
    admin = issue_client_certificate(
        identity.client_ca,
        user="kubernetes-admin",
        groups=("system:masters",),
        not_before=now,
        lifetime=_LIFETIME,
    )
    return kubeconfig(
        cluster_name=CONTEXT,
        server=url,
        ca_pem=identity.server_ca.cert_pem,
        leaf=admin,
        user_name=CONTEXT,
        context_name=CONTEXT,
    )
