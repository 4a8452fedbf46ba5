"""The logs of a control plane's servers: which there are, and their lines as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from k3k_core.errors import K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.names import (
    COMPONENT_ETCD,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    LABEL_INSTANCE,
    ControlPlaneId,
)
from k3k_core.resources import POD

# Lines of several servers waiting to be taken; a reader that is slower holds the servers' streams back.
_WAITING_LINES = 1000


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which part of a log.

    Attributes:
        follow: go on with the lines that are yet to be written.
        tail: at most so many of the lines that are there, the newest; None for all.
        previous: of the container before its last restart.
        since: only lines of so many last seconds; None for all.
        timestamps: begin every line with the time it was written at (RFC 3339), which the node adds.
    """

    follow: bool = False
    tail: int | None = None
    previous: bool = False
    since: float | None = None
    timestamps: bool = False


@dataclass(frozen=True, slots=True)
class LogSource:
    """A container whose log can be read.

    Attributes:
        pod: name of its pod.
        container: its name.
        component: "server", "etcd", or "" for pods that k3k did not make.
        restarts: how often it was started again; above zero there is a previous log.
        uid: of the pod: a replaced one bears the same name.
    """

    pod: str
    container: str
    component: str
    restarts: int
    uid: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line.

    Attributes:
        source: whose it is.
        text: the line without its end, as the program wrote it: never show it unescaped.
    """

    source: LogSource
    text: str


async def log_sources(host: HostApi, identity: ControlPlaneId) -> tuple[LogSource, ...]:
    """Return whose logs a control plane has: its servers first, then the members of its etcd.

    Args:
        host: an open host.
        identity: the control plane; one that Helm made will do.

    Raises:
        K3kError: the host refuses or does not answer.
    """
    pods = (await host.list(POD, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}")).items
    if not pods:
        # The chart labels its pods with the release alone.
        pods = (await host.list(POD, identity.namespace, labels=f"{LABEL_INSTANCE}={identity.name}")).items
    found = [source for pod in pods for source in _sources_of(pod)]
    order = {COMPONENT_SERVER: 0, "": 1, COMPONENT_ETCD: 2}
    return tuple(sorted(found, key=lambda each: (order.get(each.component, 3), each.pod)))


def _sources_of(pod: Mapping[str, Any]) -> Iterable[LogSource]:
    metadata, status = pod["metadata"], pod.get("status", {})
    restarts = {
        item.get("name"): int(item.get("restartCount", 0)) for item in status.get("containerStatuses") or ()
    }
    component = (metadata.get("labels") or {}).get(LABEL_COMPONENT, "")
    for container in pod.get("spec", {}).get("containers") or ():
        name = str(container.get("name", ""))
        yield LogSource(
            metadata["name"], name, component, restarts.get(name, 0), str(metadata.get("uid", ""))
        )


def pick_sources(
    identity: ControlPlaneId, sources: Sequence[LogSource], server: str | None
) -> tuple[LogSource, ...]:
    """Return the sources that a name on the command line means.

    Args:
        identity: the control plane.
        sources: all there are.
        server: name of a pod, or the number it ends with; None for the servers of the control plane.

    Raises:
        NotFoundError: there is none.
    """
    if server is None:
        servers = tuple(source for source in sources if source.component in {COMPONENT_SERVER, ""})
        if servers:
            return servers
        raise NotFoundError(
            f"control plane {identity} has no server whose log could be read",
            hint=f"`k3k describe {identity}` says why.",
        )
    wanted = {server, f"{identity.server}-{server}"}
    picked = tuple(source for source in sources if source.pod in wanted)
    if picked:
        return picked
    names = ", ".join(dict.fromkeys(source.pod for source in sources)) or "none"
    raise NotFoundError(f"control plane {identity} has no server {server!r}", hint=f"Its pods are: {names}.")


async def server_logs(
    host: HostApi,
    identity: ControlPlaneId,
    sources: Sequence[LogSource],
    options: LogOptions | None = None,
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of one or more logs: one log after the other, or as they come when following.

    Following ends when every one of the containers has ended; whoever wants to go on asks again.

    Args:
        host: an open host.
        identity: the control plane.
        sources: of `log_sources`.
        options: which part; all that is there unless told.

    Raises:
        NotFoundError: a pod is gone.
        K3kError: the host refuses, does not answer, or broke off.
    """
    wanted = options or LogOptions()
    if wanted.follow and len(sources) > 1:
        lines = _interleaved(host, identity, sources, wanted)
        async with aclosing(lines):
            async for line in lines:
                yield line
        return
    for source in sources:
        texts = read_log(host, identity, source, wanted)
        async with aclosing(texts):
            async for text in texts:
                yield LogLine(source, text)


async def read_log(
    host: HostApi, identity: ControlPlaneId, source: LogSource, options: LogOptions
) -> AsyncGenerator[str, None]:
    """Yield the lines of one log.

    Args:
        host: an open host.
        identity: the control plane.
        source: of `log_sources`.
        options: which part.
    """
    lines = host.logs(
        identity.namespace,
        source.pod,
        container=source.container,
        follow=options.follow,
        tail=options.tail,
        previous=options.previous,
        since=options.since,
        timestamps=options.timestamps,
    )
    async with aclosing(lines):
        async for line in lines:
            yield line


async def _interleaved(
    host: HostApi, identity: ControlPlaneId, sources: Sequence[LogSource], options: LogOptions
) -> AsyncGenerator[LogLine, None]:
    """Follow several logs at once; the first failure ends all of them."""
    queue: asyncio.Queue[LogLine | K3kError | None] = asyncio.Queue(_WAITING_LINES)

    async def read(source: LogSource) -> None:
        try:
            async with aclosing(read_log(host, identity, source, options)) as texts:
                async for text in texts:
                    await queue.put(LogLine(source, text))
        except K3kError as error:
            await queue.put(error)
        else:
            await queue.put(None)

    readers = [asyncio.create_task(read(source)) for source in sources]
    try:
        running = len(readers)
        while running:
            item = await queue.get()
            if isinstance(item, K3kError):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
