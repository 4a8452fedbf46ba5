"""What each rule sees at one moment, for explaining: fine, beyond its threshold, or not to be told, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from k3k_core.telemetry.facts import STALE_AFTER, Facts, gather, items_of
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.paths import FactScope
from k3k_core.telemetry.programs import Outlook, Program, compile_rules
from k3k_core.telemetry.rules import Rule
from k3k_core.telemetry.sentences import describe
from k3k_core.telemetry.signals.model import Signals

Outcome = Literal["fine", "beyond", "unchecked", "ignored", "inapplicable"]


# Groups of rules that can be checked though no server answered, and those for which no page is needed.
_WITHOUT_SERVERS: Final = frozenset({"host", "certificates"})
_WITHOUT_PAGES: Final = frozenset({"reach", "monitoring"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one rule sees.

    Attributes:
        rule: the rule.
        outcome: "fine", "beyond" its threshold, "unchecked" when its value is not available, "ignored" because of what
            the host says, or "inapplicable" to its kind of datastore.
        value: the value, the worst one of several things; None when unchecked.
        subject: the thing with that value; empty for the whole control plane.
        reason: why it is neither fine nor beyond; empty otherwise.
        missing: paths of the signals that are not available.
    """

    rule: Rule
    outcome: Outcome
    value: float | None = None
    subject: str = ""
    reason: str = ""
    missing: tuple[str, ...] = ()


def survey(
    rules: tuple[Rule, ...],
    signals: Signals | None,
    *,
    base: Verdict,
    base_reason: str,
    at: float,
    datastore: str = "",
) -> tuple[Sighting, ...]:
    """Return what each rule sees, in the order of the rules.

    Args:
        rules: the rules.
        signals: the newest ones, None when nothing was measured.
        base: the verdict of the host's objects.
        base_reason: why, one sentence.
        at: now, seconds since 1970.
        datastore: kind of datastore as the host says; empty to take it from the signals.
    """
    facts = gather(signals, base=base, base_reason=base_reason, at=at, reached_before=False)
    kind = datastore or (signals.datastore.kind if signals else "")
    found = (_sighting(program, facts, signals, base) for program in compile_rules(rules))
    honest = (_without_evidence(sighting, facts, signals) for sighting in found)
    return tuple(_for_datastore(sighting, kind) for sighting in honest)


def _without_evidence(sighting: Sighting, facts: Facts, signals: Signals | None) -> Sighting:
    """Take back a "fine" that only means that nobody answered."""
    group = sighting.rule.group.name
    if sighting.outcome != "fine" or group in _WITHOUT_SERVERS:
        return sighting
    if unmeasured(signals, at=facts.at) or (facts.reach.pages == 0 and group not in _WITHOUT_PAGES):
        return Sighting(sighting.rule, "unchecked", reason=_why(sighting.rule, facts, signals))
    return sighting


def _for_datastore(sighting: Sighting, kind: str) -> Sighting:
    wanted = sighting.rule.group.datastores
    if sighting.outcome != "unchecked" or not wanted or not kind or kind in wanted:
        return sighting
    return replace(sighting, outcome="inapplicable", reason=f"does not apply to its datastore ({kind})")


def unmeasured(signals: Signals | None, *, at: float) -> str:
    """Return why a verdict rests on the host's word alone, empty when a server answered of late.

    Args:
        signals: the newest ones, None when nothing was measured.
        at: now, seconds since 1970.
    """
    if signals is None:
        return "nothing was measured"
    if at - signals.at > STALE_AFTER:
        return "the last round was too long ago"
    if not signals.servers:
        return "no server was asked"
    errors = [server.error for server in signals.servers]
    return f"no server answered: {describe(errors[0], '')}" if all(errors) else ""


def _sighting(program: Program, facts: Facts, signals: Signals | None, base: Verdict) -> Sighting:
    rule = program.rule
    if base in rule.ignore_while:
        return Sighting(rule, "ignored", reason=f"does not count while it is {base}")
    items = items_of(rule.each, facts) if rule.each else (("", None),)
    if items is None:
        return Sighting(rule, "unchecked", reason=_why(rule, facts, signals))
    if not items:
        # A rule about things that only exist when they are wrong.
        return Sighting(rule, "fine")
    found: Sighting | None = None
    worst = math.inf if rule.falling else -math.inf
    missing: tuple[str, ...] = ()
    for subject, item in items:
        facts.item = item
        outlook, value = program.look(facts, latched=False)
        if math.isnan(value):
            missing = missing or _missing(program, facts)
        elif found is None or (value < worst if rule.falling else value > worst):
            worst = value
            found = _seen(rule, outlook, value, subject)
    return found or Sighting(rule, "unchecked", reason=_why(rule, facts, signals), missing=missing)


def _seen(rule: Rule, outlook: Outlook, value: float, subject: str) -> Sighting:
    if outlook == "unknown":
        return Sighting(rule, "unchecked", float(value), subject, "too little happened in the window to say")
    return Sighting(rule, "beyond" if outlook == "on" else "fine", float(value), subject)


def _missing(program: Program, facts: Facts) -> tuple[str, ...]:
    scope = FactScope(program.rule.each)
    return tuple(path for path in program.expression.paths if scope.anything(path)(facts) is None)


def _why(rule: Rule, facts: Facts, signals: Signals | None) -> str:
    if rule.group.name == "host":
        return rule.group.absent
    if rule.group.name not in _WITHOUT_SERVERS and (nobody := unmeasured(signals, at=facts.at)):
        return nobody
    if facts.reach.pages == 0 and rule.group.name not in {"reach", "certificates"}:
        return f"no metrics could be read: {describe(facts.reach.page_error or facts.reach.error, '')}"
    if facts.window is None and rule.group.name not in {"reach", "certificates", "process"}:
        return "there is nothing to compare with yet, since only one page was read"
    return rule.absent or rule.group.absent
