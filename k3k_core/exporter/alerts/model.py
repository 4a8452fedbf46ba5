"""What an alert and a recording rule are, before they are written for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule.

    Attributes:
        name: name of the series it makes.
        expr: PromQL.
        meaning: what the series says, one sentence.
    """

    name: str
    expr: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.

    Attributes:
        name: as it shows in Alertmanager.
        severity: one of SEVERITIES: critical wakes somebody, warning waits for the working day, info for nobody.
        expr: PromQL; every series it gives is one alert.
        hold: how long the condition must hold, as Prometheus writes durations.
        summary: one line, a template of Prometheus.
        description: what happens, with the value; a template of Prometheus.
        means: what it means, for the runbook.
        look: commands that show more; words in capitals (HOST, NAMESPACE, NAME ...) stand for labels.
        act: what to do, for the runbook.
        verdict_rules: verdict rules whose thresholds its expression uses.
    """

    name: str
    severity: str
    expr: str
    hold: str
    summary: str
    description: str
    means: str
    look: tuple[str, ...]
    act: str
    verdict_rules: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Where its runbook stands."""
        return f"docs/alerts.md#{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that Prometheus evaluates together.

    Attributes:
        name: name of the group.
        about: what its rules are about, one sentence.
        records: its recording rules, in the order in which they need each other.
        alerts: its alerts.
        interval: how often they are evaluated, as Prometheus writes durations; empty for Prometheus' own interval.
    """

    name: str
    about: str
    records: tuple[Record, ...] = ()
    alerts: tuple[Alert, ...] = ()
    interval: str = ""
