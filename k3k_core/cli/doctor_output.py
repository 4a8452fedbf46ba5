"""What `k3k doctor` says: the verdict explained, and what the host's objects add to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from k3k_core.ages import format_age
from k3k_core.cli.rows import verdict_style
from k3k_core.cli.terminal import Terminal, escape
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import Issue
from k3k_core.fleet import FleetRow
from k3k_core.fleet.documents import moment, number
from k3k_core.lifecycle.description import Description, EventLine
from k3k_core.telemetry.explain import Explanation, Section, explain
from k3k_core.telemetry.rules import Rule

# Older warnings seldom tell of what is wrong now.
_RECENT = timedelta(hours=1)
_MOST_EVENTS = 8
_WAYS = {
    "pods": "read from each of its pods",
    "load-balancer": "read through its load balancer",
    "node-port": "read through a node port",
    "cluster-ip": "read through its Service",
    "kubeconfig": "read at the address of its kubeconfig",
    "tunnel": "read through the host's API",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that `k3k doctor` tells of one control plane.

    Attributes:
        explanation: of its verdict.
        row: of the fleet.
        description: what the host's objects say.
        advice: what the members of its own etcd need.
    """

    explanation: Explanation
    row: FleetRow
    description: Description
    advice: tuple[Issue, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether its verdict is Healthy, and not by the host's word alone."""
        return self.row.judgement.verdict == "Healthy" and not self.explanation.unmeasured

    def warnings(self) -> tuple[EventLine, ...]:
        """Return recent warnings of its objects, newest last."""
        since = self.description.now - _RECENT
        found = [
            event
            for event in self.description.events
            if event.type == "Warning" and event.last_seen is not None and event.last_seen >= since
        ]
        return tuple(found[-_MOST_EVENTS:])

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k doctor -o json`), times in RFC 3339."""
        row, about = self.row.control_plane, self.explanation.to_dict()
        about.pop("name")
        return {
            "host": row.host,
            "namespace": row.namespace,
            "name": row.name,
            **_in_words(about),
            "reach": {
                "way": self.row.reach.way,
                "reason": self.row.reach.reason,
                "hint": self.row.reach.hint,
            },
            "pods": [
                {"name": pod.name, "ready": pod.ready, "phase": pod.phase, "restarts": pod.restarts}
                for pod in self.description.servers
            ],
            "conditions": [
                {"type": item.type, "status": item.status, "message": item.message}
                for item in self.description.conditions
            ],
            "warnings": [
                {
                    "lastSeen": format_time(event.last_seen),
                    "reason": event.reason,
                    "object": event.subject,
                    "message": event.message,
                    "count": event.count,
                }
                for event in self.warnings()
            ],
            "hidden": list(self.description.hidden),
            "etcdAdvice": [
                {"path": each.path, "problem": each.problem, "remedy": each.remedy} for each in self.advice
            ],
        }


def diagnose(
    row: FleetRow,
    description: Description,
    *,
    rules: tuple[Rule, ...],
    since: float,
    at: float,
    advice: tuple[Issue, ...] = (),
) -> Diagnosis:
    """Explain the verdict of a control plane.

    Args:
        row: of a fleet.
        description: what the host's objects say.
        rules: it was judged by.
        since: when watching began, seconds since 1970.
        at: now, seconds since 1970.
        advice: what the members of its own etcd need.
    """
    plane = row.control_plane
    explanation = explain(
        row.judgement,
        row.signals,
        name=f"{plane.namespace}/{plane.name}",
        rules=rules,
        base=plane.verdict,
        base_reason=plane.reason,
        at=at,
        datastore=plane.datastore,
        watched_since=since,
        about={
            "Host": plane.host,
            "Version": plane.version,
            "Servers": f"{plane.servers_ready} of {plane.servers_wanted} ready",
            "Datastore": plane.datastore,
            "Endpoint": plane.endpoint,
            "Metrics": _WAYS[row.reach.way] if row.reach.way else row.reach.reason or "not read",
        },
    )
    return Diagnosis(explanation, row, description, advice)


def diagnosis_text(terminal: Terminal, diagnosis: Diagnosis) -> str:
    """Return a diagnosis for a person.

    Args:
        terminal: where it will be shown.
        diagnosis: of one control plane.
    """
    width = min(terminal.width, 120) if terminal.interactive else 100
    explanation = diagnosis.explanation
    about, *rest = explanation.sections(width)
    sections = [about, *_host_sections(diagnosis), *rest]
    headline = terminal.style(escape(explanation.headline()), verdict_style(diagnosis.row.judgement.verdict))
    blocks = [headline]
    for section in sections:
        title = terminal.style(f"{section.title}:", "bold")
        blocks.append("\n".join([title, *(escape(line) for line in section.lines)]))
    return "\n\n".join(blocks)


def _host_sections(diagnosis: Diagnosis) -> list[Section]:
    description, row = diagnosis.description, diagnosis.row
    lines = [
        f"  {pod.name} is not ready: {pod.phase}" + (f", {pod.restarts} restarts" if pod.restarts else "")
        for pod in description.servers
        if not pod.ready
    ]
    lines += [
        f"  {item.type} is {item.status}: {item.message}"
        for item in description.conditions
        if item.status != "True"
    ]
    if description.hidden:
        lines.append(f"  Not shown, because this identity may not list them: {', '.join(description.hidden)}")
    events = [
        f"  {_age(event, description)}  {event.subject}: {event.reason}: {event.message}"
        for event in diagnosis.warnings()
    ]
    unread = [f"  {row.reach.reason}", f"  What to do: {row.reach.hint}"] if row.reach.reason else []
    sections = [
        Section("What the host shows", tuple(lines)),
        Section("What its etcd needs", tuple(_advice_lines(diagnosis.advice))),
        Section("Warnings of the host in the last hour", tuple(events)),
        Section(
            "Why its metrics are not read", tuple(line for line in unread if line.strip() != "What to do:")
        ),
    ]
    return [section for section in sections if section.lines]


def _advice_lines(advice: tuple[Issue, ...]) -> Iterator[str]:
    for each in advice:
        yield f"  {each.path}: {each.problem}"
        yield f"    What to do: {each.remedy}"


def _age(event: EventLine, description: Description) -> str:
    if event.last_seen is None:
        return ""
    return f"{format_age((description.now - event.last_seen).total_seconds())} ago"


def _in_words(value: Any, key: str = "") -> Any:
    """Write seconds since 1970 as times, and leave out numbers that JSON has not."""
    if isinstance(value, Mapping):
        return {name: _in_words(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_words(item) for item in value]
    if key in {"at", "since", "watchedSince"}:
        return moment(value)
    return number(value) if isinstance(value, float) else value
