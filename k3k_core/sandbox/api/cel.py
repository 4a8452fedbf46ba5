"""The part of the Common Expression Language that validation rules of CRDs use.

Literals, field access, indexing, arithmetic, comparison, logic, `in`, the conditional operator, `has`, `size`, type
conversions, string functions, and the macros `all`, `exists`, `exists_one`, `filter`, `map`.
Source of the grammar: https://github.com/google/cel-spec/blob/master/doc/langdef.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Names = Mapping[str, Any]
Expression = Callable[[Names], Any]


class CelError(Exception):
    """An expression cannot be parsed or evaluated."""


_TOKENS = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d+|\d+)|(?P<string>r?"(?:\\.|[^"\\])*"|r?'(?:\\.|[^'\\])*')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}]))"""
)


def evaluate(text: str, names: Names) -> Any:
    """Evaluate an expression.

    Args:
        text: the expression.
        names: variables, e.g. `self` and `oldSelf`.

    Raises:
        CelError: it is malformed, or fails on these values.
    """
    try:
        return _parse(text)(names)
    except CelError:
        raise
    except KeyError as error:
        raise CelError(f"no such key: {error.args[0]}") from None
    except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise CelError(str(error)) from None


@lru_cache(maxsize=512)
def _parse(text: str) -> Expression:
    parser = _Parser(text)
    expression = parser.ternary()
    if parser.peek():
        raise CelError(f"unexpected token {parser.peek()!r}")
    return expression


def _unescape(token: str) -> str:
    if token.startswith("r"):
        return token[2:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), token[1:-1])


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _TOKENS.match(text, position)
            if match is None or match.lastgroup is None:
                raise CelError(f"syntax error at {text[position:]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise CelError("unexpected end of expression")
        self.position += 1
        return self.tokens[self.position - 1]

    def accept(self, *signs: str) -> str:
        if self.peek() in signs and self.tokens[self.position][0] in {"sign", "name"}:
            return self.take()[1]
        return ""

    def expect(self, sign: str) -> None:
        if self.take()[1] != sign:
            raise CelError(f"expected {sign!r}")

    def ternary(self) -> Expression:
        condition = self.either()
        if not self.accept("?"):
            return condition
        yes = self.ternary()
        self.expect(":")
        no = self.ternary()
        return lambda names: yes(names) if condition(names) else no(names)

    def either(self) -> Expression:
        left = self.both()
        while self.accept("||"):
            left = _logic(left, self.both(), stop=True)
        return left

    def both(self) -> Expression:
        left = self.relation()
        while self.accept("&&"):
            left = _logic(left, self.relation(), stop=False)
        return left

    def relation(self) -> Expression:
        left = self.sum()
        while sign := self.accept("==", "!=", "<", "<=", ">", ">=", "in"):
            left = _binary(sign, left, self.sum())
        return left

    def sum(self) -> Expression:
        left = self.product()
        while sign := self.accept("+", "-"):
            left = _binary(sign, left, self.product())
        return left

    def product(self) -> Expression:
        left = self.unary()
        while sign := self.accept("*", "/", "%"):
            left = _binary(sign, left, self.unary())
        return left

    def unary(self) -> Expression:
        if self.accept("!"):
            inner = self.unary()
            return lambda names: not inner(names)
        if self.accept("-"):
            inner = self.unary()
            return lambda names: -inner(names)
        return self.member()

    def member(self) -> Expression:
        value = self.primary()
        while True:
            if self.accept("."):
                name = self.take()[1]
                value = self._method(value, name) if self.accept("(") else _field(value, name)
            elif self.accept("["):
                value = _index(value, self.ternary())
                self.expect("]")
            else:
                return value

    def _method(self, target: Expression, name: str) -> Expression:
        if name in _MACROS:
            variable = self.take()[1]
            self.expect(",")
            body = self.ternary()
            self.expect(")")
            return lambda names: _MACROS[name](target(names), lambda item: body({**names, variable: item}))
        arguments = self._arguments(")")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise CelError(f"undeclared reference to '{name}'")
        return lambda names: function(target(names), *(argument(names) for argument in arguments))

    def _arguments(self, end: str) -> list[Expression]:
        found: list[Expression] = []
        while not self.accept(end):
            found.append(self.ternary())
            if not self.accept(","):
                self.expect(end)
                break
        return found

    def primary(self) -> Expression:
        kind, token = self.take()
        if kind == "number":
            number: Any = float(token) if "." in token else int(token)
            return lambda _: number
        if kind == "string":
            text = _unescape(token)
            return lambda _: text
        if token == "(":
            inner = self.ternary()
            self.expect(")")
            return inner
        if token == "[":
            items = self._arguments("]")
            return lambda names: [item(names) for item in items]
        if token == "{":
            return self._mapping()
        if kind == "name":
            return self._named(token)
        raise CelError(f"unexpected token {token!r}")

    def _mapping(self) -> Expression:
        pairs: list[tuple[Expression, Expression]] = []
        while not self.accept("}"):
            key = self.ternary()
            self.expect(":")
            pairs.append((key, self.ternary()))
            if not self.accept(","):
                self.expect("}")
                break
        return lambda names: {key(names): value(names) for key, value in pairs}

    def _named(self, name: str) -> Expression:
        constants = {"true": True, "false": False, "null": None}
        if name in constants:
            return lambda _: constants[name]
        if name == "has" and self.accept("("):
            inner = self.ternary()
            self.expect(")")
            return lambda names: _has(inner, names)
        if self.accept("("):
            arguments = self._arguments(")")
            function = _FUNCTIONS.get(name)
            if function is None:
                raise CelError(f"undeclared reference to '{name}'")
            return lambda names: function(*(argument(names) for argument in arguments))
        return lambda names: names[name]


def _has(inner: Expression, names: Names) -> bool:
    try:
        return inner(names) is not None
    except KeyError:
        return False


def _logic(left: Expression, right: Expression, *, stop: bool) -> Expression:
    """`&&` and `||`: an error on one side does not matter when the other side decides."""

    def run(names: Names) -> bool:
        try:
            first = bool(left(names))
        except (KeyError, TypeError, CelError):
            if bool(right(names)) == stop:
                return stop
            raise
        return stop if first == stop else bool(right(names))

    return run


def _binary(sign: str, left: Expression, right: Expression) -> Expression:
    operate = _OPERATORS[sign]
    return lambda names: operate(left(names), right(names))


def _field(value: Expression, name: str) -> Expression:
    return lambda names: value(names)[name]


def _index(value: Expression, index: Expression) -> Expression:
    return lambda names: value(names)[index(names)]


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return int(a / b)
    return a / b


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": lambda a, b: a % b,
}
_MACROS: dict[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "all": lambda items, test: all(test(item) for item in items),
    "exists": lambda items, test: any(test(item) for item in items),
    "exists_one": lambda items, test: sum(1 for item in items if test(item)) == 1,
    "filter": lambda items, test: [item for item in items if test(item)],
    "map": lambda items, make: [make(item) for item in items],
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": len,
    "startsWith": lambda text, start: text.startswith(start),
    "endsWith": lambda text, end: text.endswith(end),
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "lowerAscii": lambda text: text.lower(),
    "upperAscii": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "split": lambda text, separator: text.split(separator),
    "join": lambda items, separator="": separator.join(items),
    "replace": lambda text, old, new: text.replace(old, new),
    "indexOf": lambda value, part: value.find(part) if isinstance(value, str) else value.index(part),
    "substring": lambda text, start, end=None: text[start:end],
    "isSorted": lambda items: list(items) == sorted(items),
    "sum": sum,
    "min": min,
    "max": max,
    "int": int,
    "uint": int,
    "double": float,
    "string": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
    "bool": lambda value: value in (True, "true"),
    "type": lambda value: type(value).__name__,
    "dyn": lambda value: value,
}
