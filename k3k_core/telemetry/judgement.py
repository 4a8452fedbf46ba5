"""What the verdict rules say of a control plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["info", "warning", "critical"]
Verdict = Literal["Healthy", "Degraded", "Down", "Progressing", "Paused", "Expired", "Unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that holds.

    Attributes:
        rule: name of the rule.
        severity: critical makes a control plane Down or Degraded as the rule says, warning Degraded, info neither.
        verdict: what the control plane is while the rule fires; Healthy for info.
        subject: what it is about within the control plane, such as a queue or a server; may be empty.
        value: the value that crossed the threshold.
        unit: unit of value and threshold: "seconds", "ratio", "bytes", "days", "items", "count" ...; may be empty.
        threshold: what it is compared with.
        since: seconds since 1970 from when the condition has held without a break.
        summary: one sentence: what is wrong, with the value.
        advice: one sentence: what to do.
    """

    rule: str
    severity: Severity
    verdict: Verdict
    subject: str
    value: float
    unit: str
    threshold: float
    since: float
    summary: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "verdict": self.verdict,
            "subject": self.subject,
            "value": self.value,
            "unit": self.unit,
            "threshold": self.threshold,
            "since": self.since,
            "summary": self.summary,
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reasons.

    Attributes:
        verdict: the state in one word.
        since: seconds since 1970 from when it has been this verdict.
        findings: rules that fire, the worst first; never empty when Degraded or Down.
        pending: rules whose condition holds, but not yet for as long as they ask.
    """

    verdict: Verdict
    since: float
    findings: tuple[Finding, ...] = ()
    pending: tuple[Finding, ...] = ()

    @property
    def reason(self) -> str:
        """The worst finding's sentence; empty when there is none."""
        return self.findings[0].summary if self.findings else ""
