"""Reading rules files: YAML to rules, every problem reported at once with its path."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from k3k_core.errors import Issue, UsageError
from k3k_core.nesting import nested_too_deeply
from k3k_core.telemetry.expressions import ExpressionError, compile_expression
from k3k_core.telemetry.facts import Each
from k3k_core.telemetry.judgement import Severity, Verdict
from k3k_core.telemetry.paths import FactScope
from k3k_core.telemetry.quantities import UNITS, parse_duration
from k3k_core.telemetry.rules import Group, Rule
from k3k_core.telemetry.sentences import compile_sentence

_BIGGEST: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]{2,63}", re.ASCII)
_SEVERITIES: Final = get_args(Severity)
_KINDS: Final = get_args(Each)
_VERDICTS: Final = get_args(Verdict)
# What a rule of each severity may make of a control plane.
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "info": ("Healthy", "Unknown"),
    "warning": ("Degraded", "Unknown"),
    "critical": ("Degraded", "Down"),
}
_REQUIRED: Final = ("group", "severity", "verdict", "expression", "summary", "advice")
_HINT: Final = "docs/verdicts.md describes rules files."


def parse(text: str, source: str) -> dict[str, Any]:
    """Return what a rules file holds.

    Args:
        text: YAML.
        source: what to call it in errors.

    Raises:
        UsageError: it is no YAML, too big, or no mapping.
    """
    import yaml

    if len(text) > _BIGGEST:
        raise UsageError(f"{source}: larger than 1 MiB", hint=_HINT)
    loader = _loader()
    try:
        if nested_too_deeply(text, loader=loader, limit=10):
            raise UsageError(f"{source}: nests deeper than a rules file does", hint=_HINT)
        # The loader derives from the safe one.
        data = yaml.load(text, Loader=loader)  # noqa: S506
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{source}: {_yaml_problem(error)}", hint=_HINT) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{source}: holds no mapping; it begins with `rules:`", hint=_HINT)
    return data


def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def mapping(self: Any, node: Any) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a name is no text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{str(key.value)[:40]!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return dict(self.construct_pairs(node, deep=True))

    loader: Any = type("_RulesLoader", (base,), {})
    loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return loader


def _yaml_problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "is no YAML").strip()
    return f"line {mark.line + 1}: {problem}" if mark else problem


def merge(shipped: Mapping[str, Any], changes: Mapping[str, Any], source: str) -> tuple[Rule, ...]:
    """Return the rules that hold when a user's changes are laid over the shipped ones.

    Args:
        shipped: what the shipped file holds.
        changes: what the user's file holds.
        source: what to call the user's file in errors.

    Raises:
        UsageError: with every problem.
    """
    problems: list[Issue] = []
    for key in changes:
        if key != "rules":
            problems.append(Issue(_text(key), "is not known here", "a rules file holds `rules:` alone"))
    groups = {
        name: Group(name, one["title"], one["absent"], tuple(one.get("datastores", ())))
        for name, one in shipped["groups"].items()
    }
    wanted: dict[str, Any] = dict(shipped["rules"])
    changed = changes.get("rules")
    if not isinstance(changed, Mapping) and changed is not None:
        problems.append(Issue("rules", "is no mapping", "write `RuleName: {above: 2}`"))
        changed = None
    for name, fields in (changed or {}).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            problems.append(Issue(f"rules.{_text(name)}", "is no name of a rule", "names are CamelCase"))
        elif not isinstance(fields, Mapping):
            problems.append(
                Issue(f"rules.{name}", "is no mapping", "write `{above: 2}` or `{enabled: false}`")
            )
        else:
            wanted[name] = _overlay(wanted.get(name), fields)
    rules = [
        rule
        for name, fields in wanted.items()
        if (rule := _Reader(name, fields, groups, frozenset(wanted), problems).rule()) is not None
    ]
    if problems:
        raise _refusal(problems, source)
    return tuple(rules)


def _overlay(shipped: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    if shipped is None:
        return dict(changes)
    kept = dict(shipped)
    if {"above", "below"} & changes.keys():
        # A threshold alone moves: its clear threshold keeps its distance, unless it is given too.
        side = "above" if "above" in kept else "below"
        old, new = kept.get(side), changes.get(side)
        if "clear" not in changes and "clear" in kept:
            moved = _number(new) and _number(old) and old
            kept["clear"] = kept["clear"] * new / old if moved else new
        if side not in changes:
            kept.pop(side, None)
    return kept | dict(changes)


def _refusal(problems: list[Issue], source: str) -> UsageError:
    lines = "\n".join(f"  {problem}" for problem in problems)
    count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
    return UsageError(f"{source}: {count}\n{lines}", hint=_HINT)


def _text(value: object) -> str:
    return re.sub(r"[^ -~]", "?", str(value))[:60] if isinstance(value, str | int | float) else "?"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(slots=True)
class _Reader:
    """Turns one entry of a rules file into a rule, and notes what is wrong with it."""

    name: str
    fields: Mapping[str, Any]
    groups: Mapping[str, Group]
    names: frozenset[str]
    problems: list[Issue]
    known: set[str] = dataclasses.field(default_factory=set)
    sound: bool = True

    def rule(self) -> Rule | None:
        """Return the rule; None when it is switched off or wrong."""
        enabled = self._get("enabled", True)
        if not isinstance(enabled, bool):
            self._problem("enabled", "is no truth value", "write true or false")
        for required in _REQUIRED:
            if required not in self.fields:
                self._problem(required, "is missing")
        each = self._one_of("each", _KINDS, "")
        threshold, clear, falling = self._thresholds()
        severity = self._one_of("severity", _SEVERITIES, "info")
        rule = Rule(
            name=self.name,
            group=self.groups.get(self._one_of("group", tuple(self.groups), ""), Group("", "", "")),
            severity=severity,
            verdict=self._one_of("verdict", _ALLOWED.get(severity, ()), "Healthy"),
            each=each,
            expression=self._expression("expression", self._get("expression", "0"), each),
            threshold=threshold,
            clear=clear,
            falling=falling,
            hold=self._duration("for", 0.0),
            clear_for=self._duration("clear_for", 0.0),
            keep=self._duration("keep", 300.0),
            quiet_for=self._duration("quiet_for", 0.0),
            bridge=self._duration("bridge", 0.0),
            needs=self._amounts("needs", each),
            when=self._amounts("when", each),
            ignore_while=self._several("ignore_while", _VERDICTS),
            unless=self._several("unless", tuple(self.names)),
            unit=self._one_of("unit", UNITS, ""),
            absent=self._plain("absent"),
            summary=self._sentence("summary", each),
            advice=self._sentence("advice", each),
        )
        for key in self.fields:
            if key not in self.known:
                self._problem(_text(key), "is not known", "there are " + ", ".join(sorted(self.known)))
        return rule if self.sound and enabled else None

    def _get(self, key: str, default: Any) -> Any:
        self.known.add(key)
        return self.fields.get(key, default)

    def _problem(self, key: str, problem: str, remedy: str = "") -> None:
        self.sound = False
        self.problems.append(Issue(f"rules.{self.name}.{key}", problem, remedy))

    def _one_of(self, key: str, allowed: tuple[str, ...], default: str) -> Any:
        value = self._get(key, default)
        if value not in allowed and (key in self.fields or value != default):
            choices = ", ".join(one for one in allowed if one)
            self._problem(key, f"is {_text(value)!r}", f"one of {choices}")
            return default
        return value

    def _several(self, key: str, allowed: tuple[str, ...]) -> tuple[Any, ...]:
        values = self._get(key, [])
        if not isinstance(values, list):
            self._problem(key, "is no list")
            return ()
        for value in values:
            if value not in allowed:
                self._problem(key, f"holds {_text(value)!r}, which is not known")
        return tuple(value for value in values if isinstance(value, str))

    def _thresholds(self) -> tuple[float, float, bool]:
        above, below = self._get("above", None), self._get("below", None)
        if (above is None) == (below is None):
            self._problem("above", "needs a number, or `below` does", "give exactly one of the two")
            return 0.0, 0.0, False
        side, threshold = ("below", below) if above is None else ("above", above)
        clear = self._get("clear", threshold)
        for key, value in ((side, threshold), ("clear", clear)):
            if not _number(value):
                self._problem(key, "is no number")
                return 0.0, 0.0, False
        falling = above is None
        if (clear < threshold) if falling else (clear > threshold):
            self._problem(
                "clear", f"{clear:g} lies beyond the threshold {threshold:g}", "it lies on the good side"
            )
        return float(threshold), float(clear), falling

    def _duration(self, key: str, default: float) -> float:
        try:
            return parse_duration(self._get(key, default))
        except ValueError as error:
            self._problem(key, str(error))
            return default

    def _expression(self, key: str, text: object, each: Each) -> str:
        # A number alone is an expression too.
        text = str(text) if _number(text) else text
        if not isinstance(text, str):
            self._problem(key, "is no expression")
            return "0"
        self._checked(key, lambda: compile_expression(text, FactScope(each)))
        return text

    def _amounts(self, field: str, each: Each) -> tuple[tuple[str, float], ...]:
        amounts = self._get(field, {})
        if not isinstance(amounts, Mapping):
            self._problem(field, "is no mapping", "write `{api.requests: 20}`")
            return ()
        for text, least in amounts.items():
            key = f"{field}.{_text(text)}"
            self._expression(key, text, each)
            if not _number(least):
                self._problem(key, "is no number")
        return tuple((str(text), float(least)) for text, least in amounts.items() if _number(least))

    def _plain(self, key: str) -> str:
        text = self._get(key, "")
        if not isinstance(text, str):
            self._problem(key, "is no text")
            return ""
        return text

    def _sentence(self, key: str, each: Each) -> str:
        text = self._get(key, "")
        if not isinstance(text, str) or (key in self.fields and not text.strip()):
            self._problem(key, "is no sentence")
            return ""
        self._checked(key, lambda: compile_sentence(text, FactScope(each)))
        return text.strip()

    def _checked(self, key: str, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except ExpressionError as error:
            self._problem(key, str(error))
