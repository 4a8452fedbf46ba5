"""A screen as SVG: small, without scripts, and without fonts or anything else from elsewhere."""

from __future__ import annotations

from html import escape
from itertools import groupby

from k3k_tui.commands.pictures.grid import Grid, Look, Run

# Size of a cell and place of the text in it, in pixels.
_CELL, _LINE, _BASE = 8.4, 18, 14
_MARGIN = 8
_FONTS = "'DejaVu Sans Mono','Cascadia Mono','SF Mono',Menlo,Consolas,'Liberation Mono',monospace"


def svg(grid: Grid, title: str) -> str:
    """Return a screen as SVG.

    Args:
        grid: the screen.
        title: read out instead of it.
    """
    width, height = _number(grid.width * _CELL + 2 * _MARGIN), grid.height * _LINE + 2 * _MARGIN
    names = _names(grid)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>text{{font:14px {_FONTS};white-space:pre}}{''.join(_rule(*each) for each in names.items())}</style>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{grid.background}"/>',
        f'<g transform="translate({_MARGIN} {_MARGIN})">',
    ]
    for number, line in enumerate(grid.lines):
        parts += _backgrounds(line, number, grid.background)
    for number, line in enumerate(grid.lines):
        parts += _texts(line, number, names)
    return "\n".join((*parts, "</g>", "</svg>", ""))


def _names(grid: Grid) -> dict[Look, str]:
    """Return a short name for the look of every run that shows text; the background is drawn apart."""
    looks: dict[Look, str] = {}
    for run in (run for line in grid.lines for run in line if run.text.strip() or run.look.underline):
        looks.setdefault(_as_text(run.look), f"s{len(looks)}")
    return looks


def _as_text(look: Look) -> Look:
    return Look(look.color, "", look.bold, look.italic, look.underline, look.strike)


def _rule(look: Look, name: str) -> str:
    rule = f"fill:{look.color}"
    rule += ";font-weight:bold" if look.bold else ""
    rule += ";font-style:italic" if look.italic else ""
    lines = [
        word for word, wanted in (("underline", look.underline), ("line-through", look.strike)) if wanted
    ]
    rule += f";text-decoration:{' '.join(lines)}" if lines else ""
    return f".{name}{{{rule}}}"


def _backgrounds(line: tuple[Run, ...], number: int, usual: str) -> list[str]:
    rects, at = [], 0
    for color, runs in groupby(line, key=lambda run: run.look.background):
        width = sum(run.width for run in runs)
        if color != usual:
            # A little more than its cells, or a hair of the background shows between two lines.
            rects.append(
                f'<rect x="{_number(at * _CELL)}" y="{number * _LINE}" '
                f'width="{_number(width * _CELL + 0.2)}" height="{_LINE + 0.2}" fill="{color}"/>'
            )
        at += width
    return rects


def _texts(line: tuple[Run, ...], number: int, names: dict[Look, str]) -> list[str]:
    texts, at = [], 0
    for run in line:
        name = names.get(_as_text(run.look))
        shown = run.text if run.look.underline or run.look.strike else run.text.rstrip()
        if name is not None and shown:
            blanks = len(shown) - len(shown.lstrip())
            cells = run.width - (len(run.text) - len(shown)) - blanks
            # The length keeps columns in line whatever font is there.
            texts.append(
                f'<text x="{_number((at + blanks) * _CELL)}" y="{number * _LINE + _BASE}" class="{name}" '
                f'textLength="{_number(cells * _CELL)}" lengthAdjust="spacingAndGlyphs">'
                f"{escape(shown[blanks:])}</text>"
            )
        at += run.width
    return texts


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
