"""A simulated etcd member: ready a moment after its files are there, with health and metrics on a port of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from k3k_core.sandbox.k3s.cluster import SIMULATED
from k3k_core.sandbox.k3s.datastores import Member, Members
from k3k_core.sandbox.k3s.exposition.kinds import START_TIME, etcd_template
from k3k_core.sandbox.k3s.exposition.page import Exposition
from k3k_core.sandbox.k3s.listener import Listener
from k3k_core.sandbox.k3s.metrics import page_response, start_time
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest, StartError

if TYPE_CHECKING:
    from aiohttp import web

    from k3k_core.sandbox.fault_board import PodFaults
    from k3k_core.sandbox.k3s.listener import Handle
    from k3k_core.sandbox.scenario import Scenario

_HEALTH_PATHS = frozenset(("/health", "/livez", "/readyz", "/metrics"))


class EtcdProcess:
    """One etcd.

    Args:
        launch: what the container was given.
        members: where servers look for it.
        services: returns the names of the Services that select a pod.
        scenario: decides when it is ready.
        faults: what is wrong with it.
        now: wall clock.
    """

    def __init__(
        self,
        launch: Launch,
        members: Members,
        services: Callable[[Launch], frozenset[str]],
        scenario: Scenario,
        faults: PodFaults,
        now: Callable[[], datetime],
    ) -> None:
        meta = launch.pod["metadata"]
        self._changed = launch.changed
        self._members = members
        self._faults = faults
        self._now = now
        self._clock = launch.now
        self._log = Log(launch.now)
        self._write("starting an etcd server (simulated by the k3k sandbox)")
        data_dir = _option(launch, "data-dir", "ETCD_DATA_DIR") or "/var/lib/etcd"
        self._member = Member(
            meta["namespace"],
            meta["name"],
            services(launch),
            launch.volume_of(data_dir) or f"pod/{meta['uid']}/root",
        )
        self._place = _place(launch)
        self._page: Exposition | None = None
        self._listener = _listener(launch, self._handle)
        members.put(self._member)
        delay = scenario.delay(meta["namespace"], meta["name"])
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._become_ready) if delay is not None else None
        self._forget = faults.listen(self, self._on_faults)
        self._started = now().timestamp()
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
        if self._listener is not None:
            if self._down():
                self._listener.close()
            else:
                self._listener.open()

    def _down(self) -> bool:
        return member_down(self._faults, *self._place)

    def _status(self, path: str) -> int:
        """Return the status of one of the paths etcd serves to anybody."""
        if path not in _HEALTH_PATHS:
            return 404
        if not self._member.ready:
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
        if self._listener is not None:
            self._listener.close()
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


def _listener(launch: Launch, handle: Handle) -> Listener | None:
    """Return what listens on the metrics port; None when the flags name none.

    Raises:
        StartError: the port is not to be had.
    """
    url = _option(launch, "listen-metrics-urls", "ETCD_LISTEN_METRICS_URLS").partition(",")[0]
    port = urlsplit(url).port
    if port is None:
        return None
    try:
        return Listener(launch.address, port, handle, name=f"simulated etcd {launch.pod['metadata']['name']}")
    except OSError as error:
        raise StartError(
            f'{{"level":"fatal","msg":"listen tcp {launch.address}:{port}: bind: {error.strerror}"}}'
        ) from None


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
