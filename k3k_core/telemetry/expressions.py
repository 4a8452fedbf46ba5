"""The expressions of verdict rules: arithmetic over signals, compiled once, with nothing of Python behind it.

    expression = term (("+" | "-") term)*
    term       = factor (("*" | "/") factor)*
    factor     = "-" factor | number | "(" expression ")" | function "(" arguments ")" | path
    path       = name ("." name)*
    function   = "min" | "max" | "default" (of expressions) | "sum" | "count" | "given" (of one path)

A path that is not available makes the whole expression unavailable (None), so does a division by zero. `default` is
the first of its arguments that is available, `sum` adds the values of a mapping, `count` counts what is in a
collection, `given` is 1 where there is a value or a text.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Evaluate = Callable[[Any], float | None]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<path>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
    r"|(?P<symbol>[-+*/(),]))",
    re.ASCII,
)
_LONGEST: Final = 500
_DEEPEST: Final = 20
_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_COLLECTION_FUNCTIONS: Final = ("sum", "count", "given")


class ExpressionError(ValueError):
    """An expression is not usable; the message says where and why."""


class Scope(Protocol):
    """What paths mean; each method raises ExpressionError for a path that means nothing."""

    def number(self, path: str) -> Callable[[Any], Any]:
        """Return a function from facts to a number, a truth value or None."""

    def collection(self, path: str) -> Callable[[Any], Any]:
        """Return a function from facts to a mapping, a tuple or None."""

    def anything(self, path: str) -> Callable[[Any], Any]:
        """Return a function from facts to whatever the path holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression.

    Attributes:
        text: its source.
        paths: every path it reads, in order of appearance.
        evaluate: from facts to its value; None when something it needs is not available.
    """

    text: str
    paths: tuple[str, ...]
    evaluate: Evaluate


def compile_expression(text: str, scope: Scope) -> Expression:
    """Compile an expression.

    Args:
        text: its source.
        scope: what its paths mean.

    Raises:
        ExpressionError: what is wrong with it, in one sentence.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(f"is longer than {_LONGEST} characters")
    parser = _Parser(text, scope)
    evaluate = parser.expression(0)
    if parser.kind:
        raise ExpressionError(f"does not go on at {parser.word!r}; an operator is missing")
    return Expression(text, tuple(dict.fromkeys(parser.paths)), evaluate)


class _Parser:
    """Recursive descent that builds closures on its way."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.paths: list[str] = []
        self._scope = scope
        self._tokens = _tokens(text)
        self._advance()

    def _advance(self) -> None:
        self.kind, self.word = next(self._tokens, ("", ""))

    def _take(self, symbol: str) -> None:
        if self.word != symbol:
            found = f", not {self.word!r}" if self.kind else ""
            raise ExpressionError(
                f"needs {symbol!r}{found}" if self.kind else f"ends where {symbol!r} belongs"
            )
        self._advance()

    def expression(self, depth: int) -> Evaluate:
        if depth > _DEEPEST:
            raise ExpressionError(f"nests deeper than {_DEEPEST} levels")
        left = self._term(depth)
        while self.kind == "symbol" and self.word in "+-":
            symbol = self.word
            self._advance()
            left = _combined(_OPERATORS[symbol], left, self._term(depth))
        return left

    def _term(self, depth: int) -> Evaluate:
        left = self._factor(depth)
        while self.kind == "symbol" and self.word in "*/":
            symbol = self.word
            self._advance()
            right = self._factor(depth)
            left = _combined(operator.mul, left, right) if symbol == "*" else _quotient(left, right)
        return left

    def _factor(self, depth: int) -> Evaluate:
        kind, word = self.kind, self.word
        if depth > _DEEPEST:
            raise ExpressionError(f"nests deeper than {_DEEPEST} levels")
        self._advance()
        if kind == "number":
            return _constant(float(word))
        if kind == "path":
            return self._call(word, depth) if self.word == "(" else self._path(word)
        if word == "-":
            return _combined(operator.sub, _constant(0.0), self._factor(depth + 1))
        if word == "(":
            inner = self.expression(depth + 1)
            self._take(")")
            return inner
        raise ExpressionError(f"has no value before {word!r}" if word else "ends where a value belongs")

    def _path(self, path: str) -> Evaluate:
        self.paths.append(path)
        return self._scope.number(path)

    def _call(self, name: str, depth: int) -> Evaluate:
        self._advance()
        if name in _COLLECTION_FUNCTIONS:
            path = self.word
            if self.kind != "path":
                raise ExpressionError(f"{name}() takes one path of a signal")
            self._advance()
            self._take(")")
            self.paths.append(path)
            return self._of_path(name, path)
        if name not in {"min", "max", "default"}:
            known = "min, max, default, sum, count and given"
            raise ExpressionError(f"knows no function {name!r}; there are {known}")
        arguments = [self.expression(depth + 1)]
        while self.word == ",":
            self._advance()
            arguments.append(self.expression(depth + 1))
        self._take(")")
        if name == "default":
            return _first_known(tuple(arguments))
        return _extreme(min if name == "min" else max, tuple(arguments))

    def _of_path(self, name: str, path: str) -> Evaluate:
        if name == "given":
            read = self._scope.anything(path)
            return lambda facts: _given(read(facts))
        read = self._scope.collection(path)
        measure: Callable[[Any], float] = len if name == "count" else _sum
        return lambda facts: None if (found := read(facts)) is None else measure(found)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(
                f"has something that does not belong there at {text[position:].strip()[:20]!r}"
            )
        position = match.end()
        yield str(match.lastgroup), match[str(match.lastgroup)]


def _sum(found: Any) -> float:
    return float(sum(found.values() if hasattr(found, "values") else found))


def _given(found: Any) -> float:
    if found is None:
        return 0.0
    return float(len(found) > 0) if isinstance(found, str | tuple | Mapping) else 1.0


def _constant(number: float) -> Evaluate:
    return lambda _facts: number


def _combined(operation: Callable[[float, float], float], left: Evaluate, right: Evaluate) -> Evaluate:
    def run(facts: Any) -> float | None:
        first = left(facts)
        if first is None:
            return None
        second = right(facts)
        return None if second is None else operation(first, second)

    return run


def _quotient(left: Evaluate, right: Evaluate) -> Evaluate:
    def run(facts: Any) -> float | None:
        divisor = right(facts)
        if not divisor:
            return None
        dividend = left(facts)
        return None if dividend is None else dividend / divisor

    return run


def _extreme(choose: Callable[..., float], arguments: tuple[Evaluate, ...]) -> Evaluate:
    def run(facts: Any) -> float | None:
        values = [argument(facts) for argument in arguments]
        known = [value for value in values if value is not None]
        return choose(known) if len(known) == len(values) else None

    return run


def _first_known(arguments: tuple[Evaluate, ...]) -> Evaluate:
    def run(facts: Any) -> float | None:
        for argument in arguments:
            value = argument(facts)
            if value is not None:
                return value
        return None

    return run
