"""Comparisons of a field with what somebody typed, made into tests of a row."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from k3k_tui.view.amounts import parse_amount
from k3k_tui.view.fields import (
    Comparison,
    Field,
    NumberField,
    StateField,
    TextField,
    VersionField,
    find_field,
)
from k3k_tui.view.patterns import compile_pattern
from k3k_tui.view.words import FilterError, Word

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

# Takes a row and the current time, seconds since 1970.
Test: TypeAlias = "Callable[[FleetRow, float], bool]"

# Stands for a value that is not known.
NONE: Final = "none"
_ORDERS: Final[Mapping[Comparison, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_VERSION: Final = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9}){0,2})(?:-((?:alpha|beta|rc)\d*))?(?:[+-]k3s(\d{1,9}))?", re.ASCII
)
# Differences between equal amounts that come from their being written in another unit.
_CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison, read.

    Attributes:
        test: tells whether a row fulfils it.
        timed: whether time alone can change that.
    """

    test: Test
    timed: bool = False


def condition(field: Field, sign: Comparison, value: Word) -> Condition:
    """Return a comparison as a test.

    Args:
        field: what is compared.
        sign: how.
        value: with what; commas part alternatives, outside quotes.

    Raises:
        FilterError: the field cannot be compared so.
    """
    if isinstance(field, NumberField):
        return _number(field, sign, value)
    if isinstance(field, VersionField):
        return _version(field, sign, value)
    if isinstance(field, StateField):
        return _state(field, sign, value)
    return _text(field, sign, value)


def _alternatives(value: Word) -> Sequence[Word]:
    """Part a value at its commas."""
    parts: list[Word] = []
    start = 0
    for at, char in enumerate(value.text):
        if char == "," and at < value.bare:
            parts.append(Word(value.text[start:at], value.start + start, at - start))
            start = at + 1
    return [*parts, Word(value.text[start:], value.start + start, value.bare - start)]


def _either(tests: Sequence[Callable[[str], bool]]) -> Callable[[str], bool]:
    return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)


def _refused(field: Field, sign: Comparison, value: Word, instead: str) -> FilterError:
    return FilterError(f"{field.name} cannot be compared with {sign}.", instead, value.start - len(sign))


def _text(field: TextField, sign: Comparison, value: Word) -> Condition:
    if sign in _ORDERS:
        raise _refused(
            field, sign, value, f"Write {field.name}:TEXT, {field.name}=TEXT or {field.name}~PATTERN."
        )
    read = field.read
    if sign == "~":
        pattern = compile_pattern(value.text, value.start)
        return Condition(lambda row, _now: any(pattern.search(text) for text in read(row)))
    if field.known and sign == ":":
        _check_known(field, value)
    fits = _either([_text_test(part, whole=sign != ":") for part in _alternatives(value)])
    if sign == "!=":
        return Condition(lambda row, _now: not any(fits(text) for text in read(row)))
    return Condition(lambda row, _now: any(fits(text) for text in read(row)))


def _check_known(field: TextField, value: Word) -> None:
    """Refuse what no row can ever have, which is a slip of the finger."""
    for part in _alternatives(value):
        wanted = part.text.lower()
        if "*" not in wanted and not any(wanted in known.lower() for known in field.known):
            raise FilterError(
                f"There is no {field.name} {part.text}.", f"There are {', '.join(field.known)}.", part.start
            )


def _text_test(word: Word, *, whole: bool) -> Callable[[str], bool]:
    wanted = word.text.lower()
    if not word.quoted and wanted == NONE and whole:
        return lambda text: not text
    if not word.quoted and "*" in wanted:
        pattern = re.compile(translate(wanted), re.IGNORECASE)
        return lambda text: pattern.match(text) is not None
    if whole:
        return lambda text: text.lower() == wanted
    return lambda text: wanted in text.lower()


def _state(field: StateField, sign: Comparison, value: Word) -> Condition:
    if sign not in {":", "=", "!="}:
        raise _refused(field, sign, value, f"Write {field.name}:{next(iter(field.states))}.")
    tests = []
    for part in _alternatives(value):
        test = field.states.get(part.text.lower())
        if test is None:
            message = f"There is no state {part.text}." if part.text else f"{field.name}{sign} wants a state."
            raise FilterError(message, f"There are {', '.join(field.states)}.", part.start)
        tests.append(test)
    if sign == "!=":
        return Condition(lambda row, _now: not any(test(row) for test in tests))
    return Condition(lambda row, _now: any(test(row) for test in tests))


def _version(field: VersionField, sign: Comparison, value: Word) -> Condition:
    read = field.read
    if sign == "~":
        pattern = compile_pattern(value.text, value.start)
        return Condition(lambda row, _now: pattern.search(read(row)) is not None)
    wanted = [_version_numbers(part) for part in _alternatives(value)]
    if sign in _ORDERS:
        if len(wanted) > 1:
            raise FilterError(f"{sign} takes one version.", f"Write {field.name}{sign}1.36.", value.start)
        compare, bound = _ORDERS[sign], wanted[0]

        def ordered(row: FleetRow, _now: float) -> bool:
            found = _numbers(read(row))
            return found is not None and compare(found[: len(bound)], bound)

        return Condition(ordered)

    def same(row: FleetRow, _now: float) -> bool:
        found = _numbers(read(row))
        return (found is not None and any(found[: len(one)] == one for one in wanted)) != (sign == "!=")

    return Condition(same)


def _version_numbers(word: Word) -> tuple[int, ...]:
    numbers = _numbers(word.text)
    if numbers is None:
        raise FilterError(
            f"{word.text} is no version." if word.text else "A version is missing.",
            "Write it like 1.36, 1.36.2 or 1.36.2+k3s1.",
            word.start,
        )
    return numbers


def _numbers(version: str) -> tuple[int, ...] | None:
    """Return the numbers of a version, as many as are given; a pre-release comes before its release."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    numbers = tuple(int(number) for number in found[1].split("."))
    if len(numbers) < 3:
        return numbers
    final = 0 if found[2] else 1
    build = (int(found[3]),) if found[3] else ()
    # The release stands between patch and build only where either is asked about.
    return (*numbers, final, *build) if build or found[2] else numbers


def _number(field: NumberField, sign: Comparison, value: Word) -> Condition:
    if sign == "~":
        raise _refused(field, sign, value, f"Write {field.name}>{field.examples[0]}.")
    read = field.read
    if value.text.lower() == NONE:
        if sign in _ORDERS:
            raise _refused(field, sign, value, f"Write {field.name}={NONE} or {field.name}!={NONE}.")
        return Condition(lambda row, now: (read(row, now) is None) != (sign == "!="), field.timed)
    other = find_field(value.text)
    if isinstance(other, NumberField) and other.kind == field.kind:
        return _two_fields(field, sign, other)
    if sign in _ORDERS:
        return _bounded(field, sign, value)
    amounts = [_amount(field, sign, part) for part in _alternatives(value)]

    def equal(row: FleetRow, now: float) -> bool:
        known = read(row, now)
        if known is None:
            return False
        return any(math.isclose(known, amount, rel_tol=_CLOSE) for amount in amounts) != (sign == "!=")

    return Condition(equal, field.timed)


def _bounded(field: NumberField, sign: Comparison, value: Word) -> Condition:
    compare, bound, read = _ORDERS[sign], _amount(field, sign, value), field.read
    inclusive = sign in {"<=", ">="}

    def ordered(row: FleetRow, now: float) -> bool:
        known = read(row, now)
        if known is None:
            return False
        return inclusive if math.isclose(known, bound, rel_tol=_CLOSE) else compare(known, bound)

    return Condition(ordered, field.timed)


def _two_fields(field: NumberField, sign: Comparison, other: NumberField) -> Condition:
    compare = _ORDERS.get(sign) or (operator.ne if sign == "!=" else operator.eq)
    one, two = field.read, other.read

    def compared(row: FleetRow, now: float) -> bool:
        left, right = one(row, now), two(row, now)
        return left is not None and right is not None and compare(left, right)

    return Condition(compared, field.timed or other.timed)


def _amount(field: NumberField, sign: Comparison, word: Word) -> float:
    amount = parse_amount(word.text, field.kind)
    if amount is None:
        example = field.examples[0]
        raise FilterError(
            f"{word.text} is no amount that {field.name} can have."
            if word.text
            else f"{field.name}{sign} wants an amount.",
            f"Write {field.name}{sign}{example}.",
            word.start,
        )
    return amount
