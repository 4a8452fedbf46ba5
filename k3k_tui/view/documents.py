"""YAML and differences between two texts, as lines whose parts have a meaning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from k3k_tui.text import clean
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line

# Lines around a change that are shown with it.
_CONTEXT: Final = 3
_MOST_LINES: Final = 20_000
_LONGEST: Final = 4_000
_KEY: Final = re.compile(
    r"(?P<indent> *)(?P<dashes>(?:- +)*)"
    r"(?P<key>[^\s#:'\"\[\]{},][^:]*|\"[^\"]*\"|'[^']*'):(?P<value>(?: .*)?)$"
)
_ITEM: Final = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +)+)(?P<value>.*)$")
_PLAIN: Final = re.compile(r"(?:true|false|null|~|-?\d+(?:\.\d+)?)$")
_BLOCK: Final = re.compile(r"(?:^|[:\-] +)[|>][+-]?\d?$")


def yaml_lines(text: str) -> list[Line]:
    """Return YAML with its keys, numbers and comments told apart.

    Args:
        text: YAML as a dumper writes it; anything else is shown as it is.
    """
    lines: list[Line] = []
    block: int | None = None
    for raw in text.splitlines()[:_MOST_LINES]:
        line = clean(raw.replace("\t", "    ")[:_LONGEST])
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (not line.strip() or indent > block):
            lines.append((Cell(line),))
            continue
        block = indent if _BLOCK.search(line) else None
        lines.append(_yaml_line(line))
    return lines


def _yaml_line(line: str) -> Line:
    if line.lstrip().startswith("#"):
        return (Cell(line, "muted"),)
    if found := _KEY.match(line):
        return (
            Cell(found["indent"] + found["dashes"], "muted"),
            Cell(found["key"], "accent"),
            Cell(":", "muted"),
            Cell(found["value"], _value_role(found["value"])),
        )
    if found := _ITEM.match(line):
        return (
            Cell(found["indent"] + found["dashes"], "muted"),
            Cell(found["value"], _value_role(found["value"])),
        )
    return (Cell(line),)


def _value_role(value: str) -> Role:
    bare = value.strip()
    if bare.startswith("(hidden"):
        return "muted"
    return "info" if _PLAIN.match(bare) else "text"


def diff_lines(before: str, after: str, names: tuple[str, str]) -> list[Line]:
    """Return what differs between two texts, with some lines around it; empty when nothing does.

    Args:
        before: the older text.
        after: the newer one.
        names: what they are called.
    """
    told = difflib.unified_diff(
        before.splitlines()[:_MOST_LINES],
        after.splitlines()[:_MOST_LINES],
        fromfile=names[0],
        tofile=names[1],
        n=_CONTEXT,
        lineterm="",
    )
    return list(_painted(told))


def _painted(told: Iterator[str]) -> Iterator[Line]:
    for number, raw in enumerate(told):
        line = clean(raw.replace("\t", "    ")[:_LONGEST])
        if number < 2:
            yield (Cell(line, "title"),)
        elif line.startswith("@@"):
            yield (Cell(line, "info"),)
        elif line.startswith("+"):
            yield (Cell(line, "add"),)
        elif line.startswith("-"):
            yield (Cell(line, "remove"),)
        else:
            yield (Cell(line, "muted"),)
