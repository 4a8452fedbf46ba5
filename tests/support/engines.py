"""A sandbox API server on loopback with the controllers that scenarios need, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from k3k_core.resources import NAMESPACE, Resource
from k3k_core.sandbox.authn import ADMIN, ServiceAccountTokens, StandardAuthenticator
from k3k_core.sandbox.controllers.admission import ApiAdmission
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.disruption import DisruptionController
from k3k_core.sandbox.controllers.endpoints import EndpointsController
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.namespaces import NamespaceController
from k3k_core.sandbox.controllers.runtime import ControllerManager
from k3k_core.sandbox.controllers.stateful_sets import StatefulSetController
from k3k_core.sandbox.rbac import RbacAuthorizer, install_builtin_roles
from k3k_core.sandbox.server import ApiServer
from k3k_core.sandbox.store import Store

ROOT_CA = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
ADMIN_TOKEN = "replay-admin"
# The administrator as the recorded server saw it: by a client certificate.
_CREDENTIAL = {"authentication.kubernetes.io/credential-id": ("X509SHA256=00",)}


@dataclass
class Engine:
    """A server under test."""

    url: str
    api: ApiServer
    store: Store
    manager: ControllerManager


@asynccontextmanager
async def engine(*, controllers: bool = True) -> AsyncIterator[Engine]:
    """Serve a fresh API; `ADMIN_TOKEN` is a cluster administrator's bearer token."""
    store = Store()
    install_builtin_roles(store)
    accounts = ServiceAccountTokens(store)
    authenticator = StandardAuthenticator(tokens={ADMIN_TOKEN: replace(ADMIN, extra=_CREDENTIAL)}, accounts=accounts)
    api = ApiServer(
        store, authenticator=authenticator, authorizer=RbacAuthorizer(store), accounts=accounts, seed=1
    )
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        store.create(
            NAMESPACE,
            {
                "kind": "Namespace",
                "apiVersion": "v1",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )

    def known_types() -> Iterable[Resource]:
        return [definition.resource for definition in api.registry if definition.stored]

    client = Client(store, ApiAdmission(api.operations))
    events = EventRecorder(store)
    active = [
        NamespaceController(client, known_types, ROOT_CA),
        StatefulSetController(client, events),
        EndpointsController(client),
        DisruptionController(client),
        GarbageCollector(client),
    ]
    manager = ControllerManager(store, active if controllers else [], known_types)
    manager.start()
    runner = web.AppRunner(api.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Engine(f"http://{host}:{port}", api, store, manager)
    finally:
        await manager.stop()
        await runner.cleanup()
