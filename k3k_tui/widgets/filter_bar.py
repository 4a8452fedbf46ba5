"""The line over the table: what is shown of the fleet, and the filter while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from k3k_tui.actions.registry import bindings
from k3k_tui.actions.typed import TypedHistory
from k3k_tui.text import clean, width
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.steady_lines import SteadyLines

if TYPE_CHECKING:
    from k3k_tui.view.suggestions import Suggestion
    from k3k_tui.view.words import Problem


class FilterBar(Vertical):
    """Takes a filter and tells about it; the filter is in force while it is typed.

    Args:
        offers: how a filter could go on.
        history: filters that were typed before.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("command-line")
    DEFAULT_CSS = """
    FilterBar {
        height: auto;
        background: $surface;
        #entry { height: 1; display: none; }
        #entry > Static { width: 3; color: $accent; }
        #found { width: auto; }
        Input, Input:focus { height: 1; border: none; padding: 0; background: $panel; }
        &.open #entry { display: block; }
    }
    """

    @dataclass
    class Changed(Message):
        """Another filter was typed.

        Attributes:
            text: the filter.
        """

        text: str

    @dataclass
    class Closed(Message):
        """Typing has ended; the table takes the keys."""

    def __init__(self, offers: Callable[[str], tuple[Suggestion, ...]], history: TypedHistory) -> None:
        super().__init__()
        self._offers_for = offers
        self._history = history
        self._offers: tuple[Suggestion, ...] = ()
        self._chosen: int | None = None
        self._before = ""
        self._problem: Problem | None = None
        # Whether Enter was pressed on a filter that cannot be used.
        self._refused = False

    def compose(self) -> ComposeResult:
        """Lay out the status, the line to type on, and what helps there."""
        yield SteadyLines(id="status")
        with Horizontal(id="entry"):
            yield Static(" / ", markup=False)
            yield Input(select_on_focus=False)
        yield SteadyLines(id="help")

    def on_mount(self) -> None:
        """Let the cursor stand still: blinking would be sent twice a second."""
        self.query_one(Input).cursor_blink = False

    @property
    def is_open(self) -> bool:
        """Whether a filter is being typed."""
        return self.has_class("open")

    @property
    def help(self) -> str:
        """What is said below the filter that is being typed."""
        return "".join(cell.text for line in self.query_one("#help", SteadyLines).lines for cell in line)

    def begin(self, text: str) -> None:
        """Let a filter be typed.

        Args:
            text: the one in force.
        """
        self._before = text
        self._history.rest()
        field = self.query_one(Input)
        # What is typed now is another term.
        started = f"{text} " if text else ""
        with field.prevent(Input.Changed):
            field.value = started
        field.cursor_position = len(started)
        self.add_class("open")
        # At once: the next key may be there already.
        self.screen.set_focus(field)
        self._look_up(started)

    def show_status(self, line: Line) -> None:
        """Tell what is shown of the fleet.

        Args:
            line: the words.
        """
        self.query_one("#status", SteadyLines).show([line] if line else [])

    def show_problem(self, problem: Problem | None) -> None:
        """Tell what is wrong with the filter.

        Args:
            problem: None when nothing is.
        """
        if problem != self._problem:
            self._problem = problem
            self._show_help()

    def action_complete(self) -> None:
        """Take the chosen offer, else the first."""
        if self._offers:
            self._put(self._offers[self._chosen or 0].text)

    def action_offer(self, step: int) -> None:
        """Go through what is offered."""
        if self._offers:
            start = -1 if step > 0 else len(self._offers)
            at = start if self._chosen is None else self._chosen
            self._chosen = min(max(at + step, 0), len(self._offers) - 1)
            self._show_help()

    def action_older(self) -> None:
        """Bring back an older filter."""
        self._put(self._history.older(self.query_one(Input).value))

    def action_newer(self) -> None:
        """Bring back a newer filter."""
        self._put(self._history.newer(self.query_one(Input).value))

    def action_close(self) -> None:
        """Bring back the filter that was there before."""
        self.post_message(self.Changed(self._before))
        self._end()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value.strip()))
        self._look_up(event.value)

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        if self._chosen is not None:
            self.action_complete()
            return
        if self._problem is None:
            self._history.add(event.value.strip())
            self._end()
        else:
            self._refused = True
            self._show_help()

    def _end(self) -> None:
        self.remove_class("open")
        self._offers, self._chosen = (), None
        self._show_help()
        self.post_message(self.Closed())

    def _put(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    def _look_up(self, text: str) -> None:
        self._offers, self._chosen, self._refused = self._offers_for(text), None, False
        self._show_help()

    def _show_help(self) -> None:
        lines: list[Line] = []
        # What is not written to its end yet is no mistake while there are ways to go on.
        if self._problem is not None and (self._refused or not self._offers):
            said = f"   {clean(self._problem.message)} {clean(self._problem.hint)}"
            lines.append((Cell(said, "bad"),))
        elif self.is_open:
            lines.append(_offer_line(self._offers, self._chosen, self.size.width))
        self.query_one("#help", SteadyLines).show(lines)


def _offer_line(offers: tuple[Suggestion, ...], chosen: int | None, columns: int) -> Line:
    """Return the offers side by side, the chosen one in sight."""
    first = 0
    while chosen is not None and first < chosen and _taken(offers[first : chosen + 1]) > columns:
        first += 1
    line: list[Cell] = [Cell("   ")]
    for place, offer in enumerate(offers[first:], first):
        line.append(Cell(offer.label, "accent" if place == chosen else "title"))
        line.append(Cell(f" {offer.summary}  " if offer.summary else "  ", "muted"))
    return tuple(line)


def _taken(offers: tuple[Suggestion, ...]) -> int:
    return 3 + sum(width(f"{offer.label} {offer.summary}  ") for offer in offers)
