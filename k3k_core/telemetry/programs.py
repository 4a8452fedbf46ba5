"""Rules made ready to run: expressions and sentences compiled once for all control planes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from k3k_core.telemetry.expressions import Evaluate, Expression, compile_expression
from k3k_core.telemetry.facts import Facts, FactScope
from k3k_core.telemetry.judgement import Finding
from k3k_core.telemetry.rules import Rule
from k3k_core.telemetry.sentences import Fill, compile_sentence


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One rule, compiled.

    Attributes:
        index: its place among the rules.
        rule: the rule.
        expression: its value.
        needs: what must be at least how much.
        summary: fills its sentence.
        advice: fills its advice.
    """

    index: int
    rule: Rule
    expression: Expression
    needs: tuple[tuple[Evaluate, float], ...]
    summary: Fill
    advice: Fill

    def value(self, facts: Facts) -> float | None:
        """Return the value; None when it is not available, no number, or too little happened to say."""
        value = self.expression.evaluate(facts)
        if value is None or math.isnan(value):
            return None
        for need, least in self.needs:
            amount = need(facts)
            if amount is None or not amount >= least:
                return None
        return value

    def beyond(self, value: float, *, latched: bool) -> bool:
        """Tell whether the condition is on: beyond the threshold, or once on, not back at the clear threshold."""
        rule = self.rule
        if rule.falling:
            return value < rule.threshold or (latched and value < rule.clear)
        return value > rule.threshold or (latched and value > rule.clear)

    def finding(self, facts: Facts, subject: str, value: float, since: float) -> Finding:
        """Return the finding with its sentences filled; `facts.item` must be what it is about."""
        rule = self.rule
        given = (facts, value, rule.threshold, subject, rule.unit)
        return Finding(
            rule=rule.name,
            severity=rule.severity,
            verdict=rule.verdict,
            subject=subject,
            value=float(value),
            unit=rule.unit,
            threshold=rule.threshold,
            since=since,
            summary=self.summary(*given),
            advice=self.advice(*given),
        )


@lru_cache(maxsize=8)
def compile_rules(rules: tuple[Rule, ...]) -> tuple[Program, ...]:
    """Compile rules; every control plane judged by the same rules shares the result."""
    return tuple(_compiled(index, rule) for index, rule in enumerate(rules))


def _compiled(index: int, rule: Rule) -> Program:
    scope = FactScope(rule.each)
    return Program(
        index=index,
        rule=rule,
        expression=compile_expression(rule.expression, scope),
        needs=tuple((compile_expression(text, scope).evaluate, least) for text, least in rule.needs),
        summary=compile_sentence(rule.summary, scope),
        advice=compile_sentence(rule.advice, scope),
    )
