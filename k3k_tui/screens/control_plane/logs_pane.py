"""The logs of the servers: followed, filtered, saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.worker import Worker

from k3k_core.errors import K3kError
from k3k_tui.actions.registry import bindings
from k3k_tui.screens.control_plane.background import in_background
from k3k_tui.screens.control_plane.log_buffer import MOST_LINES, LogBuffer
from k3k_tui.screens.control_plane.log_reading import ALL, LogReading
from k3k_tui.screens.control_plane.pane import Pane
from k3k_tui.screens.control_plane.saving import ExistsError, save
from k3k_tui.screens.control_plane.sheet import trouble_lines
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, fit_line
from k3k_tui.view.text_filter import TextFilter, parse_text
from k3k_tui.widgets.ask_line import AskLine
from k3k_tui.widgets.live_keys import key_of
from k3k_tui.widgets.text_view import FixedText, Sheet, TextView
from k3k_tui.widgets.toast import tell, tell_error

if TYPE_CHECKING:
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch


class LogsPane(Pane):
    """The log of one server, or of all of them.

    Args:
        known: everything that is known of the control plane.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("logs")
    DEFAULT_CSS = """
    LogsPane #log-state { height: 1; overflow: hidden; background: $panel; }
    """

    def __init__(self, known: ControlPlaneWatch) -> None:
        super().__init__(known)
        self.buffer = LogBuffer()
        self.reading = LogReading(known.link, known.identity)
        self._reader: Worker[None] | None = None
        self._follow = True
        self._typed = ""
        self._may_replace = ""

    def compose(self) -> ComposeResult:
        """Lay out what is read, its lines, and the line to type into."""
        state = Sheet(self._state, id="log-state")
        state.can_focus = False
        yield state
        view = TextView(id="log")
        view.show(self.buffer)
        yield view
        yield AskLine()

    @property
    def target(self) -> Widget:
        """The lines."""
        return self.query_one("#log")

    @property
    def verbs(self) -> Mapping[str, Callable[[], None]]:
        """What can be done with a log."""
        verbs: dict[str, Callable[[], None]] = {
            "follow": self._turn_follow,
            "server": self._next_server,
            "previous": self._turn_previous,
            "times": self._turn_times,
            "wrap": self._turn_wrap,
            "earlier": self._load_earlier,
            "filter": self._ask_filter,
            "save": self._ask_path,
            "reload": self._read_anew,
            "copy": self.copy,
        }
        if self.is_mounted and self.query_one(AskLine).what:
            verbs["back"] = self._close_line
        return verbs

    @property
    def copied(self) -> tuple[str, str]:
        """The lines that are shown."""
        return self.buffer.text(), "the lines of the log"

    def opened(self) -> None:
        """Go on reading, from the line after the last."""
        if self._reader is None:
            self.buffer.resume()
            self._read()

    def closed(self) -> None:
        """Read nothing while nobody looks."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def tick(self) -> None:
        """Show the lines that have come."""
        came = self.reading.take()
        if came:
            log = self._log
            # Whoever scrolled up wants to stay there.
            if log.scroll_offset.y < log.max_scroll_y:
                self._follow = False
            gone = self.buffer.add(came)
            log.grown()
            self._keep_place(gone)
        self._show_trouble()
        self.query_one("#log-state", Sheet).rebuild()

    def on_resize(self) -> None:
        """Break lines anew, and stay at the newest."""
        if self.buffer.wrap:
            self.buffer.wrap = self._room
            self._lay_out()
        self._keep_place(0)

    def _show_trouble(self) -> None:
        """Say why there are no lines where they would be, as long as there are none."""
        reading, log = self.reading, self._log
        if reading.error and not self.buffer.total:
            key = key_of(self.screen, "view.reload")
            told = FixedText(trouble_lines(reading.error, reading.hint, key, self._room))
            if log.text != told:
                log.show(told)
        elif log.text is not self.buffer:
            log.show(self.buffer)

    @property
    def _log(self) -> TextView:
        return self.query_one("#log", TextView)

    @property
    def _room(self) -> int:
        return max(20, self._log.size.width - 1)

    def _keep_place(self, gone: int) -> None:
        """Stay at the newest line, or at the line one was at though lines above it went."""
        log = self._log
        if self._follow:
            log.scroll_to(y=log.max_scroll_y, animate=False, force=True)
        elif gone:
            log.scroll_to(y=max(0, log.scroll_offset.y - gone), animate=False, force=True)

    def _lay_out(self) -> None:
        self.buffer.lay_out()
        self._log.grown()
        self._keep_place(0)
        self.query_one("#log-state", Sheet).rebuild()

    def _read(self) -> None:
        self._reader = in_background(self, self.reading.run, "log")

    def _read_anew(self) -> None:
        self.buffer.clear()
        self.reading.take()
        self.reading.state, self.reading.error = "asking the host", ""
        self._follow = True
        self.buffer.names = self.reading.server == ALL
        self._lay_out()
        self._read()

    def _turn_follow(self) -> None:
        self._follow = not self._follow
        self._keep_place(0)
        self.query_one("#log-state", Sheet).rebuild()

    def _next_server(self) -> None:
        self.reading.next_server()
        self._read_anew()

    def _turn_previous(self) -> None:
        self.reading.previous = not self.reading.previous
        self._read_anew()

    def _turn_times(self) -> None:
        self.buffer.times = not self.buffer.times
        self._lay_out()

    def _turn_wrap(self) -> None:
        self.buffer.wrap = 0 if self.buffer.wrap else self._room
        self._log.scroll_to(x=0, animate=False)
        self._lay_out()

    def _load_earlier(self) -> None:
        self.reading.tail = min(10 * self.reading.tail, MOST_LINES)
        self._read_anew()

    def _ask_filter(self) -> None:
        self.query_one(AskLine).ask("filter", "/", self._typed)

    def _ask_path(self) -> None:
        server = self.reading.server
        name = f"{self.known.identity.name}.log" if server in {"", ALL} else f"{server}.log"
        self.query_one(AskLine).ask("save", "Save to", f"~/{clean(name).replace('/', '-')}")

    def _close_line(self) -> None:
        line = self.query_one(AskLine)
        if line.what == "filter":
            self._filter_by(parse_text(""), "")
        line.close()
        self._log.focus()

    def _filter_by(self, found: TextFilter, typed: str) -> None:
        self._typed = typed
        self.buffer.filter = found
        self._follow = True
        self._lay_out()

    def on_ask_line_changed(self, event: AskLine.Changed) -> None:
        """Filter while it is typed; what is wrong leaves the filter before in force."""
        event.stop()
        line = self.query_one(AskLine)
        if event.what != "filter":
            line.say("")
            return
        found = parse_text(event.text)
        line.say(found.problem.message if found.problem else "")
        if not found.problem:
            self._filter_by(found, event.text)

    async def on_ask_line_entered(self, event: AskLine.Entered) -> None:
        """Go back to the lines, or write the file."""
        event.stop()
        line = self.query_one(AskLine)
        if event.what == "save" and not await self._save(event.text.strip(), line):
            return
        if event.what == "save" or not event.text.strip():
            line.close()
        self._log.focus()

    async def _save(self, path: str, line: AskLine) -> bool:
        """Write what is shown to a file and tell whether that was done; one that is there is asked about."""
        if not path:
            return True
        try:
            await asyncio.to_thread(save, Path(path), self.buffer.text(), replace=self._may_replace == path)
        except ExistsError:
            self._may_replace = path
            line.say("exists; Enter again replaces it")
            return False
        except K3kError as error:
            tell_error(self.app, error, title="The log was not saved")
            return False
        self._may_replace = ""
        tell(self.app, f"{len(self.buffer):,} lines are in {path}.", title="The log was saved")
        return True

    def _state(self, columns: int, _rows: int) -> tuple[Line, ...]:
        """Say which log this is and how reading it goes."""
        reading, buffer = self.reading, self.buffer
        separator = Cell(f" {services(self).look.glyphs.separator} ", "muted")
        parts = [Cell(clean(reading.server) or "log", "title")]
        if reading.previous:
            parts.append(Cell("before its last restart", "info"))
        if reading.error:
            parts.append(Cell(f"{reading.state}: {clean(reading.error)}", "bad"))
        elif reading.state == "following":
            held = f"held; {key_of(self.screen, 'logs.follow')} follows again"
            parts.append(Cell("following", "good") if self._follow else Cell(held, "warn"))
        else:
            parts.append(Cell(reading.state, "muted"))
        shown = f"{len(buffer):,} of {buffer.total:,} lines" if self._typed else f"{buffer.total:,} lines"
        parts.append(Cell(shown, "text"))
        line = tuple(cell for part in parts if part.text for cell in (part, separator))[:-1]
        return (fit_line(line, columns),)
