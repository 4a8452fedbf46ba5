"""The filter of the fleet: what the `/` line understands; docs/filter.md explains it to users.

Terms must all hold. A term is a word as in `k3k_tui.view.text_filter`, looked for in what names a control plane; a
field with a comparison, such as `verdict:degraded`, `p99>1s`, `servers<wanted`; or `-l` with a label selector. `!`
before a word or a comparison turns it round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, cast

from k3k_tui.view.conditions import Condition, condition
from k3k_tui.view.fields import ALIASES, FIELDS, Comparison, find_field
from k3k_tui.view.text_filter import FUZZY, TextTerm, argument, fuzzy_term, is_option, text_term, turned_round
from k3k_tui.view.words import FilterError, Problem, Word, split

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

__all__ = ["COMPARISON", "LABELS", "Problem", "Query", "parse"]

LABELS: Final = "-l"
# A field and its comparison at the beginning of a word; the value follows.
COMPARISON: Final = re.compile(r"(?P<field>[A-Za-z][A-Za-z0-9-]*)(?P<sign>==|>=|<=|!=|[:=<>~])")
_PREFIX: Final = "re:"


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, read.

    Attributes:
        conditions: what must all hold of a row.
        words: what must all be found in what names it.
        timed: whether time alone can change what it lets through.
        problem: what is wrong with it; None when it can be used.
    """

    conditions: tuple[Condition, ...] = ()
    words: tuple[TextTerm, ...] = ()
    timed: bool = False
    problem: Problem | None = None

    def matches(self, row: FleetRow, now: float) -> bool:
        """Tell whether a row is let through.

        Args:
            row: of the fleet.
            now: seconds since 1970.
        """
        for one in self.conditions:
            if not one.test(row, now):
                return False
        if not self.words:
            return True
        names = _names(row)
        return all(word.matches(names) for word in self.words)


def parse(text: str) -> Query:
    """Read a filter; what is wrong with it is in the result.

    Args:
        text: as it was typed.
    """
    conditions: list[Condition] = []
    terms: list[TextTerm] = []
    words = iter(split(text))
    try:
        for word in words:
            term = _term(word, words)
            if isinstance(term, Condition):
                conditions.append(term)
            else:
                terms.append(term)
    except FilterError as error:
        return Query(problem=error.problem)
    return Query(tuple(conditions), tuple(terms), any(one.timed for one in conditions))


def _names(row: FleetRow) -> str:
    """Return what names a row, a name on each line."""
    plane = row.control_plane
    return (
        f"{plane.name}\n{plane.namespace}/{plane.name}\n{plane.host}\n{plane.version}\n{row.judgement.verdict}\n"
        f"{plane.datastore}\n{plane.system}\n{plane.made_by}"
    )


def _term(word: Word, words: Iterator[Word]) -> Condition | TextTerm:
    if is_option(word, FUZZY):
        return fuzzy_term(word, words)
    if is_option(word, LABELS):
        return _labels(argument(word, words, "a label selector, such as -l team=shop"))
    inverse, rest = turned_round(word)
    found = COMPARISON.match(rest.text[: rest.bare])
    if found is None or rest.text.startswith(_PREFIX):
        return text_term(word)
    one = _comparison(found, rest)
    if not inverse:
        return one
    test = one.test
    return Condition(lambda row, now: not test(row, now), one.timed)


def _comparison(found: re.Match[str], word: Word) -> Condition:
    field = find_field(found["field"])
    if field is None:
        raise FilterError(
            f"There is no field {found['field']}.", _remedy(found["field"], word.text), word.start
        )
    sign = cast("Comparison", "=" if found["sign"] == "==" else found["sign"])
    value = word.without(found.end())
    if not value.text:
        raise FilterError(f"{field.name}{sign} wants a value.", "Write on, or take it out.", value.start)
    return condition(field, sign, value)


def _remedy(name: str, text: str) -> str:
    near = get_close_matches(name.lower(), [*FIELDS, *ALIASES], n=1)
    quoted = f'or "{text}" in quotes to search for it'
    return (
        f"Write {near[0]}, {quoted}."
        if near
        else f"Such as verdict, host, ns, version, p99, errors; {quoted}."
    )


def _labels(word: Word) -> Condition:
    from k3k_core.errors import UsageError
    from k3k_core.label_selector import parse_label_selector

    try:
        selector = parse_label_selector(word.text)
    except UsageError as error:
        raise FilterError(str(error), error.hint, word.start) from None
    return Condition(lambda row, _now: selector.matches(row.control_plane.labels))
