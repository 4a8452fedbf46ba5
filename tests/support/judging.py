"""A judge in virtual time: one round every fifteen seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.judgement import Finding, Judgement, Verdict
from k3k_core.telemetry.rules import Rule, load_rules
from k3k_core.telemetry.signals.model import Signals
from tests.support.measured import changed, healthy_signals
from tests.support.rule_scenarios import Scenario

ROUND = 15.0
START = 1_800_000_000.0


def only(*names: str) -> tuple[Rule, ...]:
    """The shipped rules of these names."""
    return tuple(rule for rule in load_rules() if rule.name in names)


def signals_with(changes: Mapping[str, Any], at: float) -> Signals:
    """A healthy control plane's signals with changes; `age` and `processes.0.uptime` are turned into times."""
    plain = dict(changes)
    age = plain.pop("age", 0.0)
    if (uptime := plain.pop("processes.0.uptime", None)) is not None:
        plain["processes.0.started_at"] = at - uptime
    signals: Signals = changed(healthy_signals(at), plain)
    return replace(signals, at=at - age)


class Watch:
    """One control plane being judged, round after round.

    Args:
        rules: to judge by.
        every: seconds from one round to the next.
    """

    def __init__(self, rules: tuple[Rule, ...], *, every: float = ROUND) -> None:
        self.judge = Judge(rules)
        self.at = START
        self.every = every
        self.last = Judgement("Unknown", START)

    def round(
        self,
        changes: Mapping[str, Any] | None = None,
        *,
        base: Verdict = "Healthy",
        reason: str = "",
        measured: bool = True,
    ) -> Judgement:
        """Judge once, then let the time to the next round pass."""
        signals = signals_with(changes or {}, self.at) if measured else None
        self.last = self.judge.judge(signals, base=base, base_reason=reason, at=self.at)
        self.at += self.every
        return self.last

    def rounds(self, seconds: float, changes: Mapping[str, Any] | None = None, **given: Any) -> Judgement:
        """Judge until this much time has passed since the first of these rounds, that moment included."""
        end = self.at + seconds
        self.round(changes, **given)
        while self.at <= end:
            self.round(changes, **given)
        return self.last

    def bad(self, scenario: Scenario) -> Judgement:
        """One round in which the scenario's condition holds."""
        return self.round(scenario.bad, base=scenario.base, reason=scenario.reason)

    def band(self, scenario: Scenario) -> Judgement:
        """One round between the two thresholds."""
        assert scenario.band is not None
        return self.round(scenario.band, base=scenario.base, reason=scenario.reason)

    def firing(self, rule: str) -> Finding | None:
        """The finding of a rule that fires after the last round."""
        return next((finding for finding in self.last.findings if finding.rule == rule), None)

    def pending(self, rule: str) -> Finding | None:
        """The finding of a rule that does not fire yet after the last round."""
        return next((finding for finding in self.last.pending if finding.rule == rule), None)
