"""Verdict rules: data from one file, checked whole, with a user's own thresholds on top."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from k3k_core.telemetry.facts import Each
from k3k_core.telemetry.judgement import Severity, Verdict


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that belong together.

    Attributes:
        name: such as "datastore".
        title: heading for people.
        absent: why its signals may not be there, one sentence.
        datastores: kinds of datastore it is about; empty for all.
    """

    name: str
    title: str
    absent: str
    datastores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One verdict rule.

    The condition is a Schmitt trigger: it comes on when the value goes beyond `threshold`, and off when it is back
    at `clear`. The rule fires when the condition has been on for `hold`, and stops when it has been off for
    `clear_for`.

    Attributes:
        name: unique, CamelCase.
        group: what it belongs to.
        severity: how urgent it is.
        verdict: what the control plane is while it fires; Healthy for mere information.
        each: kind of thing it looks at one by one; "" for the whole control plane.
        expression: value that is compared, over signals.
        threshold: beyond it the condition comes on.
        clear: back at it the condition goes off.
        falling: whether beyond means below.
        hold: seconds the condition must be on before the rule fires.
        clear_for: seconds the condition must be off before the rule stops firing.
        keep: seconds a state is kept while the value is not available.
        quiet_for: seconds the condition must be on before it is listed as pending.
        bridge: seconds of the condition being off that do not start `hold` anew; for values that come in bursts.
        needs: expressions and the least each must be before a value beyond the threshold is believed.
        when: expressions and the least each must be for the rule to apply; otherwise its condition is off.
        ignore_while: verdicts of the host in which the rule does not count.
        unless: rules that say the same with more weight: while one fires for the same thing, this one is not listed,
            and once it stops, this one takes over without a hold of its own.
        unit: unit of value and thresholds.
        absent: why its value may not be there; empty where the group's reason fits.
        summary: one sentence with placeholders: {value}, {threshold}, {subject}, {PATH} or {PATH:UNIT}.
        advice: one sentence: what to do.
    """

    name: str
    group: Group
    severity: Severity
    verdict: Verdict
    expression: str
    threshold: float
    clear: float
    summary: str
    advice: str
    each: Each = ""
    falling: bool = False
    hold: float = 0.0
    clear_for: float = 0.0
    keep: float = 300.0
    quiet_for: float = 0.0
    bridge: float = 0.0
    needs: tuple[tuple[str, float], ...] = ()
    when: tuple[tuple[str, float], ...] = ()
    ignore_while: tuple[Verdict, ...] = ()
    unless: tuple[str, ...] = ()
    unit: str = ""
    absent: str = ""


SHIPPED: Final = "rules.yaml"


def load_rules(text: str | None = None, *, source: str = "rules file") -> tuple[Rule, ...]:
    """Return the shipped rules, with a user's changes where there are any.

    Args:
        text: a rules file of the user's: what it says of a shipped rule replaces that, `enabled: false` switches
            one off, and whole rules may be added; None for the shipped rules alone.
        source: what to call that text in errors.

    Raises:
        UsageError: the text is not usable; the message lists every problem with its path.
    """
    if text is None:
        return _shipped()
    from k3k_core.telemetry.rule_files import merge, parse

    return merge(shipped_data(), parse(text, source), source)


@cache
def _shipped() -> tuple[Rule, ...]:
    from k3k_core.telemetry.rule_files import merge

    return merge(shipped_data(), {}, SHIPPED)


@cache
def shipped_data() -> dict[str, Any]:
    """Return the shipped rules as the file holds them."""
    from k3k_core.telemetry.rule_files import parse

    return parse((resources.files("k3k_core.telemetry") / SHIPPED).read_text(encoding="utf-8"), SHIPPED)
