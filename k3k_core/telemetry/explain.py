"""The story behind a verdict, as text sections and as data: what `k3k doctor` says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from k3k_core.telemetry.judgement import Finding, Judgement, Verdict
from k3k_core.telemetry.quantities import format_duration, format_value
from k3k_core.telemetry.rules import Rule
from k3k_core.telemetry.sentences import printable
from k3k_core.telemetry.signals.model import Signals
from k3k_core.telemetry.survey import Sighting, survey, unmeasured

# Of these a value says no more than the sentence does.
_PLAIN_UNITS: Final = frozenset({"", "count"})
_WIDTH: Final = 100
# Things that one rule fires for and that are named, beside the first.
_NAMED: Final = 6
# Seconds from the beginning of watching to its first look.
_FIRST_LOOK: Final = 5.0
# Those that are about how it serves; the others only the host can know.
_MEASURED_VERDICTS: Final = frozenset({"Healthy", "Degraded", "Down"})


@dataclass(frozen=True, slots=True)
class Section:
    """Part of an explanation.

    Attributes:
        title: its heading.
        lines: its lines, wrapped and indented.
    """

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a control plane has its verdict.

    Attributes:
        name: the control plane.
        at: when this was said, seconds since 1970.
        judgement: the verdict with its findings.
        about: facts for people, by their titles.
        sightings: what each rule sees now.
        holds: seconds each rule asks its condition to hold, by name.
        unmeasured: why the verdict rests on the host's word alone; empty when a server answered.
        watched_since: when watching began, seconds since 1970: what is older than that is not known. None when
            it has been watched all along.
    """

    name: str
    at: float
    judgement: Judgement
    about: Mapping[str, str]
    sightings: tuple[Sighting, ...]
    holds: Mapping[str, float]
    unmeasured: str = ""
    watched_since: float | None = None

    def headline(self) -> str:
        """Return the verdict in one line."""
        verdict = f"{printable(self.name)}: {self.judgement.verdict} {self._lasting(self.judgement.since)}"
        if self.unmeasured and self.judgement.verdict in _MEASURED_VERDICTS:
            return f"{verdict}, by the host's word alone ({self.unmeasured})"
        return verdict

    def sections(self, width: int = _WIDTH) -> tuple[Section, ...]:
        """Return the parts that have something to say.

        Args:
            width: columns a line may take.
        """
        parts = (
            Section("About", _pairs(self.about)),
            Section("Findings", self._findings(width)),
            Section("Seen, but not for long enough yet", self._pending(width)),
            Section("Checked and fine", self._fine(width)),
            Section("Not checked", self._unchecked(width)),
        )
        return tuple(part for part in parts if part.lines)

    def text(self, width: int = _WIDTH) -> str:
        """Return everything as plain text.

        Args:
            width: columns a line may take.
        """
        blocks = [self.headline()]
        blocks += ["\n".join((section.title, *section.lines)) for section in self.sections(width)]
        return "\n\n".join(blocks) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form; times are seconds since 1970, durations seconds."""
        judgement = self.judgement
        return {
            "name": self.name,
            "at": self.at,
            "verdict": judgement.verdict,
            "since": judgement.since,
            "reason": judgement.reason,
            "measured": not self.unmeasured,
            "watchedSince": self.watched_since,
            "about": dict(self.about),
            "findings": [finding.to_dict() for finding in judgement.findings],
            "pending": [
                finding.to_dict() | {"for": self.holds.get(finding.rule, 0.0)}
                for finding in judgement.pending
            ],
            "fine": [
                {
                    "rule": sighting.rule.name,
                    "group": sighting.rule.group.name,
                    "subject": sighting.subject,
                    "value": sighting.value,
                    "unit": sighting.rule.unit,
                    "threshold": sighting.rule.threshold,
                }
                for sighting in self._seen("fine")
            ],
            "unchecked": [
                {
                    "rule": sighting.rule.name,
                    "group": sighting.rule.group.name,
                    "reason": sighting.reason,
                    "missing": list(sighting.missing),
                }
                for sighting in self._seen("unchecked", "ignored", "inapplicable")
            ],
        }

    def _seen(self, *outcomes: str) -> tuple[Sighting, ...]:
        told = {finding.rule for finding in (*self.judgement.findings, *self.judgement.pending)}
        return tuple(
            sighting
            for sighting in self.sightings
            if sighting.outcome in outcomes and sighting.rule.name not in told
        )

    def _lasting(self, since: float) -> str:
        """Return how long something has been so: at least, when it was so from the beginning of watching."""
        age = format_duration(self.at - since)
        if self.watched_since is not None and since - self.watched_since < _FIRST_LOOK:
            return f"for as long as it was watched, {age}"
        return f"for {age}"

    def _findings(self, width: int) -> tuple[str, ...]:
        by_rule: dict[str, list[Finding]] = {}
        for finding in self.judgement.findings:
            by_rule.setdefault(finding.rule, []).append(finding)
        lines: list[str] = []
        for finding, *others in by_rule.values():
            head = f"{finding.rule} ({finding.severity}) {self._lasting(finding.since)}"
            lines += _wrapped(f"{head}, since {_moment(finding.since)}", width, "  ", "    ")
            lines += _wrapped(finding.summary, width, "    ", "    ")
            if finding.unit not in _PLAIN_UNITS:
                value = format_value(finding.value, finding.unit)
                lines.append(f"    Value {value}, threshold {format_value(finding.threshold, finding.unit)}")
            if others:
                lines += _wrapped(f"The same of {_several(others)}.", width, "    ", "    ")
            lines += _wrapped(f"What to do: {finding.advice}", width, "    ", "    ")
        return tuple(lines)

    def _pending(self, width: int) -> tuple[str, ...]:
        lines: list[str] = []
        for finding in self.judgement.pending:
            held = format_duration(self.at - finding.since)
            wanted = format_duration(self.holds.get(finding.rule, 0.0))
            head = f"{finding.rule} ({finding.severity}), for {held} of {wanted}: {finding.summary}"
            lines += _wrapped(head, width, "  ", "    ")
        return tuple(lines)

    def _fine(self, width: int) -> tuple[str, ...]:
        return _grouped(((sighting, _measured(sighting)) for sighting in self._seen("fine")), width)

    def _unchecked(self, width: int) -> tuple[str, ...]:
        reasons: dict[tuple[str, str], list[str]] = {}
        for sighting in self._seen("unchecked", "ignored"):
            reasons.setdefault((sighting.rule.group.title, sighting.reason), []).append(sighting.rule.name)
        lines: list[str] = []
        for (title, reason), names in reasons.items():
            lines += _wrapped(f"{title}: {', '.join(names)} ({reason})", width, "  ", "    ")
        return tuple(lines)


def explain(
    judgement: Judgement,
    signals: Signals | None,
    *,
    name: str,
    rules: tuple[Rule, ...],
    base: Verdict,
    base_reason: str,
    at: float,
    about: Mapping[str, str] | None = None,
    datastore: str = "",
    watched_since: float | None = None,
) -> Explanation:
    """Explain a verdict.

    Args:
        judgement: what the judge said last.
        signals: the newest ones, None when nothing was measured.
        name: the control plane, as people name it.
        rules: the rules it was judged by.
        base: the verdict of the host's objects.
        base_reason: why, one sentence.
        at: now, seconds since 1970.
        about: facts to show at the top, by their titles; no secrets.
        datastore: kind of datastore as the host says; empty to take it from the signals.
        watched_since: when watching began, seconds since 1970; None when it has been watched all along.
    """
    return Explanation(
        name=name,
        at=at,
        judgement=judgement,
        about=dict(about or {}),
        sightings=survey(rules, signals, base=base, base_reason=base_reason, at=at, datastore=datastore),
        holds={rule.name: rule.hold for rule in rules},
        unmeasured=unmeasured(signals, at=at),
        watched_since=watched_since,
    )


def _pairs(about: Mapping[str, str]) -> tuple[str, ...]:
    widest = max((len(title) for title in about), default=0)
    return tuple(f"  {title.ljust(widest)}  {printable(text)}" for title, text in about.items() if text)


def _several(findings: Sequence[Finding]) -> str:
    """Name what findings of one rule are about, the first ones with their values."""
    named = [
        f"{printable(finding.subject)}"
        + (f" ({format_value(finding.value, finding.unit)})" if finding.unit not in _PLAIN_UNITS else "")
        for finding in findings[:_NAMED]
    ]
    more = len(findings) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _measured(sighting: Sighting) -> str:
    rule = sighting.rule
    if sighting.value is None or rule.unit in _PLAIN_UNITS:
        return rule.name
    value = format_value(sighting.value, rule.unit)
    return f"{rule.name} {value} (limit {format_value(rule.threshold, rule.unit)})"


def _grouped(entries: Iterable[tuple[Sighting, str]], width: int) -> tuple[str, ...]:
    groups: dict[str, list[str]] = {}
    for sighting, text in entries:
        groups.setdefault(sighting.rule.group.title, []).append(text)
    lines: list[str] = []
    for title, texts in groups.items():
        lines += _wrapped(f"{title}: {', '.join(texts)}", width, "  ", "    ")
    return tuple(lines)


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(40, width),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
