"""A simulated etcd member: ready a moment after its files are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from k3k_core.sandbox.k3s.datastores import Member, Members
from k3k_core.sandbox.node.process import Launch, ProbeRequest
from k3k_core.sandbox.scenario import Scenario

_HEALTH_PATHS = frozenset(("/health", "/livez", "/readyz", "/metrics"))


class EtcdProcess:
    """One etcd.

    Args:
        launch: what the container was given.
        members: where servers look for it.
        services: returns the names of the Services that select a pod.
        scenario: decides when it is ready.
    """

    def __init__(
        self,
        launch: Launch,
        members: Members,
        services: Callable[[Launch], frozenset[str]],
        scenario: Scenario,
    ) -> None:
        meta = launch.pod["metadata"]
        self._changed = launch.changed
        self._members = members
        data_dir = _option(launch, "data-dir", "ETCD_DATA_DIR") or "/var/lib/etcd"
        self._member = Member(
            meta["namespace"],
            meta["name"],
            services(launch),
            launch.volume_of(data_dir) or f"pod/{meta['uid']}/root",
        )
        members.put(self._member)
        delay = scenario.delay(meta["namespace"], meta["name"])
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._become_ready) if delay is not None else None

    def _become_ready(self) -> None:
        self._member = replace(self._member, ready=True)
        self._members.put(self._member)
        self._changed()

    def answer(self, request: ProbeRequest) -> int:
        if request.path.partition("?")[0] not in _HEALTH_PATHS:
            return 404
        return 200 if self._member.ready else 503

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return True

    def healthy(self) -> bool:
        return self._member.ready

    def logs(self) -> str:
        state = "ready to serve client requests" if self._member.ready else "starting etcd"
        return f'{{"level":"info","msg":"{state} (simulated by the k3k sandbox)"}}\n'

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._members.remove(self._member.namespace, self._member.pod)


def _option(launch: Launch, flag: str, variable: str) -> str:
    """Return a flag of etcd, given as `--flag=value`, `--flag value` or by its variable."""
    words = [*(launch.container.get("command") or ()), *(launch.container.get("args") or ())]
    for index, word in enumerate(words):
        name, equals, value = word.lstrip("-").partition("=")
        if name == flag and word.startswith("-"):
            return str(value if equals else words[index + 1] if index + 1 < len(words) else "")
    return launch.variables.get(variable, "")
