"""A fleet told in sentences: for screen readers, pipes, and terminals whose cursor cannot be moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.discovery import ControlPlane
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState

# What an error adds in brackets, such as the request that failed, differs from try to try.
_DETAIL = re.compile(r" \([^()]*\)")


@dataclass(frozen=True, slots=True)
class _Known:
    """What was told of a control plane last.

    Attributes:
        verdict: its state in one word.
        causes: what it has its state from, without the values that move.
        servers: how many are ready, and wanted.
        version: of k3s.
        stale: whether its host was lost.
    """

    verdict: str
    causes: frozenset[tuple[str, str]]
    servers: tuple[int, int]
    version: str
    stale: bool


class Narrator:
    """Tells what becomes of a fleet, a sentence for each thing that matters; figures that merely move are not told.

    Args:
        keep: tells which control planes are told of.
        clock: seconds since 1970.
    """

    def __init__(self, keep: Callable[[ControlPlane], bool], clock: Callable[[], float]) -> None:
        self._keep = keep
        self._clock = clock
        self._known: dict[FleetKey, _Known] = {}
        # Why each host is not followed, and whether it was ever listed.
        self._hosts: dict[str, tuple[str, bool]] = {}

    def tell(self, change: ChangeSet) -> list[str]:
        """Return what there is to say, with the time before it, already escaped.

        Args:
            change: of the fleet.
        """
        said = [
            *(sentence for state in change.hosts for sentence in self._host(state)),
            *(sentence for key in change.removed for sentence in self._gone(key)),
            *(sentence for row in change.changed for sentence in self._row(row)),
        ]
        at = datetime.fromtimestamp(self._clock(), UTC).astimezone().strftime("%H:%M:%S")
        return [escape(f"{at} {sentence}") for sentence in said]

    def _host(self, state: HostState) -> Iterator[str]:
        before = self._hosts.get(state.name)
        now = self._hosts[state.name] = (_DETAIL.sub("", state.error), state.listed)
        if before == now:
            return
        was_lost = before is not None and bool(before[0])
        if state.error:
            if before is not None and before[0] == now[0]:
                return
            old = " What is known of its control planes grows old." if state.listed and not was_lost else ""
            hint = f" {_ended(state.hint)}" if state.hint else ""
            still = "still " if was_lost else ""
            yield f"Host {state.name} is {still}not followed: {_ended(state.error)}{old}{hint}"
        elif was_lost:
            yield f"Host {state.name} is followed again."
        elif state.listed:
            yield f"Host {state.name} has {counted(state.control_planes)}."

    def _gone(self, key: FleetKey) -> Iterator[str]:
        if self._known.pop(key, None) is not None:
            yield f"{_name(key.name, key.namespace, key.host)} is gone."

    def _row(self, row: FleetRow) -> Iterator[str]:
        plane = row.control_plane
        key = row.id
        before = self._known.get(key)
        if not self._keep(plane):
            if self._known.pop(key, None) is not None:
                yield f"{subject(plane)} does not have the labels asked for any more."
            return
        now = self._known[key] = _known(row)
        if before is None:
            yield described(
                plane, row.judgement.verdict, row.reason, stale_since=row.stale_since, now=self._clock()
            )
        elif before != now:
            yield from _differences(row, before, now)


def _known(row: FleetRow) -> _Known:
    plane, judgement = row.control_plane, row.judgement
    findings = frozenset((finding.rule, finding.subject) for finding in judgement.findings)
    return _Known(
        judgement.verdict,
        findings or frozenset((("", plane.reason),)),
        (plane.servers_ready, plane.servers_wanted),
        plane.version,
        row.stale_since is not None,
    )


def _differences(row: FleetRow, before: _Known, now: _Known) -> Iterator[str]:
    plane = row.control_plane
    parts = []
    if before.verdict != now.verdict:
        parts.append(f"was {before.verdict} and is {now.verdict}")
    elif before.causes != now.causes and row.reason:
        parts.append(f"is still {now.verdict}, for another reason")
    if before.servers != now.servers:
        parts.append(f"has {_servers(plane)}")
    if before.version != now.version:
        parts.append(f"runs {now.version or 'a version that is not known'}")
    if parts:
        told = f"{subject(plane)} {', '.join(parts)}"
        because = before.verdict != now.verdict or before.causes != now.causes
        yield f"{told}: {_ended(row.reason)}" if because and row.reason else f"{told}."


def described(
    plane: ControlPlane, verdict: str, reason: str, *, stale_since: float | None = None, now: float = 0.0
) -> str:
    """Return what there is to say of a control plane, in one sentence.

    Args:
        plane: it.
        verdict: its state in one word, as it was measured or as its host says.
        reason: why; empty when there is nothing to say.
        stale_since: seconds since 1970 from when its host could not be followed; None while it can.
        now: seconds since 1970.
    """
    version = f", version {plane.version}" if plane.version else ""
    old = f", as it was {format_age(now - stale_since)} ago" if stale_since is not None else ""
    told = f"{subject(plane)} is {verdict}, {_servers(plane)}{version}{old}"
    return f"{told}: {_ended(reason)}" if reason else f"{told}."


def subject(plane: ControlPlane) -> str:
    """Return what a control plane is called in a sentence.

    Args:
        plane: it.
    """
    return _name(plane.name, plane.namespace, plane.host)


def counted(count: int) -> str:
    """Return a number of control planes in words.

    Args:
        count: how many.
    """
    return (
        "no control planes" if not count else "1 control plane" if count == 1 else f"{count} control planes"
    )


def _name(name: str, namespace: str, host: str) -> str:
    return f"{name} in {namespace} on {host}"


def _servers(plane: ControlPlane) -> str:
    return f"{plane.servers_ready} of {plane.servers_wanted} servers ready"


def _ended(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."
