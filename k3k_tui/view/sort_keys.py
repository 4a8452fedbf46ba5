"""What rows of the fleet are ordered and grouped by, as tuples that compare without calling anything of ours.

Values that change with time alone are replaced by moments, so that an order holds until there is news. What is not
known comes last, whichever way round the order is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from k3k_core.telemetry.judgement import Verdict
from k3k_tui.view.readings import READINGS, worst_queue
from k3k_tui.view.state import Grouping

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

# Compares with others of the same column only.
Value: TypeAlias = str | float | tuple[float | int, ...] | None
Rank: TypeAlias = tuple[object, ...]

# The worst first.
VERDICTS: Final[tuple[Verdict, ...]] = (
    "Down",
    "Degraded",
    "Unknown",
    "Expired",
    "Progressing",
    "Paused",
    "Healthy",
)
_VERDICT_RANKS: Final = {verdict: float(rank) for rank, verdict in enumerate(VERDICTS)}
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
# Digits that a cell shows: what looks the same does not change places.
_SHOWN_DIGITS: Final = 3


def natural(text: str) -> str:
    """Return a text that orders as people order names: `ci-2` before `ci-10`, capitals as small letters.

    Args:
        text: any name.
    """
    if text.isalpha():
        return text.lower()
    return _DIGITS.sub(lambda match: match[0].zfill(12), text.lower())


def row_rank(row: FleetRow, sort: str, *, descending: bool) -> Rank:
    """Return what orders a row: the value of a column, then its name, host and namespace.

    Args:
        row: of the fleet.
        sort: name of the column; empty or unknown for the worst verdict first.
        descending: whether values are turned round.
    """
    plane = row.control_plane
    value = _VALUES.get(sort, _verdict)(row)
    if isinstance(value, float) and math.isnan(value):
        value = None
    return (
        value is None,
        _turned(value) if descending and value is not None else value,
        natural(plane.name),
        plane.host,
        plane.namespace,
        plane.name,
    )


def group_title(row: FleetRow, group: Grouping) -> str:
    """Return what a row is grouped under; empty where that is not known.

    Args:
        row: of the fleet.
        group: what by; empty for no groups.
    """
    return _GROUPS[group](row) if group else ""


def group_rank(title: str, group: Grouping) -> tuple[object, ...]:
    """Return what orders a group: versions the newest first, else names; what is not known last.

    Args:
        title: of `group_title`.
        group: what by.
    """
    if group == "version":
        return (not title, _turned(_version_value(title)), title)
    return (not title, natural(title), title)


def _turned(value: Value) -> tuple[float | int, ...] | float | None:
    """Return what orders the other way round."""
    if isinstance(value, str):
        # The end of a text comes before every character, so turned round it comes after them.
        return (*(-ord(char) for char in value), 1)
    if isinstance(value, tuple):
        return tuple(-part for part in value)
    return -value if value is not None else None


def _verdict(row: FleetRow) -> float:
    return _VERDICT_RANKS.get(row.judgement.verdict, 0.0)


def _version_value(version: str) -> tuple[float | int, ...]:
    """Return the numbers of a version, always as many; a pre-release comes before its release."""
    numbers = [int(number) for number in _NUMBER.findall(version)[:5]]
    final = "-" not in version.partition("+")[0].replace("-k3s", "+k3s")
    padded = [*numbers, 0, 0, 0, 0, 0]
    return (*padded[:3], int(final), *padded[3:5])


def _text(read: Callable[[FleetRow], str]) -> Callable[[FleetRow], Value]:
    return lambda row: natural(read(row)) or None


def _measured(name: str) -> Callable[[FleetRow], Value]:
    read = READINGS[name]

    def value(row: FleetRow) -> Value:
        known = read(row, 0.0)
        return None if known is None else float(f"{known:.{_SHOWN_DIGITS}g}")

    return value


def _certificates(row: FleetRow) -> Value:
    first = row.signals.first_to_expire if row.signals is not None else None
    return first.expires_at if first is not None else None


def _age(row: FleetRow) -> Value:
    created = row.control_plane.created_at
    return -created.timestamp() if created is not None else None


def _ttl(row: FleetRow) -> Value:
    ends = row.control_plane.expires_at
    return ends.timestamp() if ends is not None else None


def _servers(row: FleetRow) -> Value:
    """Order by what is missing, then by how many there are."""
    plane = row.control_plane
    return (plane.servers_ready - plane.servers_wanted, plane.servers_wanted)


def _queue_name(row: FleetRow) -> Value:
    queue = worst_queue(row)
    return natural(queue.name) if queue is not None and queue.depth else None


_VALUES: Final[Mapping[str, Callable[[FleetRow], Value]]] = {
    "verdict": _verdict,
    "name": _text(lambda row: row.control_plane.name),
    "host": _text(lambda row: row.control_plane.host),
    "namespace": _text(lambda row: row.control_plane.namespace),
    "system": _text(lambda row: row.control_plane.system),
    "version": lambda row: _version_value(row.control_plane.version) if row.control_plane.version else None,
    "servers": _servers,
    "datastore": _text(lambda row: row.control_plane.datastore),
    "datastore-latency": _measured("datastore-latency"),
    "p50": _measured("p50"),
    "p99": _measured("p99"),
    "latency": _measured("p99"),
    "errors": _measured("errors"),
    "rate": _measured("rate"),
    "queue": _measured("queue"),
    "queue-name": _queue_name,
    "certificates": _certificates,
    "memory": _measured("memory"),
    "cpu": _measured("cpu"),
    "size": _measured("size"),
    "burn": _measured("burn"),
    "age": _age,
    "ttl": _ttl,
    "since": lambda row: -row.judgement.since,
    "seen": lambda row: -row.signals.at if row.signals is not None else None,
    "way": _text(lambda row: row.reach.way or ""),
    "endpoint": _text(lambda row: row.control_plane.endpoint),
    "reason": _text(lambda row: row.reason),
}
_GROUPS: Final[Mapping[Grouping, Callable[[FleetRow], str]]] = {
    "host": lambda row: row.control_plane.host,
    "namespace": lambda row: row.control_plane.namespace,
    "system": lambda row: row.control_plane.system,
    "version": lambda row: row.control_plane.version,
}
