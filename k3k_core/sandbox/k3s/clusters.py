"""The APIs of embedded clusters, made when they are first asked for: one store for all servers of one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from aiohttp import web

from k3k_core.resources import Resource
from k3k_core.sandbox.api.authn import ANONYMOUS, ServiceAccountTokens, StandardAuthenticator
from k3k_core.sandbox.api.rbac import RbacAuthorizer
from k3k_core.sandbox.api.requests import read_path
from k3k_core.sandbox.api.server import ApiServer, credentials
from k3k_core.sandbox.api.statuses import ApiError
from k3k_core.sandbox.controllers.admission import ApiAdmission
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.namespaces import NamespaceController
from k3k_core.sandbox.controllers.runtime import ControllerManager
from k3k_core.sandbox.furnishing import furnish
from k3k_core.sandbox.k3s.cluster import SIMULATED, Cluster
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.k3s.metrics import page_response
from k3k_core.sandbox.k3s.server_faults import readiness_checks
from k3k_core.sandbox.pod_admission import PodSecurityAdmission

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_SERVICE_IP = "10.43.0.1"
# As promhttp words it.
_GATHERING_FAILED = "An error has occurred while serving metrics:\n\nsimulated failure of a collector\n"


@dataclass(slots=True)
class _Open:
    """What runs for one datastore."""

    manager: ControllerManager


class EmbeddedClusters:
    """Opens the APIs of embedded clusters.

    Args:
        now: wall clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._open: dict[str, _Open] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    def open(self, cluster: Cluster) -> Handler:
        """Return what answers the requests to one server.

        Args:
            cluster: the server and its cluster.
        """
        store = cluster.datastore.store
        key = hashlib.sha256(cluster.credentials.files.get("service.key", cluster.datastore.key).encode())
        accounts = ServiceAccountTokens(store, key=key.digest())
        api = ApiServer(
            store,
            authenticator=StandardAuthenticator(
                tokens=cluster.credentials.identities, accounts=accounts, anonymous=False
            ),
            authorizer=RbacAuthorizer(store),
            version=cluster.version,
            accounts=accounts,
            admission=(PodSecurityAdmission(store),),
            address=cluster.advertised,
        )
        api.readiness_checks = readiness_checks(cluster.version)
        self._run(cluster, api)
        return _answering(cluster, api, self._now)

    def _run(self, cluster: Cluster, api: ApiServer) -> None:
        """Furnish the cluster and start its controllers, once for all its servers."""
        datastore = cluster.datastore
        if datastore.key in self._open and datastore.populated:
            return
        client = Client(datastore.store, ApiAdmission(api.operations))
        address, _, port = cluster.advertised.rpartition(":")
        furnish(client, service_ip=_SERVICE_IP, address=address, port=int(port))
        datastore.populated = True
        if datastore.key in self._open:
            return
        registry = api.registry
        root_ca = cluster.credentials.server_ca.cert_pem

        def known_types() -> list[Resource]:
            return [definition.resource for definition in registry if definition.stored]

        manager = ControllerManager(
            datastore.store,
            [NamespaceController(client, known_types, root_ca), GarbageCollector(client)],
            known_types,
        )
        manager.start()
        self._open[datastore.key] = _Open(manager)

    def forget(self, datastore: Datastore) -> None:
        """Stop what runs for a datastore that is gone."""
        opened = self._open.pop(datastore.key, None)
        if opened is not None:
            task = asyncio.get_running_loop().create_task(opened.manager.stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        """Stop everything."""
        for opened in self._open.values():
            await opened.manager.stop()
        self._open.clear()
        await asyncio.gather(*self._stopping)


def _answering(cluster: Cluster, api: ApiServer, now: Callable[[], datetime]) -> Handler:
    metrics = cluster.metrics

    async def answer(given: web.BaseRequest) -> web.StreamResponse:
        # The API looks at nothing that a full request has and a base one lacks.
        request = cast("web.Request", given)
        metrics.count()
        api.failing_checks = cluster.failing()
        if request.path == "/metrics" and request.method in {"GET", "HEAD"} and _allowed(api, request):
            if cluster.page_fails():
                return web.Response(status=500, text=_GATHERING_FAILED, headers=SIMULATED)
            return page_response(request, metrics, now())
        response = await api.handle(request)
        if not response.prepared:
            response.headers.update(SIMULATED)
        return response

    return answer


def _allowed(api: ApiServer, request: web.Request) -> bool:
    """Whether the request may read the page it asks for; the API itself words a refusal."""
    try:
        user = api.authenticator.authenticate(credentials(request)) or ANONYMOUS
        api.authorize(user, read_path(request.method, request.path, request.query))
    except ApiError:
        return False
    return True
