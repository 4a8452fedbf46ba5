"""Which series and labels a PromQL expression uses; promtool checks the rest of its syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<variable>\$\{?\w+\}?)
    | (?P<range>\[[^\]]*\])
    | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<number>[0-9][0-9a-zA-Z.]*)
    | (?P<other>=~|!~|!=|==|>=|<=|\S)""",
    re.VERBOSE,
)
_GROUPING = frozenset(["by", "without", "on", "ignoring", "group_left", "group_right"])
_WORDS = frozenset(["and", "or", "unless", "bool", "offset", "inf", "nan", "Inf", "NaN"])


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector of an expression.

    Attributes:
        series: name of the series.
        matchers: label, operator and value of each matcher.
    """

    series: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """Names of the labels it looks at."""
        return frozenset(label for label, _, _ in self.matchers)


@dataclass(frozen=True, slots=True)
class Used:
    """What an expression uses.

    Attributes:
        selectors: in the order in which they stand.
        grouping: labels named by `by`, `on` and the like.
    """

    selectors: tuple[Selector, ...]
    grouping: frozenset[str]


def used(expression: str) -> Used:
    """Return the series and the labels that an expression uses.

    Args:
        expression: PromQL; variables of Grafana may stand in ranges and texts.
    """
    tokens = [
        (str(found.lastgroup), found[0])
        for found in _TOKEN.finditer(expression)
        if found.lastgroup not in {"range", "variable"}
    ]
    selectors: list[Selector] = []
    grouping: set[str] = set()
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        position += 1
        if kind != "name" or text in _WORDS:
            continue
        if text in _GROUPING:
            if following == "(":
                labels, position = _until(tokens, position + 1, ")")
                grouping |= {word for kind, word in labels if kind == "name"}
        elif following == "{":
            inside, position = _until(tokens, position + 1, "}")
            selectors.append(Selector(text, _matchers(inside)))
        elif following != "(" and not _aggregates(following):
            selectors.append(Selector(text))
    return Used(tuple(selectors), frozenset(grouping))


def _aggregates(following: str) -> bool:
    return following in {"by", "without"}


def _until(tokens: list[tuple[str, str]], start: int, end: str) -> tuple[list[tuple[str, str]], int]:
    stop = next(place for place in range(start, len(tokens)) if tokens[place][1] == end)
    return tokens[start:stop], stop + 1


def _matchers(tokens: list[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    parts = [text for kind, text in tokens if text != ","]
    return tuple(
        (label, operator, value[1:-1])
        for label, operator, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )
