"""A sandbox API server on loopback with the controllers that scenarios need, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiohttp import web

from k3k_core.pki import new_authority
from k3k_core.sandbox.api.authn import ADMIN, ServiceAccountTokens, StandardAuthenticator
from k3k_core.sandbox.api.rbac import RbacAuthorizer
from k3k_core.sandbox.api.server import ApiServer
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.admission import ApiAdmission
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.runtime import ControllerManager
from k3k_core.sandbox.fault_board import FaultBoard
from k3k_core.sandbox.furnishing import furnish
from k3k_core.sandbox.host_controllers import HostControllers
from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.clusters import EmbeddedClusters
from k3k_core.sandbox.k3s.datastores import Datastores, Members
from k3k_core.sandbox.node_pages import with_node_pages
from k3k_core.sandbox.pod_admission import PodSecurityAdmission
from k3k_core.sandbox.scenario import Scenario

ROOT_CA = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
ADMIN_TOKEN = "replay-admin"
# The administrator as the recorded server saw it: by a client certificate.
_CREDENTIAL = {"authentication.kubernetes.io/credential-id": ("X509SHA256=00",)}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Engine:
    """A server under test."""

    url: str
    api: ApiServer
    store: Store
    manager: ControllerManager


@asynccontextmanager
async def engine() -> AsyncIterator[Engine]:
    """Serve a fresh API; `ADMIN_TOKEN` is a cluster administrator's bearer token."""
    store = Store()
    accounts = ServiceAccountTokens(store)
    authenticator = StandardAuthenticator(
        tokens={ADMIN_TOKEN: replace(ADMIN, extra=_CREDENTIAL)}, accounts=accounts
    )
    api = ApiServer(
        store,
        authenticator=authenticator,
        authorizer=RbacAuthorizer(store),
        admission=(PodSecurityAdmission(store),),
        accounts=accounts,
        seed=1,
    )
    client = Client(store, ApiAdmission(api.operations))
    furnish(client, service_ip="10.96.0.1", address="192.0.2.1", port=6443)
    clusters = EmbeddedClusters(_now)
    scenario = Scenario()
    board = FaultBoard(scenario, _now)
    active = HostControllers(
        client,
        lambda: [definition.resource for definition in api.registry if definition.stored],
        Surroundings(Datastores(), Members(), scenario, _now, clusters.open, board),
        root_ca=ROOT_CA,
        client_ca=new_authority("clients", _now()),
        bare=True,
        on_drop=lambda _: None,
    )
    active.start()
    served = with_node_pages(api, active.log, active.exec_door())
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Engine(f"http://{host}:{port}", api, store, active.manager)
    finally:
        await active.stop()
        await runner.cleanup()
