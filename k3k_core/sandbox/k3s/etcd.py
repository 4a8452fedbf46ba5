"""A simulated etcd member: ready a moment after its files are there, with health and metrics on a port of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from k3k_core.manifests.etcd_restore import version_of
from k3k_core.pki import Leaf
from k3k_core.sandbox.k3s.cluster import SIMULATED, Surroundings
from k3k_core.sandbox.k3s.datastores import Member
from k3k_core.sandbox.k3s.etcd_bootstrap import Flags, bootstrap, place
from k3k_core.sandbox.k3s.etcd_gateway import Gateway
from k3k_core.sandbox.k3s.exposition.kinds import START_TIME, etcd_template
from k3k_core.sandbox.k3s.exposition.page import Exposition
from k3k_core.sandbox.k3s.listener import Listener
from k3k_core.sandbox.k3s.metrics import page_response, start_time
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest, StartError
from k3k_core.sandbox.tls import server_context

if TYPE_CHECKING:
    from aiohttp import web

    from k3k_core.sandbox.fault_board import PodFaults
    from k3k_core.sandbox.k3s.listener import Handle

_HEALTH_PATHS = frozenset(("/health", "/livez", "/readyz", "/metrics"))


class EtcdProcess:
    """One etcd.

    Args:
        launch: what the container was given.
        around: the data, the other members, and when it is ready.
        services: returns the names of the Services that select a pod.
        faults: what is wrong with it.

    Raises:
        StartError: it finds no place in its cluster, or a port is not to be had.
    """

    def __init__(
        self,
        launch: Launch,
        around: Surroundings,
        services: Callable[[Launch], frozenset[str]],
        faults: PodFaults,
    ) -> None:
        meta = launch.pod["metadata"]
        self._changed = launch.changed
        self._members = around.members
        self._faults = faults
        self._now = around.now
        self._clock = launch.now
        self._log = Log(launch.now)
        self._write("starting an etcd server (simulated by the k3k sandbox)")
        self._place = _place(launch)
        self._datastore, self._self = bootstrap(around, _flags(launch))
        self._member = Member(
            meta["namespace"],
            meta["name"],
            services(launch),
            place(self._datastore),
            member=self._self.id,
            works=self.healthy,
        )
        self._gateway = Gateway(self._datastore, self._self, _version(launch), self._voters)
        self._page: Exposition | None = None
        self._listeners = _listeners(launch, self._handle, self._gateway.answer)
        self._members.put(self._member)
        delay = around.scenario.delay(meta["namespace"], meta["name"])
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._become_ready) if delay is not None else None
        self._forget = faults.listen(self, self._on_faults)
        self._started = self._now().timestamp()
        self._apply_faults()

    def _become_ready(self) -> None:
        self._member = replace(self._member, ready=True)
        self._members.put(self._member)
        self._write("ready to serve client requests")
        self._changed()

    def _on_faults(self) -> None:
        self._apply_faults()
        self._changed()

    def _apply_faults(self) -> None:
        for listener in self._listeners:
            if self._down():
                listener.close()
            else:
                listener.open()

    def _voters(self) -> list[int]:
        """Return the numbers of the members with a vote that work, the leader first."""
        state = self._datastore.etcd
        working = {each.member for each in self._members.sharing(self._member.volume) if each.works()}
        if state is None or self._faults.has("etcd-no-leader"):
            return []
        return [each.id for each in state.members if not each.learner and each.id in working]

    def _down(self) -> bool:
        return member_down(self._faults, *self._place)

    def _status(self, path: str) -> int:
        """Return the status of one of the paths etcd serves to anybody."""
        if path not in _HEALTH_PATHS:
            return 404
        state = self._datastore.etcd
        if not self._member.ready or state is None or state.numbered(self._self.id) is None:
            return 503
        leaderless = self._faults.has("etcd-no-leader") and path in {"/health", "/readyz"}
        return 503 if leaderless else 200

    def answer(self, request: ProbeRequest) -> int:
        if self._down():
            raise ConnectionRefusedError
        return self._status(request.path.partition("?")[0])

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return not self._down()

    def healthy(self) -> bool:
        return self._member.ready and not self._down()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        status = self._status(request.path)
        if request.path == "/metrics" and status == 200:
            return page_response(request, self._exposition(), self._now())
        if request.path == "/health":
            reason = "" if status == 200 else "RAFT NO LEADER"
            document = {"health": "true" if status == 200 else "false", "reason": reason}
            return web.json_response(document, status=status, headers=SIMULATED)
        text = {200: "ok\n", 404: "404 page not found\n"}.get(status, "[-]readiness failed\n")
        return web.Response(status=status, text=text, headers=SIMULATED)

    def _exposition(self) -> Exposition:
        if self._page is None:
            self._page = Exposition(
                etcd_template(*self._place),
                self._started,
                f"etcd/{self._member.namespace}/{self._member.pod}",
                slots={START_TIME: start_time},
                spells=self._faults.spells,
            )
        return self._page

    def log(self) -> Log:
        return self._log

    def _write(self, message: str) -> None:
        document = {"level": "info", "ts": f"{self._clock():%Y-%m-%dT%H:%M:%S.%fZ}", "msg": message}
        self._log.write(json.dumps(document, separators=(",", ":")))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._forget()
        for listener in self._listeners:
            listener.close()
        self._members.remove(self._member.namespace, self._member.pod)


def member_down(faults: PodFaults, ordinal: int, members: int) -> bool:
    """Whether a member does not answer.

    Args:
        faults: which it has.
        ordinal: which member it is.
        members: how many there are.
    """
    return (
        faults.has("etcd-down")
        or (faults.has("etcd-quorum-lost") and ordinal > 0)
        or (faults.has("etcd-member-down") and ordinal == members - 1)
    )


def _listeners(launch: Launch, metrics: Handle, clients: Handle) -> tuple[Listener, ...]:
    """Return what listens on the ports for metrics and for clients, as far as the flags name them.

    Raises:
        StartError: a port is not to be had.
    """
    name = f"simulated etcd {launch.pod['metadata']['name']}"
    made: list[Listener] = []
    tls = _tls(launch)
    wanted = (
        ("listen-metrics-urls", "ETCD_LISTEN_METRICS_URLS", metrics, None),
        ("listen-client-urls", "ETCD_LISTEN_CLIENT_URLS", clients, tls),
    )
    for flag, variable, handle, context in wanted:
        url = _option(launch, flag, variable).partition(",")[0]
        port = urlsplit(url).port
        if port is None or (handle is clients and tls is None):
            continue
        try:
            made.append(Listener(launch.address, port, handle, name=name, tls=context))
        except OSError as error:
            for listener in made:
                listener.close()
            raise StartError(
                f'{{"level":"fatal","msg":"listen tcp {launch.address}:{port}: bind: {error.strerror}"}}'
            ) from None
    return tuple(made)


def _tls(launch: Launch) -> ssl.SSLContext | None:
    """Return the TLS settings for clients, who have to show a certificate; None without the files for it."""
    read = launch.files.read
    certificate = read(_option(launch, "cert-file", "ETCD_CERT_FILE") or "/-")
    key = read(_option(launch, "key-file", "ETCD_KEY_FILE") or "/-")
    authority = read(_option(launch, "trusted-ca-file", "ETCD_TRUSTED_CA_FILE") or "/-")
    if not (certificate and key and authority):
        return None
    context = server_context(Leaf(certificate, key), authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _flags(launch: Launch) -> Flags:
    """Return what tells the member who it is; a pod without flags is a cluster of its own."""
    meta = launch.pod["metadata"]
    data_dir = _option(launch, "data-dir", "ETCD_DATA_DIR") or "/var/lib/etcd"
    given = [part for part in _option(launch, "initial-cluster", "ETCD_INITIAL_CLUSTER").split(",") if part]
    cluster = dict(part.partition("=")[::2] for part in given) or {meta["name"]: "http://localhost:2380"}
    name = _option(launch, "name", "ETCD_NAME").replace("$(POD_NAME)", meta["name"])
    token = _option(launch, "initial-cluster-token", "ETCD_INITIAL_CLUSTER_TOKEN") or meta["name"]
    if not given:
        token = meta["name"]
    state = _option(launch, "initial-cluster-state", "ETCD_INITIAL_CLUSTER_STATE")
    return Flags(
        name=name if name in cluster else meta["name"],
        token=f"{meta['namespace']}/{token}",
        initial_cluster={key: str(url) for key, url in cluster.items()},
        existing=state == "existing",
        volume=launch.volume_of(data_dir) or f"pod/{meta['uid']}/root",
        folder=launch.files.path_on_volume(data_dir),
    )


def _version(launch: Launch) -> str:
    version = version_of(launch.image.reference)
    return ".".join(map(str, version)) if version else "3.6.8"


def _place(launch: Launch) -> tuple[int, int]:
    """Return which member it is, and of how many."""
    cluster = [part for part in _option(launch, "initial-cluster", "ETCD_INITIAL_CLUSTER").split(",") if part]
    ordinal = launch.pod["metadata"]["name"].rpartition("-")[2]
    number = int(ordinal) if ordinal.isdigit() else 0
    return number, max(len(cluster), number + 1)


def _option(launch: Launch, flag: str, variable: str) -> str:
    """Return a flag of etcd, given as `--flag=value`, `--flag value` or by its variable."""
    words = [*(launch.container.get("command") or ()), *(launch.container.get("args") or ())]
    for index, word in enumerate(words):
        name, equals, value = word.lstrip("-").partition("=")
        if name == flag and word.startswith("-"):
            return str(value if equals else words[index + 1] if index + 1 < len(words) else "")
    return launch.variables.get(variable, "")
