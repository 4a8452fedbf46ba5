"""One simulated k3s server: an HTTPS listener on the pod's own loopback address."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError
from k3k_core.pki.bundles import authority_hash
from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.k3s.bootstrap import (
    Credentials,
    check_writable,
    fatal,
    read_credentials,
    serving_certificate,
)
from k3k_core.sandbox.k3s.certificate_files import certificate_files, serving_ends
from k3k_core.sandbox.k3s.cluster import SIMULATED, Cluster, Surroundings
from k3k_core.sandbox.k3s.config import K3sConfig, read_config
from k3k_core.sandbox.k3s.contents import adopt
from k3k_core.sandbox.k3s.datastores import Datastore, endpoint_hosts, endpoint_key, engine_of
from k3k_core.sandbox.k3s.listener import Listener
from k3k_core.sandbox.k3s.log_lines import ServerChatter, in_k3s_form, ready_lines, start_lines
from k3k_core.sandbox.k3s.metrics import Build, Metrics
from k3k_core.sandbox.k3s.server_faults import ServerFaults
from k3k_core.sandbox.k3s.supervisor import Supervisor
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest, StartError
from k3k_core.sandbox.tls import server_context, show_certificate

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

    from aiohttp import web

    from k3k_core.sandbox.api.store import Store
    from k3k_core.sandbox.k3s.cluster import Handler

DEFAULT_VERSION = "v1.36.2+k3s1"
# What every authenticated user may read (ClusterRoles system:public-info-viewer and system:discovery).
_OPEN_TO_USERS = frozenset(("/healthz", "/livez", "/readyz", "/version", "/version/", "/api", "/apis"))
_CHECKS = frozenset(("/healthz", "/livez", "/readyz"))


class K3sServer:
    """A k3s server that was started in a pod.

    Args:
        launch: what the container was given.
        around: what it shares with others.

    Raises:
        StartError: the real one would end at once.
    """

    def __init__(self, launch: Launch, around: Surroundings) -> None:
        self._launch = launch
        self._around = around
        self._config = _configuration(launch)
        meta = launch.pod["metadata"]
        self._pod = f"{meta['namespace']}/{meta['name']}"
        self._faults = ServerFaults(around.faults.of(meta["namespace"], meta["name"]))
        chatter = ServerChatter(f"{around.scenario.seed}/{self._pod}", self._faults.spells)
        self._log = Log(launch.now, chatter)
        for line in start_lines(launch.image.k3s_version or DEFAULT_VERSION, engine_of(self._endpoint())):
            self._write(*line)
        for warning in self._config.warnings:
            self._write("warning", "", warning)
        check_writable(launch, self._config)
        self._key, self._exclusive = self._datastore_key()
        self._credentials: Credentials | None = None
        self._datastore: Datastore | None = None
        self._handler: Handler | None = None
        self._supervisor: Supervisor | None = None
        self._ready = False
        self._waited = False
        self._context: ssl.SSLContext
        self._shown_until: datetime | None = None
        self._open_datastore()
        self._listener = self._listen()
        delay = around.scenario.delay(meta["namespace"], meta["name"])
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._boot) if delay is not None else None
        self._forget = around.members.listen(self, self._on_members)
        self._forget_faults = self._faults.listen(self, self._on_faults)
        self._apply_faults()

    # Datastore

    def _endpoint(self) -> str:
        return self._config.get("datastore-endpoint")

    def _etcd(self) -> str | None:
        """Return what the data of the etcd behind the endpoint lies on.

        Returns:
            "" when the endpoint leads out of the sandbox; None while its etcd is not ready.
        """
        home = self._launch.pod["metadata"]["namespace"]
        volumes: list[str] = []
        inside = False
        for host in endpoint_hosts(self._endpoint()):
            members = self._around.members.behind(host, home)
            if members is None:
                continue
            inside = True
            volumes += [member.volume for member in members if member.ready]
        if not inside:
            return ""
        return min(volumes, default=None)

    def _datastore_key(self) -> tuple[str, bool]:
        """Return what the data lies on ("" while unknown), and whether only one server may open it."""
        if self._endpoint():
            behind = self._etcd()
            if behind is None:
                return "", False
            return (f"{behind}/etcd" if behind else endpoint_key(self._endpoint())), False
        return f"{self._volume()}/k3s", True

    def _volume(self) -> str:
        volume = self._launch.volume_of(self._config.data_dir())
        return volume or f"pod/{self._launch.pod['metadata']['uid']}/root/{self._launch.container['name']}"

    def _open_datastore(self) -> None:
        if not self._key:
            self._write("info", "", "Waiting for the datastore")
            return
        datastore = self._around.datastores.open(self._key)
        if self._exclusive:
            if datastore.holder not in {"", self._pod}:
                raise fatal(f"starting kubernetes: database is locked: {datastore.holder} has it open")
            datastore.holder = self._pod
            self._adopt_files(datastore)
        credentials = read_credentials(self._launch, self._config, datastore.files, self._around.now())
        try:
            datastore.check_token(credentials.tokens.server)
        except StartError:
            self._release(datastore)
            raise
        self._datastore, self._credentials = datastore, credentials

    def _adopt_files(self, datastore: Datastore) -> None:
        """Start from a database that was put on the volume meanwhile, as k3s does."""
        try:
            adopt(self._around.volumes, self._volume(), datastore)
        except K3kError as error:
            self._release(datastore)
            raise fatal(f"starting kubernetes: preparing server: {error.message}") from None

    def _release(self, datastore: Datastore) -> None:
        if datastore.holder == self._pod:
            datastore.holder = ""

    # Listening

    def _own_credentials(self) -> Credentials:
        """Return what it listens with; without a datastore k3s already listens, with what it was given."""
        return self._credentials or read_credentials(self._launch, self._config, {}, self._around.now())

    def _listen(self) -> Listener:
        address, port = self._launch.address, self._config.port()
        credentials = self._own_credentials()
        leaf = serving_certificate(self._launch, self._config, credentials, self._around.now())
        self._context = server_context(leaf, credentials.client_ca.cert_pem)
        try:
            return Listener(address, port, self._handle, name=f"simulated k3s {self._pod}", tls=self._context)
        except OSError as error:
            if self._datastore is not None:
                self._release(self._datastore)
            raise fatal(f"listen tcp {address}:{port}: bind: {error.strerror}") from None

    def _boot(self) -> None:
        """The time to start is over: ready, unless the datastore is still missing."""
        self._timer = None
        self._waited = True
        if self._datastore is None:
            return
        if not self._ready and self._credentials is not None:
            self._ready = True
            self._datastore.populate = partial(self._api, self._datastore, self._credentials)
            for line in ready_lines():
                self._write(*line)
            self._launch.changed()

    def _on_members(self) -> None:
        if not self._endpoint() or self._datastore is not None:
            return
        self._key, self._exclusive = self._datastore_key()
        if not self._key:
            return
        try:
            self._open_datastore()
        except StartError as error:
            self._log.write(str(error))
            return
        if self._waited:
            self._boot()

    def _on_faults(self) -> None:
        self._apply_faults()
        self._launch.changed()

    def _apply_faults(self) -> None:
        """Listen or not, and show the certificate there now is."""
        until = serving_ends(self._faults.spells, self._around.now())
        if until != self._shown_until:
            leaf = serving_certificate(
                self._launch, self._config, self._own_credentials(), self._around.now(), until
            )
            show_certificate(self._context, leaf)
            self._shown_until = until
            # k3s ends the connections that were made with another certificate (dynamiclistener).
            self._listener.close()
        if self._faults.closed:
            self._listener.close()
        else:
            self._listener.open()
        self._faults.wake()

    # Requests

    def _identity(self, authorization: str) -> User | None:
        scheme, _, token = authorization.partition(" ")
        credentials = self._credentials
        if scheme.lower() != "bearer" or credentials is None:
            return None
        return credentials.identities.get(token.strip())

    def answer(self, request: ProbeRequest) -> int:
        """Answer a probe without the detour over the network, by the same rules."""
        if request.port != self._config.port() or self._faults.dead:
            raise ConnectionRefusedError
        if request.scheme.upper() != "HTTPS":
            return 400
        if not self._ready:
            return 503
        path = request.path.partition("?")[0]
        if path in {"/ping", "/cacerts"}:
            return 200
        identity = self._identity(request.headers.get("authorization", ""))
        if identity is None:
            return 401
        if path in _CHECKS and self._faults.unready:
            return 500
        allowed = path in _OPEN_TO_USERS or {"system:masters"} & set(identity.groups)
        monitored = "system:monitoring" in identity.groups and path in {"/metrics", *_CHECKS}
        return 200 if allowed or monitored else 403

    def accepts(self, port: int) -> bool:
        return port == self._config.port() and not self._faults.dead

    def healthy(self) -> bool:
        return self._ready and not self._faults.unready and not self._faults.dead

    def nodes_for(self, token: str) -> Store | str:
        """Return where an agent is registered as a node, or why it is not let in.

        Args:
            token: in full form, as the agent was given it.
        """
        credentials, datastore = self._credentials, self._datastore
        if not self._ready or self._faults.dead or credentials is None or datastore is None:
            return "Waiting to retrieve agent configuration; server is not ready"
        pinned, _, rest = token.rpartition("::")
        if pinned and pinned != f"K10{authority_hash(credentials.server_ca.cert_pem)}":
            return "token CA hash does not match the Cluster CA certificate hash"
        if self._supervisor is None:
            self._supervisor = Supervisor(credentials, datastore, self._config, self._launch.address)
        user, _, password = rest.partition(":") if ":" in rest else ("node", "", rest)
        return datastore.store if self._supervisor.lets_in(user, password) else "not authorized"

    @property
    def launch(self) -> Launch:
        """What its container was given."""
        return self._launch

    def log(self) -> Log:
        return self._log

    def _write(self, level: str, place: str, text: str) -> None:
        self._log.write(in_k3s_form(self._launch.now(), level, text, place))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        await self._faults.before(request)
        credentials, datastore = self._credentials, self._datastore
        if not self._ready or credentials is None or datastore is None:
            return web.Response(status=503, text="starting\n", headers=SIMULATED)
        if request.path == "/ping":
            return web.Response(text="pong", headers=SIMULATED)
        if request.path == "/cacerts":
            return web.Response(text=credentials.server_ca.cert_pem, headers=SIMULATED)
        if request.path.startswith("/v1-k3s/"):
            if self._supervisor is None:
                self._supervisor = Supervisor(credentials, datastore, self._config, self._launch.address)
            answered = await self._supervisor.answer(request)
            if answered is not None:
                return answered
        return await self._api(datastore, credentials)(request)

    def _api(self, datastore: Datastore, credentials: Credentials) -> Handler:
        if self._handler is None:
            self._handler = self._open_api(datastore, credentials)
        return self._handler

    def _open_api(self, datastore: Datastore, credentials: Credentials) -> Handler:
        config = self._config
        host = config.get("advertise-address") or self._launch.address
        version = self._launch.image.k3s_version or DEFAULT_VERSION
        started = self._around.now()
        build = Build(
            version,
            engine_of(self._endpoint()),
            kine_tls="kine-tls" in config.switches,
            certificates=certificate_files(credentials.files, started),
        )
        return self._around.open_api(
            Cluster(
                version=version,
                datastore=datastore,
                credentials=credentials,
                advertised=f"{host}:{config.get('advertise-port') or config.port()}",
                metrics=Metrics(
                    build,
                    started,
                    f"{self._around.scenario.seed}/{self._pod}",
                    spells=self._faults.spells,
                ),
                failing=self._faults.failing_checks,
                page_fails=lambda: self._faults.page_fails,
            )
        )

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ready = False
        self._forget()
        self._forget_faults()
        self._faults.wake()
        self._listener.close()
        if self._datastore is not None:
            self._release(self._datastore)


def _configuration(launch: Launch) -> K3sConfig:
    words = [*(launch.container.get("command") or ()), *(launch.container.get("args") or ())]
    while words and not words[0].startswith("-") and words[0] != "server":
        words.pop(0)
    if not words or words[0] != "server":
        raise fatal(
            "--token is required: the image runs `k3s agent` unless it is given `args: [server, ...]`"
        )
    return read_config(words[1:], launch.variables, launch.files.read)
