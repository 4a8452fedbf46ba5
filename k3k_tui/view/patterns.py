"""Patterns that people type: found by their characters, and refused when they could search for ever."""

from __future__ import annotations

import re
import warnings
from typing import Final

from k3k_tui.view.words import FilterError

_SPECIAL: Final = re.compile(r"[\[\](){}*+?|^$\\]")
_LONGEST: Final = 500
# Every repetition without an end multiplies the time by the length of the line.
_MOST_REPEATS: Final = 4
# From this many times on a bounded repetition counts as one without an end.
_MANY_TIMES: Final = 10
_BRACES: Final = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")


def guess_pattern(text: str, position: int) -> re.Pattern[str] | None:
    """Compile a word that has characters of a regular expression and is one; None for any other word.

    Args:
        text: a word of a filter.
        position: where it stands in the filter.

    Raises:
        FilterError: it is one that could take for ever.
    """
    if _SPECIAL.search(text) is None or len(text) > _LONGEST:
        return None
    try:
        pattern = _compiled(text)
    except (re.error, OverflowError, RecursionError):
        return None
    _check(text, position)
    return pattern


def compile_pattern(text: str, position: int) -> re.Pattern[str]:
    """Compile a regular expression that ignores case.

    Args:
        text: the expression.
        position: where it stands in the filter.

    Raises:
        FilterError: it is none, or could take for ever.
    """
    if len(text) > _LONGEST:
        raise FilterError(f"A pattern has at most {_LONGEST} characters.", "Write a shorter one.", position)
    try:
        pattern = _compiled(text)
    except (re.error, OverflowError, RecursionError) as error:
        reason = getattr(error, "msg", "it is too large")
        raise FilterError(
            f"That is no regular expression: {reason}.",
            "Put it in quotes, without re: or ~, to search for it as it stands.",
            position + (getattr(error, "pos", None) or 0),
        ) from None
    _check(text, position)
    return pattern


def _compiled(text: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        # What Python may read differently one day is no matter for a filter.
        warnings.simplefilter("ignore")
        return re.compile(text, re.IGNORECASE)


def _check(text: str, position: int) -> None:
    if _can_run_away(text):
        raise FilterError(
            "That pattern could search for ever.",
            f"Repeat characters and classes, not groups that repeat or choose, and at most {_MOST_REPEATS} times.",
            position,
        )


def _can_run_away(pattern: str) -> bool:
    """Tell whether groups that repeat or choose are repeated, or too much is repeated at all."""
    groups = [False]
    repeats, at = 0, 0
    while at < len(pattern):
        char, at = pattern[at], _next(pattern, at)
        closed = False
        if char == "(":
            groups.append(False)
        elif char == "|":
            groups[-1] = True
        elif char == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
        many, at = _repeated(pattern, at)
        if not many:
            continue
        repeats += 1
        if closed or repeats > _MOST_REPEATS:
            return True
        groups[-1] = True
    return False


def _next(pattern: str, at: int) -> int:
    """Return where the item after this one begins: escapes and classes are one item."""
    if pattern[at] == "\\":
        return at + 2
    if pattern[at] != "[":
        return at + 1
    # A bracket that comes first, or after the caret, belongs to the class.
    at += 2 if pattern[at + 1 : at + 2] == "^" else 1
    at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _repeated(pattern: str, at: int) -> tuple[bool, int]:
    """Return whether the item before this place is repeated many times, and where what follows begins."""
    sign = pattern[at : at + 1]
    many = False
    if sign and sign in "*+":
        many, at = True, at + 1
    elif sign == "?":
        at += 1
    elif braces := _BRACES.match(pattern, at):
        least, comma, most = braces.groups()
        limit = (most or None) if comma else least
        many, at = limit is None or int(limit or 0) > _MANY_TIMES, braces.end()
    else:
        return False, at
    # A second sign makes a repetition lazy or possessive.
    return many, at + (pattern[at : at + 1] in {"?", "+"})
