"""The engine behind verdicts: it remembers since when each rule's condition holds, and never flaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from k3k_core.telemetry.facts import Each, Facts, Items, gather, items_of
from k3k_core.telemetry.judgement import Finding, Judgement, Verdict
from k3k_core.telemetry.programs import Program, compile_rules
from k3k_core.telemetry.rules import Rule
from k3k_core.telemetry.signals.model import Signals

# What the host's objects say stands above whatever is measured.
_HOST_DECIDES: Final[frozenset[Verdict]] = frozenset({"Progressing", "Paused", "Expired"})
_RANK: Final[Mapping[Verdict, int]] = {"Down": 3, "Degraded": 2, "Unknown": 1}
_SEVERITY_RANK: Final = {"critical": 0, "warning": 1, "info": 2}
# A rule that fires for more things than this is one problem, not many.
_MOST_SUBJECTS: Final = 20

_Key = tuple[int, str]


@dataclass(slots=True)
class Condition:
    """A condition that is on, or was until not long ago.

    Attributes:
        finding: what to say of it, with the values of when it was last on.
        seen: when its value was last available.
        on: when it was last on.
        off: since when it has been off without a break; None while it is on.
        firing: whether its rule fires.
    """

    finding: Finding
    seen: float
    on: float
    off: float | None = None
    firing: bool = False

    def shift(self, seconds: float) -> None:
        """Move all its times: the clock was set."""
        self.finding = replace(self.finding, since=self.finding.since + seconds)
        self.seen += seconds
        self.on += seconds
        if self.off is not None:
            self.off += seconds


class Judge:
    """State of one control plane: which conditions hold since when.

    Args:
        rules: the rules to judge by; judges with the same tuple share what is compiled of it.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._programs = compile_rules(rules)
        self._conditions: dict[_Key, Condition] = {}
        self._verdict: Verdict | None = None
        self._since = 0.0
        self._at = 0.0
        self._reached = False
        # Time of signals that are dated later than now, and when they were seen to be.
        self._ahead = (0.0, 0.0)

    def judge(self, signals: Signals | None, *, base: Verdict, base_reason: str = "", at: float) -> Judgement:
        """Take in what is known now and return the verdict.

        A control plane that the host shows ready and that cannot be reached from here is Degraded when it could be
        reached before, and Unknown when it never could: from a place without a route to it nothing is known of how
        it serves. It is Down only when no server answers that it is ready and the host shows none ready either, or when
        servers answer that they are not ready.

        Args:
            signals: the newest signals, None when nothing was measured; the ones of an earlier call may be given again.
            base: the verdict of the host's objects; Progressing, Paused and Expired stand whatever is measured.
            base_reason: why, one sentence.
            at: now, seconds since 1970.
        """
        self._keep_time(at)
        signals = self._dated(signals, at)
        facts = gather(signals, base=base, base_reason=base_reason, at=at, reached_before=self._reached)
        self._reached = facts.reach.before
        collected: dict[Each, Items | None] = {}
        for program in self._programs:
            rule = program.rule
            if base in rule.ignore_while:
                self._forget(program.index)
            elif not rule.each:
                if (program.index, "") in self._conditions or program.crossed(facts):
                    self._step(program, "", facts, at)
            else:
                if rule.each not in collected:
                    collected[rule.each] = items_of(rule.each, facts)
                self._step_each(program, collected[rule.each], facts, at)
        return self._judgement(facts, base, at)

    def _keep_time(self, at: float) -> None:
        if at < self._at:
            # The clock was set back: holding times go on as they were.
            for condition in self._conditions.values():
                condition.shift(at - self._at)
            self._since += at - self._at
            self._ahead = (self._ahead[0], self._ahead[1] + at - self._at)
        self._at = at

    def _dated(self, signals: Signals | None, at: float) -> Signals | None:
        """Let signals from before the clock was set back grow old from now on, not only when it has caught up."""
        if signals is None or signals.at <= at:
            return signals
        if signals.at != self._ahead[0]:
            self._ahead = (signals.at, at)
        return replace(signals, at=self._ahead[1])

    def _forget(self, index: int) -> None:
        for key in [key for key in self._conditions if key[0] == index]:
            del self._conditions[key]

    def _step_each(self, program: Program, items: Items | None, facts: Facts, at: float) -> None:
        index = program.index
        known = [subject for other, subject in self._conditions if other == index] if self._conditions else []
        crossed = program.crossed
        for subject, item in items or ():
            facts.item = item
            if crossed(facts) or (known and subject in known):
                self._step(program, subject, facts, at)
        if not known:
            return
        here = {subject for subject, _ in items or ()}
        for subject in known:
            if subject not in here:
                # What is no longer there has no such condition; unless nothing is known of any of them.
                self._settle(program, (index, subject), at, known=items is not None)

    def _step(self, program: Program, subject: str, facts: Facts, at: float) -> None:
        key = (program.index, subject)
        condition = self._conditions.get(key)
        outlook, value = program.look(facts, latched=condition is not None and condition.off is None)
        if outlook != "on":
            if condition is not None:
                self._settle(program, key, at, known=outlook == "off")
            return
        if condition is None:
            condition = Condition(program.finding(facts, subject, value, at), at, at)
            self._conditions[key] = condition
        else:
            lost = at - condition.seen > program.rule.keep and not condition.firing
            since = at if lost else condition.finding.since
            condition.finding = program.finding(facts, subject, value, since)
            condition.seen = condition.on = at
            condition.off = None
        if at - condition.finding.since >= program.rule.hold or self._outweighed(program, subject):
            condition.firing = True

    def _outweighed(self, program: Program, subject: str) -> bool:
        """Tell whether a weightier rule fires for the same thing."""
        return any(
            (outweighing := self._conditions.get((index, subject))) is not None and outweighing.firing
            for index in program.unless
        )

    def _settle(self, program: Program, key: _Key, at: float, *, known: bool) -> None:
        """Treat a condition that is not on: it is off, or its value is not available."""
        condition, rule = self._conditions[key], program.rule
        if not known:
            if at - condition.seen > rule.keep:
                del self._conditions[key]
            return
        condition.seen = at
        if not condition.firing:
            if at - condition.on >= rule.bridge:
                del self._conditions[key]
            return
        if condition.off is None:
            condition.off = at
        if at - condition.off >= rule.clear_for:
            del self._conditions[key]

    def _judgement(self, facts: Facts, base: Verdict, at: float) -> Judgement:
        firing, pending = self._listed()
        measured: Verdict = firing[0].verdict if firing else "Healthy"
        verdict: Verdict
        if base in _HOST_DECIDES:
            verdict = base
        elif _rank(measured):
            verdict = measured
        else:
            verdict = "Unknown" if base == "Unknown" and not facts.reach.ready else "Healthy"
        if verdict != self._verdict:
            self._verdict, self._since = verdict, at
        own = _host_finding(verdict, facts, self._since)
        return Judgement(verdict, self._since, own + firing, pending)

    def _listed(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        if not self._conditions:
            return (), ()
        shown = [
            (index, condition)
            for (index, subject), condition in self._conditions.items()
            if not self._outweighed(self._programs[index], subject)
        ]
        firing = ((index, condition.finding) for index, condition in shown if condition.firing)
        # A condition that is off for the moment is pending only in that it may come back.
        pending = (
            (index, condition.finding)
            for index, condition in shown
            if not condition.firing and condition.on == condition.seen and self._is_told(index, condition)
        )
        return _worst_first(firing), _worst_first(pending)

    def _is_told(self, index: int, condition: Condition) -> bool:
        """Tell whether a pending condition has been on for long enough to be worth a word."""
        return condition.seen - condition.finding.since >= self._programs[index].rule.quiet_for

    def to_dict(self) -> dict[str, Any]:
        """Return the state, as JSON can hold it."""
        return {
            "version": 1,
            "verdict": self._verdict,
            "since": self._since,
            "at": self._at,
            "reached": self._reached,
            "conditions": [
                {
                    "finding": condition.finding.to_dict(),
                    "seen": condition.seen,
                    "on": condition.on,
                    "off": condition.off,
                    "firing": condition.firing,
                }
                for condition in self._conditions.values()
            ],
        }

    @classmethod
    def from_dict(cls, rules: tuple[Rule, ...], state: Mapping[str, Any]) -> Judge:
        """Return a judge that goes on where another stopped.

        Args:
            rules: the rules; conditions of rules that are gone are dropped.
            state: what `to_dict` returned.

        Raises:
            K3kError: it is not such a state.
        """
        from k3k_core.telemetry.judge_state import read_state

        judge = cls(rules)
        known = read_state(state)
        judge._verdict, judge._since = known.verdict, known.since
        judge._at, judge._reached = known.at, known.reached
        index = {program.rule.name: program.index for program in judge._programs}
        for condition in known.conditions:
            place = index.get(condition.finding.rule)
            if place is not None:
                judge._conditions[place, condition.finding.subject] = condition
        return judge


def _rank(verdict: Verdict) -> int:
    return _RANK.get(verdict, 0)


def _worst_first(found: Iterable[tuple[int, Finding]]) -> tuple[Finding, ...]:
    def order(entry: tuple[int, Finding]) -> tuple[int, int, int, float, str]:
        index, finding = entry
        rising = -abs(finding.value)
        return -_rank(finding.verdict), _SEVERITY_RANK[finding.severity], index, rising, finding.subject

    counted: dict[int, int] = {}
    kept = []
    for index, finding in sorted(found, key=order):
        counted[index] = counted.get(index, 0) + 1
        if counted[index] <= _MOST_SUBJECTS:
            kept.append(finding)
    return tuple(kept)


_HOST_ADVICE: Final[Mapping[Verdict, str]] = {
    "Progressing": "Wait, or look at the events of the server pods if it takes longer than a few minutes.",
    "Paused": "Run `k3k resume` to start its servers again.",
    "Expired": "Run `k3k prune` to delete it, or `k3k ttl` to give it a later end if it is still needed.",
    "Unknown": "Check that the host answers with `k3k hosts`, and that this place can reach the control plane.",
}


def _host_finding(verdict: Verdict, facts: Facts, since: float) -> tuple[Finding, ...]:
    """Say why a verdict stands that no rule gave."""
    if verdict not in _HOST_ADVICE or (verdict == "Unknown" and facts.host.ready is not None):
        return ()
    reason = facts.host.reason or (
        "neither its host nor a probe says anything of it" if verdict == "Unknown" else ""
    )
    summary = (reason[:1].upper() + reason[1:] or f"The host says that it is {verdict}").rstrip(". ") + "."
    return (
        Finding(f"Host{verdict}", "info", verdict, "", 0.0, "", 0.0, since, summary, _HOST_ADVICE[verdict]),
    )
