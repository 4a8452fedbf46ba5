"""Sentences of rules: templates whose placeholders name signals, filled without surprises for a terminal."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any, Final

from k3k_core.telemetry.expressions import ExpressionError, Scope
from k3k_core.telemetry.quantities import UNITS, format_value

_LONGEST_TEMPLATE: Final = 1000
_LONGEST_TEXT: Final = 200
_OWN: Final = ("value", "threshold", "subject")

Fill = Callable[[Any, float, float, str, str], str]


def compile_sentence(template: str, scope: Scope) -> Fill:
    """Compile a sentence with placeholders.

    Args:
        template: `{value}`, `{threshold}` and `{subject}`, and paths of signals, with a unit after a colon where they
            are numbers with one.
        scope: what paths mean.

    Returns:
        A function of (facts, value, threshold, subject, unit) to the sentence.

    Raises:
        ExpressionError: a placeholder means nothing.
    """
    if len(template) > _LONGEST_TEMPLATE:
        raise ExpressionError(f"is longer than {_LONGEST_TEMPLATE} characters")
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ExpressionError(f"has a broken placeholder: {error}") from None
    pieces: list[Fill] = []
    for literal, name, unit, conversion in parts:
        if literal:
            pieces.append(_literal(literal))
        if name is not None:
            if conversion or (unit and unit not in UNITS):
                raise ExpressionError(
                    f"asks for {{{name}}} in a form that is not known; units are {', '.join(UNITS[1:])}"
                )
            pieces.append(_own(name) if name in _OWN else _signal(scope.anything(name), unit or ""))
    return lambda *given: "".join(piece(*given) for piece in pieces)


def _literal(text: str) -> Fill:
    return lambda *_given: text


def _own(name: str) -> Fill:
    if name == "subject":
        return lambda _facts, _value, _threshold, subject, _unit: printable(subject)
    if name == "value":
        return lambda _facts, value, _threshold, _subject, unit: format_value(value, unit)
    return lambda _facts, _value, threshold, _subject, unit: format_value(threshold, unit)


def _signal(read: Callable[[Any], Any], unit: str) -> Fill:
    return lambda facts, *_given: describe(read(facts), unit)


def describe(found: Any, unit: str) -> str:
    """Return what a signal holds as words within a sentence."""
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return format_value(float(found), unit)
    if isinstance(found, tuple):
        return ", ".join(describe(one, unit) for one in found[:5]) or "none"
    text = printable(str(found)).rstrip(". ") if found is not None else ""
    return text or "unknown"


def printable(text: str) -> str:
    """Return text from a control plane as it may stand in a sentence: one line, no control characters, not endless."""
    clean = re.sub(r"\s+", " ", text).strip()
    clean = "".join(letter if letter.isprintable() else "?" for letter in clean[: _LONGEST_TEXT + 1])
    return clean if len(clean) <= _LONGEST_TEXT else clean[: _LONGEST_TEXT - 1] + "…"
