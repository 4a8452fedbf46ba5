"""The `:` line: it offers how a command can go on, and remembers what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click, DescendantBlur
from textual.message import Message
from textual.widgets import Input, Static

from k3k_core.cli.terminal import escape
from k3k_tui.actions.registry import bindings
from k3k_tui.actions.typed import TypedHistory
from k3k_tui.text import fit

# Lines of offers that are shown at once.
_ROOM = 8
_WIDTH = 34


class CommandLine(Vertical):
    """A line at the bottom of a screen, over its footer.

    Args:
        complete: the whole lines that a line can become.
        summaries: what a command does, by command.
        history: lines that were typed before.
        text: what stands on the line at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("command-line")
    DEFAULT_CSS = """
    CommandLine {
        dock: bottom;
        layer: command-line;
        height: auto;
        background: $panel;
        #offers {
            height: auto;
            background: $surface;
            color: $foreground;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        #line { height: 1; }
        Input { height: 1; border: none; padding: 0; background: $panel; }
        Input:focus { border: none; }
        #line > Static { width: 2; color: $accent; }
        #line { layout: horizontal; }
    }
    """

    @dataclass
    class Submitted(Message):
        """A line was typed to its end.

        Attributes:
            line: without the colon.
        """

        line: str

    def __init__(
        self,
        complete: Callable[[str], tuple[str, ...]],
        summaries: Mapping[str, str],
        history: TypedHistory,
        text: str = "",
    ) -> None:
        super().__init__()
        self._complete = complete
        self._summaries = summaries
        self._history = history
        self._text = text
        self._offers: tuple[str, ...] = ()
        self._chosen: int | None = None

    def compose(self) -> ComposeResult:
        """Lay out what is offered over the line itself."""
        yield Static(id="offers", markup=False)
        with Vertical(id="line"):
            yield Static(" :", markup=False)
            yield Input(self._text, select_on_focus=False)

    def on_mount(self) -> None:
        """Take the keys."""
        self._history.rest()
        line = self.query_one(Input)
        line.focus()
        line.cursor_position = len(self._text)
        self._look_up(self._text)

    @property
    def offers(self) -> tuple[str, ...]:
        """The whole lines that are offered."""
        return self._offers

    @property
    def chosen(self) -> str | None:
        """The offer under the cursor."""
        return self._offers[self._chosen] if self._chosen is not None else None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look_up(event.value)

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        line = (self.chosen or event.value).strip()
        self._history.add(line)
        self._leave()
        self.post_message(self.Submitted(line))

    def on_descendant_blur(self, _event: DescendantBlur) -> None:
        """Close when something else is clicked."""
        self._leave()

    def on_click(self, event: Click) -> None:
        """Take the offer that was clicked."""
        offers = self.query_one("#offers", Static)
        if event.widget is offers and (at := self._first() + event.y) < len(self._offers):
            self._chosen = at
            self.action_complete()

    def action_complete(self) -> None:
        """Put the chosen offer, else the first, on the line."""
        offer = self.chosen or (self._offers[0] if self._offers else None)
        if offer is not None:
            self._put(f"{offer} ")

    def action_offer(self, step: int) -> None:
        """Go through what is offered.

        Args:
            step: 1 down, -1 up.
        """
        if self._offers:
            last = len(self._offers) - 1
            start = -1 if step > 0 else len(self._offers)
            at = start if self._chosen is None else self._chosen
            self._chosen = min(max(at + step, 0), last)
            self._show()

    def action_older(self) -> None:
        """Bring back an older line."""
        self._put(self._history.older(self.query_one(Input).value))

    def action_newer(self) -> None:
        """Bring back a newer line."""
        self._put(self._history.newer(self.query_one(Input).value))

    def action_close(self) -> None:
        """Close without doing anything."""
        self._leave()

    def _leave(self) -> None:
        if self.is_attached and not self._pruning:
            self.remove()

    def _put(self, line: str) -> None:
        field = self.query_one(Input)
        field.value = line
        field.cursor_position = len(line)

    def _look_up(self, line: str) -> None:
        self._offers = self._complete(line)
        self._chosen = None
        self._show()

    def _first(self) -> int:
        at = self._chosen or 0
        return max(0, min(at - _ROOM // 2, len(self._offers) - _ROOM))

    def _show(self) -> None:
        first = self._first()
        lines = [self._line(index) for index in range(first, min(first + _ROOM, len(self._offers)))]
        self.query_one("#offers", Static).update(Content("\n").join(lines))

    def _line(self, index: int) -> Content:
        offer = self._offers[index]
        summary = self._summaries.get(offer, "")
        text = fit(f" {escape(offer)}", _WIDTH) if summary else f" {escape(offer)}"
        style = "reverse" if index == self._chosen else ""
        return Content.assemble((text, style), (f" {summary}", "$text-muted"))
