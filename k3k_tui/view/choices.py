"""What somebody can choose to see of the fleet, as changes of the state of its view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, get_args

from k3k_core.errors import UsageError
from k3k_tui.view.columns import COLUMNS
from k3k_tui.view.state import Grouping, ViewState

GROUPINGS: Final[tuple[Grouping, ...]] = get_args(Grouping)
# Of these the highest values need somebody first.
_HIGHEST_FIRST: Final = frozenset(
    (
        "datastore-latency",
        "p50",
        "p99",
        "latency",
        "errors",
        "rate",
        "queue",
        "memory",
        "cpu",
        "size",
        "burn",
    )
)


def sorted_by(state: ViewState, words: Sequence[str]) -> ViewState:
    """Order by a column: what needs somebody comes first; by the same column again, the other way round.

    Args:
        state: what is seen now.
        words: name or heading of the column, then "asc" or "desc" if wanted.

    Raises:
        UsageError: there is no such column.
    """
    name = find_column(words[0])
    way = words[1].lower() if len(words) > 1 else ""
    if way.startswith("desc"):
        descending = True
    elif way.startswith("asc"):
        descending = False
    elif way:
        raise UsageError(f"{way} is no order.", hint="Write asc or desc, or nothing.")
    elif name == (state.sort or "verdict"):
        descending = not state.descending
    else:
        descending = name in _HIGHEST_FIRST
    return replace(state, sort="" if name == "verdict" else name, descending=descending)


def sorted_by_next(state: ViewState, shown: Sequence[str], step: int) -> ViewState:
    """Order by the column beside the one that orders now.

    Args:
        state: what is seen now.
        shown: names of the columns that are shown.
        step: 1 to the right, -1 to the left.
    """
    if not shown:
        return state
    now = state.sort or "verdict"
    place = shown.index(now) + step if now in shown else 0
    name = shown[place % len(shown)]
    return replace(state, sort="" if name == "verdict" else name, descending=name in _HIGHEST_FIRST)


def grouped_by(state: ViewState, word: str) -> ViewState:
    """Group the rows.

    Args:
        state: what is seen now.
        word: what by; "none" for no groups.

    Raises:
        UsageError: nothing is grouped by that.
    """
    wanted = "" if word in {"none", "off", ""} else word
    if wanted not in GROUPINGS:
        known = ", ".join(name for name in GROUPINGS if name)
        raise UsageError(f"Nothing is grouped by {word}.", hint=f"It can be {known} or none.")
    return replace(state, group=wanted)


def with_columns(state: ViewState, words: Sequence[str]) -> ViewState:
    """Show certain columns in a certain order.

    Args:
        state: what is seen now.
        words: their names or headings, with blanks or commas between them; "auto" lets the width choose.

    Raises:
        UsageError: there is no such column.
    """
    names = [name for word in words for name in word.replace(",", " ").split()]
    if names == ["auto"]:
        return replace(state, columns=())
    return replace(state, columns=tuple(dict.fromkeys(find_column(name) for name in names)))


def find_column(word: str) -> str:
    """Return the name of a column.

    Args:
        word: its name, its heading, or how either begins.

    Raises:
        UsageError: there is none, or there are several.
    """
    wanted = word.lower()
    titles = {column.title.lower(): name for name, column in COLUMNS.items()}
    known = {**titles, **{name: name for name in COLUMNS}}
    if wanted in known:
        return known[wanted]
    begun = {name for text, name in known.items() if text.startswith(wanted)}
    if len(begun) == 1:
        return begun.pop()
    near = sorted(begun) or get_close_matches(wanted, [*COLUMNS], n=3)
    raise UsageError(
        f"{word} is {'the beginning of several columns' if begun else 'no column'}.",
        hint=f"Such as {', '.join(near)}." if near else f"There are {', '.join(COLUMNS)}.",
    )


def cleared(state: ViewState) -> ViewState:
    """Take away what hides control planes: the filter first, then faults only, then the marks.

    Args:
        state: what is seen now.
    """
    if state.filter:
        return replace(state, filter="")
    if state.faults_only:
        return replace(state, faults_only=False)
    return replace(state, marked=frozenset())
