"""What one confirmation says about several control planes: what is done to each, what is not done, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from k3k_tui.look.glyphs import Glyphs
from k3k_tui.operations.hosts import Refusal
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

# Said where a server is replaced that keeps what is stored in itself.
LOSS: Final[Line] = (Cell("it has no volume: everything stored in it is lost", "bad"),)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be done to one control plane.

    Attributes:
        key: the control plane.
        lines: what it means there.
    """

    key: FleetKey
    lines: tuple[Line, ...]


def confirmation(intents: Sequence[Intent], refusals: Sequence[Refusal], glyphs: Glyphs) -> list[Line]:
    """Return the lines of a confirmation.

    Args:
        intents: what is to be done.
        refusals: what is not.
        glyphs: signs to draw with.
    """
    lines: list[Line] = []
    for intent in intents:
        lines += [_heading(intent.key), *(_indented(line) for line in intent.lines)]
    if refusals:
        many = f"{len(refusals)} control planes are" if len(refusals) > 1 else "1 control plane is"
        lines += [(), (Cell(f"{many} left alone:", "title"),), *refused(refusals, glyphs)]
    return lines


def refused(refusals: Iterable[Refusal], glyphs: Glyphs) -> list[Line]:
    """Return the lines that say what is not done, why, and what to do instead.

    Args:
        refusals: what is not done.
        glyphs: signs to draw with.
    """
    lines: list[Line] = []
    for refusal in refusals:
        lines.append((Cell(f"{glyphs.separator} ", "muted"), *_heading(refusal.key)))
        lines.append(_indented((Cell(refusal.error.message, "warn"),)))
        if refusal.error.hint:
            lines.append(_indented((Cell(refusal.error.hint, "muted"),)))
    return lines


def count(number: int, one: str = "control plane") -> str:
    """Return how many there are, in words.

    Args:
        number: how many.
        one: what one of them is called.
    """
    return f"1 {one}" if number == 1 else f"{number} {one}s"


def _heading(key: FleetKey) -> Line:
    return (Cell(key.name, "title"), Cell(f"  {key.host}/{key.namespace}", "muted"))


def _indented(line: Line) -> Line:
    return (Cell("  "), *line)
