"""Tables and documents on standard output."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k3k_core.cli.session import Console
from k3k_core.cli.terminal import UNSAFE, Style, Terminal, escape

_GAP = "   "


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: escaped when shown.
        style: its meaning.
    """

    text: str
    style: Style | None = None


def display_width(text: str) -> int:
    """Return the columns a terminal uses for `text`, which has no control characters.

    Args:
        text: one line.
    """
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def table(terminal: Terminal, headings: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> str:
    """Return a table as kubectl prints it: capitals above, columns as wide as their widest cell, no frame.

    Args:
        terminal: where it will be shown.
        headings: one for each column.
        rows: cells; an empty one shows as "-".
    """
    grid = _grid(headings, rows)
    widths = _widths(grid)
    return "\n".join(_line(terminal, line, widths) for line in grid)


def table_width(headings: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> int:
    """Return the columns of a terminal that `table` needs.

    Args:
        headings: one for each column.
        rows: cells.
    """
    widths = _widths(_grid(headings, rows))
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _grid(headings: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> list[list[Cell]]:
    grid = [[Cell(heading, "bold") for heading in headings]]
    for row in rows:
        cells = [Cell(cell) if isinstance(cell, str) else cell for cell in row]
        grid.append([Cell(escape(cell.text) or "-", cell.style) for cell in cells])
    return grid


def _widths(grid: Sequence[Sequence[Cell]]) -> list[int]:
    return [max(display_width(line[column].text) for line in grid) for column in range(len(grid[0]))]


def _line(terminal: Terminal, cells: Sequence[Cell], widths: Sequence[int]) -> str:
    last = len(cells) - 1
    parts = []
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        padding = "" if index == last else " " * (width - display_width(cell.text))
        parts.append(terminal.style(cell.text, cell.style) + padding)
    return _GAP.join(parts).rstrip()


def fields(terminal: Terminal, pairs: Sequence[tuple[str, Cell | str]], *, indent: int = 0) -> str:
    """Return lines of "Label:  value", values aligned.

    Args:
        terminal: where they will be shown.
        pairs: label and value; an empty value shows as "-".
        indent: blanks before each line.
    """
    width = max((len(label) for label, _ in pairs), default=0) + 3
    lines = []
    for label, value in pairs:
        cell = Cell(value) if isinstance(value, str) else value
        text = terminal.style(escape(cell.text) or "-", cell.style)
        lines.append(f"{' ' * indent}{f'{label}:'.ljust(width)}{text}")
    return "\n".join(lines)


def to_json(document: Any) -> str:
    """Return a document as JSON; characters a terminal would obey are written as escapes.

    Args:
        document: dictionaries, lists and scalars.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # Inside JSON text only strings can hold such characters; the line breaks between tokens stay.
    return "\n".join(
        UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", line) for line in text.split("\n")
    )


def to_yaml(*documents: Any) -> str:
    """Return documents as YAML, keys in the order given, separated by `---`.

    Args:
        documents: dictionaries, lists and scalars.
    """
    import yaml

    plain = all(UNSAFE.search(line) is None for document in documents for line in _strings(document))
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(
        yaml.dump_all(
            documents,
            Dumper=dumper,
            sort_keys=False,
            allow_unicode=plain,
            default_flow_style=False,
            width=1_000_000,
            explicit_start=len(documents) > 1,
        )
    )


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, Mapping):
        return [line for pair in value.items() for item in pair for line in _strings(item)]
    if isinstance(value, list | tuple):
        return [line for item in value for line in _strings(item)]
    return []


def write_document(console: Console, document: Mapping[str, Any], output: str) -> None:
    """Write one document as JSON or YAML.

    Args:
        console: where to.
        document: what to write.
        output: "json" or "yaml".
    """
    console.data(to_json(document) if output == "json" else to_yaml(document))
