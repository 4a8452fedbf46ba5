"""Rules made ready to run: expressions and sentences compiled once for all control planes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from k3k_core.telemetry.expressions import Evaluate, Expression, compile_expression
from k3k_core.telemetry.facts import Facts
from k3k_core.telemetry.judgement import Finding
from k3k_core.telemetry.paths import FactScope
from k3k_core.telemetry.rules import Rule
from k3k_core.telemetry.sentences import Fill, compile_sentence

Outlook = Literal["on", "off", "unknown"]
Amounts = tuple[tuple[Evaluate, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One rule, compiled.

    Attributes:
        index: its place among the rules.
        rule: the rule.
        expression: its value.
        needs: what must be at least how much for the value to be believed.
        when: what must be at least how much for the rule to apply.
        unless: places of the rules that say the same with more weight.
        summary: fills its sentence.
        advice: fills its advice.
        crossed: tells whether the value is beyond the threshold, whatever is needed beside it; the quick look that is
            all most rules ever get.
    """

    index: int
    rule: Rule
    expression: Expression
    needs: Amounts
    when: Amounts
    unless: tuple[int, ...]
    summary: Fill
    advice: Fill
    crossed: Callable[[Facts], bool]

    def look(self, facts: Facts, *, latched: bool) -> tuple[Outlook, float]:
        """Tell whether the condition is on, off or not to be told, and the value.

        Args:
            facts: of one control plane; `item` set for rules that look at things one by one.
            latched: whether the condition has been on; then it goes off only at the clear threshold.
        """
        value = self.expression.evaluate(facts)
        if value is None or math.isnan(value):
            return "unknown", math.nan
        if not self._beyond(value, latched=latched):
            return "off", value
        applies = _all_met(self.when, facts)
        if applies is not True:
            return ("off" if applies is False else "unknown"), value
        return ("on" if _all_met(self.needs, facts) else "unknown"), value

    def _beyond(self, value: float, *, latched: bool) -> bool:
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
    places = {rule.name: index for index, rule in enumerate(rules)}
    return tuple(_compiled(index, rule, places) for index, rule in enumerate(rules))


def _compiled(index: int, rule: Rule, places: Mapping[str, int]) -> Program:
    scope = FactScope(rule.each)
    expression = compile_expression(rule.expression, scope)
    return Program(
        index=index,
        rule=rule,
        expression=expression,
        needs=_amounts(rule.needs, scope),
        when=_amounts(rule.when, scope),
        unless=tuple(places[name] for name in rule.unless if name in places),
        summary=compile_sentence(rule.summary, scope),
        advice=compile_sentence(rule.advice, scope),
        crossed=_crossing(expression.evaluate, rule.threshold, falling=rule.falling),
    )


def _amounts(given: tuple[tuple[str, float], ...], scope: FactScope) -> Amounts:
    return tuple((compile_expression(text, scope).evaluate, least) for text, least in given)


def _all_met(amounts: Amounts, facts: Facts) -> bool | None:
    """Tell whether all are met; None when one is not available and no other decides."""
    met: bool | None = True
    for evaluate, least in amounts:
        amount = evaluate(facts)
        if amount is None:
            met = None
        elif not amount >= least:
            return False
    return met


def _crossing(evaluate: Evaluate, threshold: float, *, falling: bool) -> Callable[[Facts], bool]:
    def below(facts: Facts) -> bool:
        value = evaluate(facts)
        return value is not None and value < threshold

    def above(facts: Facts) -> bool:
        value = evaluate(facts)
        return value is not None and value > threshold

    return below if falling else above
