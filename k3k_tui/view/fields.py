"""What a filter can ask of a row: fields, what they are compared with, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from k3k_tui.view.amounts import EXAMPLES, Kind
from k3k_tui.view.readings import READINGS, TIMED, Reading
from k3k_tui.view.sort_keys import VERDICTS
from k3k_tui.view.totals import FAULTS

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

Comparison = Literal[":", "=", "!=", "~", "<", "<=", ">", ">="]
# Takes what the row has; a field can have several values, such as the rules that fire.
Texts: TypeAlias = "Callable[[FleetRow], Iterable[str]]"


@dataclass(frozen=True, slots=True)
class TextField:
    """A field that holds text.

    Attributes:
        name: of the field.
        summary: what it is, for completions.
        read: its values.
        known: values there can be; empty when they come from the rows.
    """

    name: str
    summary: str
    read: Texts
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionField:
    """A field that holds a version.

    Attributes:
        name: of the field.
        summary: what it is, for completions.
        read: its value.
    """

    name: str
    summary: str
    read: Callable[[FleetRow], str]


@dataclass(frozen=True, slots=True)
class NumberField:
    """A field that holds an amount.

    Attributes:
        name: of the field.
        summary: what it is, for completions.
        kind: what it is an amount of.
        read: its value.
        examples: what it may be compared with, for hints and completions.
    """

    name: str
    summary: str
    kind: Kind
    read: Reading
    examples: tuple[str, ...]

    @property
    def timed(self) -> bool:
        """Whether it changes as time goes by, without any news."""
        return self.name in TIMED


@dataclass(frozen=True, slots=True)
class StateField:
    """The field `is`: states a row can be in.

    Attributes:
        name: of the field.
        summary: what it is, for completions.
        states: what tells each state.
    """

    name: str
    summary: str
    states: Mapping[str, Callable[[FleetRow], bool]]


Field: TypeAlias = TextField | VersionField | NumberField | StateField


def _one(read: Callable[[FleetRow], str]) -> Texts:
    return lambda row: (read(row),)


def _number(name: str, kind: Kind, summary: str, *examples: str) -> NumberField:
    return NumberField(name, summary, kind, READINGS[name], examples or EXAMPLES[kind])


def _stuck(row: FleetRow) -> bool:
    return row.signals is not None and any(queue.stuck for queue in row.signals.controllers.queues)


_ALL: Final[tuple[Field, ...]] = (
    TextField("verdict", "state in one word", _one(lambda row: row.judgement.verdict), VERDICTS),
    TextField("name", "name of the control plane", _one(lambda row: row.control_plane.name)),
    TextField("host", "context of its host", _one(lambda row: row.control_plane.host)),
    TextField("namespace", "namespace on its host", _one(lambda row: row.control_plane.namespace)),
    VersionField("version", "version of k3s", lambda row: row.control_plane.version),
    TextField("system", "system that made it", _one(lambda row: row.control_plane.system)),
    TextField("made-by", "k3k or helm", _one(lambda row: row.control_plane.made_by), ("k3k", "helm")),
    TextField("datastore", "kind of its datastore", _one(lambda row: row.control_plane.datastore)),
    TextField("endpoint", "address of its API", _one(lambda row: row.control_plane.endpoint)),
    TextField("reason", "why it has its verdict", _one(lambda row: row.reason)),
    TextField("rule", "rule that fires", lambda row: (finding.rule for finding in row.judgement.findings)),
    TextField("way", "how its servers are reached", _one(lambda row: row.reach.way or "")),
    StateField(
        "is",
        "state of its row",
        {
            "fault": lambda row: row.judgement.verdict in FAULTS,
            "stale": lambda row: row.stale_since is not None,
            "read-only": lambda row: row.control_plane.read_only,
            "measured": lambda row: row.signals is not None,
            "unreachable": lambda row: row.reach.way is None and not row.reach.undecided,
            "stuck": _stuck,
        },
    ),
    _number("servers", "number", "servers that are ready", "wanted", "3"),
    _number("wanted", "number", "servers asked for", "1", "3"),
    _number("p50", "seconds", "median of API requests"),
    _number("p99", "seconds", "99th percentile of API requests"),
    _number("read-p99", "seconds", "99th percentile of reads"),
    _number("write-p99", "seconds", "99th percentile of writes"),
    _number("datastore-latency", "seconds", "99th percentile of requests to the datastore"),
    _number("errors", "share", "share of API requests answered with 5xx"),
    _number("rate", "number", "API requests a second"),
    _number("queue", "number", "depth of the worst work queue"),
    _number("certificates", "days", "time until the first certificate ends"),
    _number("age", "seconds", "since when it has been there", "1h", "1d", "5m"),
    _number("ttl", "seconds", "time it has left to live", "1h", "1d", "5m"),
    _number("since", "seconds", "for how long it has had its verdict", "1h", "1d", "5m"),
    _number("seen", "seconds", "age of what was measured", "1h", "1d", "5m"),
    _number("memory", "bytes", "memory of its servers"),
    _number("cpu", "number", "cores its servers use", "1", "0.5"),
    _number("size", "bytes", "size of its data"),
    _number("burn", "number", "speed at which the error budget goes", "1", "14"),
)
FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in _ALL}
ALIASES: Final[Mapping[str, str]] = {
    "ns": "namespace",
    "status": "verdict",
    "state": "verdict",
    "context": "host",
    "cluster": "host",
    "cert": "certificates",
    "certs": "certificates",
    "certificate": "certificates",
    "db": "datastore-latency",
    "db-p99": "datastore-latency",
    "store": "datastore",
    "err": "errors",
    "error": "errors",
    "req": "rate",
    "mem": "memory",
    "latency": "p99",
    "ready": "servers",
    "address": "endpoint",
}


def find_field(name: str) -> Field | None:
    """Return a field by its name or another name for it; None when there is none.

    Args:
        name: as it was typed; capitals do not matter.
    """
    lowered = name.lower()
    return FIELDS.get(ALIASES.get(lowered, lowered))
