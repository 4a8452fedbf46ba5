"""What could come next in a filter that is being typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from k3k_tui.text import clean
from k3k_tui.view.conditions import NONE
from k3k_tui.view.fields import FIELDS, Field, NumberField, StateField, TextField, VersionField, find_field
from k3k_tui.view.query import COMPARISON, LABELS
from k3k_tui.view.sort_keys import natural
from k3k_tui.view.text_filter import FUZZY, INVERSE, is_option
from k3k_tui.view.words import Word, quoted, split

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

_OPTIONS: Final = (
    (LABELS, "labels, such as -l team=shop"),
    (FUZZY, "characters in their order, such as -f sfe"),
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to go on.

    Attributes:
        text: the whole filter, should it be taken.
        label: what is shown of it.
        summary: what it means, or how many control planes have it.
    """

    text: str
    label: str
    summary: str = ""


def suggest(text: str, rows: Iterable[FleetRow], *, limit: int = 8) -> tuple[Suggestion, ...]:
    """Return how the last word of a filter could be completed, what is likeliest first.

    Args:
        text: the filter as far as it has been typed.
        rows: whose names and values are offered.
        limit: how many at most.
    """
    words = split(text)
    begun = words[-1] if words and not text[-1].isspace() else Word("", len(text), 0)
    before = words[-2:-1] if begun.text else words[-1:]
    if any(is_option(word, LABELS) for word in before):
        found = _labels(begun.text, rows)
    elif any(is_option(word, FUZZY) for word in before):
        return ()
    else:
        found = _words(begun, rows)
    kept = text[: begun.start]
    # What is not shown as it is could not be typed either.
    offered = (Suggestion(kept + whole, *told) for whole, *told in found if clean(whole) == whole)
    return tuple(islice((one for one in offered if one.text != text), limit))


# The word as it would be, what is shown of it, what it means.
_Offer = tuple[str, str, str]


def _words(begun: Word, rows: Iterable[FleetRow]) -> Iterator[_Offer]:
    sign = INVERSE if begun.bare and begun.text.startswith(INVERSE) else ""
    bare = begun.text[len(sign) :]
    found = COMPARISON.match(bare)
    field = find_field(found["field"]) if found is not None else None
    if found is not None and field is not None:
        start, last = _last_alternative(bare, found.end())
        for value, summary in _values(field, found["sign"], last.lower().strip("\"'"), rows):
            yield f"{sign}{start}{quoted(value)}", value, summary
        return
    typed = bare.lower()
    for name, known in FIELDS.items():
        if name.startswith(typed):
            # The likeliest comparison; any other is typed instead.
            compared = f"{name}{'>' if isinstance(known, NumberField) else ':'}"
            yield f"{sign}{compared}", compared, known.summary
    if not typed:
        yield from ((f"{option} ", option, summary) for option, summary in _OPTIONS)
        return
    names = Counter(row.control_plane.name for row in rows if typed in row.control_plane.name.lower())
    for name, count in sorted(
        names.items(), key=lambda item: (not item[0].startswith(typed), natural(item[0]))
    ):
        yield f"{sign}{quoted(name)}", name, "" if count == 1 else f"{count} control planes"


def _last_alternative(text: str, value: int) -> tuple[str, str]:
    """Part a comparison at the value that is being typed: the one after the last comma."""
    start = max(text.rfind(",", value) + 1, value)
    return text[:start], text[start:]


def _values(field: Field, sign: str, typed: str, rows: Iterable[FleetRow]) -> Iterator[tuple[str, str]]:
    if isinstance(field, NumberField):
        examples = field.examples if "<" in sign or ">" in sign else (*field.examples, NONE)
        yield from ((example, "") for example in examples if example.startswith(typed))
        return
    if isinstance(field, StateField):
        seen = tuple(rows)
        for name, holds in field.states.items():
            if typed in name:
                yield name, _many(sum(map(holds, seen)))
        return
    there = Counter(_read(field, rows))
    if isinstance(field, TextField):
        there.update(dict.fromkeys(field.known, 0))
    fitting = [value for value in there if value and typed in value.lower()]
    for value in sorted(
        fitting, key=lambda value: (not value.lower().startswith(typed), -there[value], natural(value))
    ):
        yield value, _many(there[value])


def _read(field: TextField | VersionField, rows: Iterable[FleetRow]) -> Iterator[str]:
    for row in rows:
        if isinstance(field, VersionField):
            yield field.read(row)
        else:
            yield from field.read(row)


def _labels(typed: str, rows: Iterable[FleetRow]) -> Iterator[_Offer]:
    start, last = _last_alternative(typed, 0)
    key, equals, value = last.partition("=")
    if equals:
        values = Counter(labels[key] for labels in _label_sets(rows) if key in labels)
        for one, count in values.most_common():
            if one.startswith(value):
                yield f"{start}{key}={one}", one, _many(count)
        return
    keys = Counter(key for labels in _label_sets(rows) for key in labels)
    for one, count in keys.most_common():
        if last in one:
            yield f"{start}{one}=", one, _many(count)


def _label_sets(rows: Iterable[FleetRow]) -> Iterator[dict[str, str]]:
    return (dict(row.control_plane.labels) for row in rows)


def _many(count: int) -> str:
    return "1 control plane" if count == 1 else f"{count} control planes"
