"""Lines of text made of runs with a meaning each, and blocks of such lines: sections, tables, columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias

from k3k_tui.text import Align, clean, fit, width
from k3k_tui.view.cells import Cell, Role

Line: TypeAlias = tuple[Cell, ...]
# Characters of a text that are wrapped; what is longer is no sentence.
_LONGEST: Final = 8_000


def line_width(line: Line) -> int:
    """Return how many terminal cells a line takes.

    Args:
        line: its runs.
    """
    return sum(width(cell.text) for cell in line)


def fit_line(line: Line, columns: int, ellipsis: str = "…") -> Line:
    """Cut a line or fill it with blanks.

    Args:
        line: its runs.
        columns: terminal cells it shall take.
        ellipsis: stands for what was cut off.
    """
    kept: list[Cell] = []
    left = columns
    for index, cell in enumerate(line):
        size = width(cell.text)
        # A run that fills the line still has to tell that something follows.
        if size > left or (size == left and any(later.text for later in line[index + 1 :])):
            return (
                *kept,
                Cell(fit(cell.text + ellipsis if size == left else cell.text, left, ellipsis), cell.role),
            )
        kept.append(cell)
        left -= size
    return (*kept, Cell(" " * left)) if left > 0 else tuple(kept)


def wrap(text: str, columns: int, role: Role = "text", *, indent: str = "") -> list[Line]:
    """Break text into lines between words; a word that is too long is broken anywhere.

    Args:
        text: made safe to show here.
        columns: most terminal cells of a line, its indent included.
        role: of all of it.
        indent: before every line.
    """
    room = max(1, columns - width(indent))
    lines: list[str] = []
    for word in clean(text[:_LONGEST]).split(" "):
        if lines and width(lines[-1]) + 1 + width(word) <= room:
            lines[-1] += f" {word}"
            continue
        lines += _pieces(word, room)
    return [(Cell(indent), Cell(line, role)) if indent else (Cell(line, role),) for line in lines]


def _pieces(word: str, room: int) -> list[str]:
    if width(word) <= room:
        return [word]
    pieces = [""]
    taken = 0
    for char in word:
        size = width(char)
        if taken + size > room and pieces[-1]:
            pieces.append("")
            taken = 0
        pieces[-1] += char
        taken += size
    return pieces


def beside(left: Sequence[Line], right: Sequence[Line], columns: int, *, gap: int = 2) -> list[Line]:
    """Put two blocks side by side.

    Args:
        left: what stands left.
        right: what stands right of it.
        columns: terminal cells of the left block.
        gap: blanks between them.
    """
    return [
        (*fit_line(one, columns), Cell(" " * gap), *other)
        for one, other in zip_longest(left, right, fillvalue=())
    ]


def fields(pairs: Iterable[tuple[str, Line]], columns: int) -> list[Line]:
    """Put values beside their names; values that are too long go on below.

    Args:
        pairs: name and value of each.
        columns: terminal cells there are.
    """
    known = list(pairs)
    names = max((width(name) for name, _ in known), default=0) + 2
    lines: list[Line] = []
    for name, value in known:
        head = Cell(fit(name, names), "muted")
        if len(value) == 1 and line_width(value) > columns - names:
            first, *rest = wrap(value[0].text, columns - names, value[0].role)
            lines += [(head, *first), *((Cell(" " * names), *line) for line in rest)]
        else:
            lines.append((head, *value))
    return lines


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    columns: int,
    *,
    right: frozenset[int] = frozenset(),
    flexible: int | None = None,
    gap: int = 2,
) -> list[Line]:
    """Align cells in columns as wide as what they hold.

    Args:
        headings: one for each column.
        rows: their cells.
        columns: terminal cells there are; the flexible column gives way when that is not enough.
        right: columns whose cells end at the same place.
        flexible: the column that gives way; the last one unless told.
        gap: blanks between two columns.
    """
    if not rows:
        return []
    widths = [max(map(width, texts)) for texts in _columns(headings, rows)]
    giving = len(widths) - 1 if flexible is None else flexible
    over = sum(widths) + gap * (len(widths) - 1) - columns
    if over > 0:
        widths[giving] = max(min(widths[giving], 8), widths[giving] - over)
    lines: list[Line] = []
    for cells in ([Cell(text, "muted") for text in headings], *rows):
        line: list[Cell] = []
        for index, cell in enumerate(cells):
            align: Align = "right" if index in right else "left"
            line += [Cell(fit(cell.text, widths[index], align=align), cell.role), Cell(" " * gap)]
        lines.append(fit_line(tuple(line[:-1]), columns) if over > 0 else tuple(line[:-1]))
    return lines


def _columns(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterable[list[str]]:
    for index, heading in enumerate(headings):
        yield [heading, *(row[index].text for row in rows)]


def section(title: str, body: Sequence[Line]) -> list[Line]:
    """Put a title above a block and a blank line below it; nothing where the block is empty.

    Args:
        title: a few words.
        body: the block.
    """
    return [(Cell(title, "title"),), *body, ()] if body else []
