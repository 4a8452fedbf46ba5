"""What is on the screen, as rows of runs of text with plain colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

from rich.cells import cell_len
from rich.color import Color, blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.app import App

_Rgb: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """How a run is drawn.

    Attributes:
        color: of the text, `#rrggbb`.
        background: `#rrggbb`.
        bold: heavier.
        italic: slanted.
        underline: with a line below.
        strike: with a line through it.
    """

    color: str
    background: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Text that looks the same.

    Attributes:
        text: without control characters.
        width: of the text in cells.
        look: how it is drawn.
    """

    text: str
    width: int
    look: Look


@dataclass(frozen=True, slots=True)
class Grid:
    """A screen.

    Attributes:
        width: columns.
        height: lines.
        lines: runs of each line, from left to right, `width` cells together.
        background: most of it, `#rrggbb`.
    """

    width: int
    height: int
    lines: tuple[tuple[Run, ...], ...]
    background: str

    @property
    def text(self) -> str:
        """Its lines without their looks."""
        return "\n".join("".join(run.text for run in line) for line in self.lines)


def _rgb(color: str) -> _Rgb:
    return int(color[:2], 16), int(color[2:4], 16), int(color[4:], 16)


def _terminal(background: str, foreground: str, normal: str, bright: str) -> TerminalTheme:
    return TerminalTheme(
        _rgb(background), _rgb(foreground), [*map(_rgb, normal.split())], [*map(_rgb, bright.split())]
    )


# A dark and a light terminal; only themes that keep the terminal's own colours need them.
_DARK = _terminal(
    "101216",
    "d4d7dc",
    "282a2e cd504b 6eaf5a cda546 5a8cd7 af78c3 4baaaf c8cbd0",
    "696e76 f56e64 91d278 f0c864 7daff5 d29be6 6ed2d7 f5f7fa",
)
_LIGHT = _terminal(
    "fcfcfc",
    "282c32",
    "1e1e1e af1e23 196e2d 825a00 1950aa 7d328c 006973 bec0c4",
    "6e7076 c83c37 28873c 9b6e00 2d69c8 964ba5 00828c ebecee",
)


def grid_of(app: App[Any]) -> Grid:
    """Return what is on the screen of a running app.

    Args:
        app: the app; nothing of it is changed.
    """
    width, height = app.size
    terminal = _DARK if app.current_theme.dark else _LIGHT
    # What Textual's own `export_screenshot` takes its SVG from; the SVG itself refers to fonts of another site.
    update: Any = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    lines = tuple(_runs(chain.from_iterable(strips), terminal) for strips in update.strips)
    return Grid(width, height, lines, _most_common(lines))


def _runs(segments: Iterable[Segment], terminal: TerminalTheme) -> tuple[Run, ...]:
    runs: list[Run] = []
    for text, style, _control in segments:
        look = _look(style or Style.null(), terminal)
        if not text:
            continue
        if runs and runs[-1].look == look:
            text = runs.pop().text + text  # noqa: PLW2901 (the run that goes on)
        runs.append(Run(text, cell_len(text), look))
    return tuple(runs)


def _look(style: Style, terminal: TerminalTheme) -> Look:
    color = _true(style.color, terminal, foreground=True)
    background = _true(style.bgcolor, terminal, foreground=False)
    if style.reverse:
        color, background = background, color
    if style.dim:
        color = blend_rgb(color, background, 1 / 3)
    return Look(
        color.hex,
        background.hex,
        bold=bool(style.bold),
        italic=bool(style.italic),
        underline=bool(style.underline),
        strike=bool(style.strike),
    )


def _true(color: Color | None, terminal: TerminalTheme, *, foreground: bool) -> ColorTriplet:
    return (color or Color.default()).get_truecolor(terminal, foreground=foreground)


def _most_common(lines: Iterable[Iterable[Run]]) -> str:
    cells: dict[str, int] = {}
    for run in (run for line in lines for run in line):
        cells[run.look.background] = cells.get(run.look.background, 0) + run.width
    return max(cells, key=lambda color: cells[color], default="#000000")
