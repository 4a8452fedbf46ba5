"""What is to be done with the lines that follow a declaration of a family."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from k3k_core.telemetry.labels import METRIC_NAME, is_plain_name

TEXT_SUFFIXES = {"summary": ("", "_count", "_sum"), "histogram": ("_count", "_sum", "_bucket")}
METRICS_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "histogram": ("_count", "_sum", "_bucket", "_created"),
    "gaugehistogram": ("_gcount", "_gsum", "_bucket"),
    "info": ("_info",),
}
KINDS = frozenset(
    {"counter", "gauge", "summary", "histogram", "gaugehistogram", "unknown", "untyped", "info", "stateset"}
)
_REMEMBERED = 2048
_DECLARATION = re.compile(rb"(%b) ([a-z]+)" % METRIC_NAME)
_ENCODED_TEXT = {kind: tuple(map(str.encode, suffixes)) for kind, suffixes in TEXT_SUFFIXES.items()}
_ENCODED_METRICS = {kind: tuple(map(str.encode, suffixes)) for kind, suffixes in METRICS_SUFFIXES.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """A declared family as the lines below it are to be read.

    Attributes:
        name: name of the family; empty where none is declared.
        kind: as its `# TYPE` line says, valid or not; "untyped" without one.
        declaration: what follows `# TYPE `; empty without one.
        head: how a sample line of it begins.
        line_head: the same after the line before.
        help_head: how its `# HELP` line begins.
        place: where a table keeps its series: its name, and which suffixes its samples may have.
        allowed: names of the samples that belong to it in the text format.
        in_metrics: names of the samples that belong to it in OpenMetrics.
        matters: names of the samples that belong to it in either format, if it is wanted in either.
        keep: whether it is wanted in the text format, and its lines may be read together.
        skip: whether no line that begins with its name can be wanted, and nothing is wrong with its kind.
    """

    name: str
    kind: str
    declaration: bytes
    head: bytes
    line_head: bytes
    help_head: bytes
    place: tuple[str, str]
    allowed: frozenset[bytes]
    in_metrics: frozenset[bytes]
    matters: frozenset[bytes]
    keep: bool
    skip: bool


class Wanted:
    """The names of the families to keep, and the plans made for them.

    Args:
        names: names as in the text format; an OpenMetrics counter or info is asked for by its samples' name.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.encoded = frozenset(name.encode() for name in names)
        self.plain = all(map(is_plain_name, names))
        self.nothing = self.plan("", "untyped")
        self._sorted = sorted(self.encoded)
        self._plans: dict[bytes, Plan] = {}

    def declared(self, declaration: bytes) -> Plan | None:
        """Return the plan for what follows `# TYPE `, None if it needs a closer look."""
        plan = self._plans.get(declaration)
        if plan is None and (match := _DECLARATION.fullmatch(declaration)) is not None:
            plan = self.plan(match[1].decode(), match[2].decode(), declaration)
            if len(self._plans) >= _REMEMBERED:
                self._plans.clear()
            self._plans[declaration] = plan
        return plan

    def metrics_name(self, name: str, kind: str) -> str | None:
        """Return under which wanted name an OpenMetrics family goes, None when it is not wanted."""
        if kind in {"counter", "info"}:
            sample = f"{name}_{'total' if kind == 'counter' else 'info'}"
            if sample in self.names:
                return sample
        return name if name in self.names else None

    def plan(self, name: str, kind: str, declaration: bytes = b"") -> Plan:
        """Return what to do below the declaration of a family.

        Args:
            name: name of the family.
            kind: its kind, "untyped" when only its `# HELP` line came.
            declaration: what follows `# TYPE ` if its name is a plain one.
        """
        head = name.encode()
        plain = is_plain_name(name)
        allowed = frozenset([head + suffix for suffix in _ENCODED_TEXT.get(kind, (b"",))])
        in_metrics = allowed
        if kind in _ENCODED_METRICS:
            in_metrics = frozenset([head + suffix for suffix in _ENCODED_METRICS[kind]])
        is_wanted = bool(name) and self.metrics_name(name, kind) is not None
        return Plan(
            name=name,
            kind=kind,
            declaration=declaration,
            head=head,
            line_head=b"\n" + head,
            help_head=b"# HELP %b " % head,
            place=(name, kind if kind in TEXT_SUFFIXES else ""),
            allowed=allowed,
            in_metrics=in_metrics,
            matters=allowed | in_metrics | {head} if is_wanted else frozenset(),
            keep=plain and name in self.names and kind in KINDS,
            skip=plain and kind in KINDS and not is_wanted and not self._may_hide(head),
        )

    def _may_hide(self, head: bytes) -> bool:
        """Tell whether a line that begins with this name may still be a sample of a wanted one.

        A line of one word, such as `nan`, is to the reference parser a sample `na` of the value `nan`.
        """
        if any(word.startswith(head.lower()) for word in (b"nan", b"infinity")):
            return True
        place = bisect_left(self._sorted, head)
        return place < len(self._sorted) and self._sorted[place].startswith(head)
