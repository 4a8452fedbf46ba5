"""Logs of pods as the kubelet serves them through the API: `GET .../pods/NAME/log`.

Options and refusals are those of `PodLogOptions` (API reference of Kubernetes, core/v1).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiohttp import web

from k3k_core.sandbox.api.statuses import FieldError, bad_request, invalid
from k3k_core.sandbox.node.kubelet import NoLogError
from k3k_core.sandbox.node.log import Entry, Log

# How often a followed log is looked at.
_POLL = 0.1


class FindLog(Protocol):
    """Returns the log of a container, given namespace, pod and container; raises NoLogError."""

    def __call__(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log: ...


@dataclass(frozen=True, slots=True)
class _Options:
    """What is asked for."""

    container: str
    follow: bool
    previous: bool
    timestamps: bool
    tail: int | None
    since: timedelta | None
    since_time: datetime | None
    limit: float

    @classmethod
    def read(cls, pod: Mapping[str, Any], query: Mapping[str, str]) -> _Options:
        return cls(
            container=container_of(pod, query.get("container", "")),
            follow=_flag(query, "follow"),
            previous=_flag(query, "previous"),
            timestamps=_flag(query, "timestamps"),
            tail=_number(query, "tailLines", least=0),
            since=None
            if (seconds := _number(query, "sinceSeconds", least=1)) is None
            else timedelta(seconds=seconds),
            since_time=_time(query.get("sinceTime", "")),
            limit=_number(query, "limitBytes", least=1) or math.inf,
        )

    def chosen(self, lines: list[Entry], now: datetime) -> list[Entry]:
        """Return the lines that are there and asked for."""
        begin = now - self.since if self.since is not None else self.since_time
        if begin is not None:
            lines = [line for line in lines if line.at >= begin]
        return lines if self.tail is None else lines[len(lines) - min(len(lines), self.tail) :]


async def send_log(
    request: web.Request, find: FindLog, pod: Mapping[str, Any], now: Callable[[], datetime]
) -> web.StreamResponse:
    """Answer with the log of a container, for as long as it runs when it is to be followed.

    Args:
        request: names what is asked for in its query.
        find: returns the log.
        pod: the pod.
        now: wall clock.

    Raises:
        ApiError: the container does not exist or has no log, or an option makes no sense.
    """
    options = _Options.read(pod, request.query)
    meta = pod["metadata"]
    try:
        log = find(meta["namespace"], meta["name"], options.container, previous=options.previous)
    except NoLogError as error:
        raise bad_request(str(error)) from None
    lines, mark = log.read()
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    left = await _write(response, options, options.chosen(lines, now()), options.limit)
    while options.follow and left > 0 and not _gone(request):
        ended = log.ended
        lines, mark = log.read_on(mark)
        left = await _write(response, options, lines, left)
        if ended:
            break
        await asyncio.sleep(_POLL)
    return response


async def _write(
    response: web.StreamResponse, options: _Options, lines: Iterable[Entry], left: float
) -> float:
    """Send lines; return how many bytes may still be sent."""
    text = "".join(f"{line.stamped if options.timestamps else line.text}\n" for line in lines).encode()
    if text:
        await response.write(text if len(text) <= left else text[: int(left)])
    return left - len(text)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def container_of(pod: Mapping[str, Any], asked: str) -> str:
    """Return the container of a pod that a request is about.

    Args:
        pod: the pod.
        asked: its name; empty for the only one.

    Raises:
        ApiError: there is none of that name, or several without one being named.
    """
    name = pod["metadata"]["name"]
    spec = pod["spec"]
    names = [str(each["name"]) for each in spec["containers"]]
    if not asked and len(names) == 1:
        return names[0]
    if not asked:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        )
    if asked not in {*names, *(str(each["name"]) for each in spec.get("initContainers") or ())}:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    return asked


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in {"true", "1", "t"}


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if number < least:
        problem = f"Invalid value: {number}: must be greater than or equal to {least}"
        raise invalid("", "PodLogOptions", "", [FieldError(name, problem)])
    return number


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f'parsing time "{text}": it is not of RFC 3339') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
