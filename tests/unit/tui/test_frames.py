"""What is sent to the terminal, and when."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from k3k_tui.look.frugal import FrugalUpdate, frugal
from k3k_tui.look.pacing import Pacing


class SlowTerminal:
    """An app whose writing thread is as fast as a test wants."""

    def __init__(self) -> None:
        self.queue: Queue[str] = Queue()
        self._driver = SimpleNamespace(_writer_thread=SimpleNamespace(_queue=self.queue))
        self.batches = 0
        self.timers: list[Callable[[], None]] = []
        self.drawn: list[str] = []
        self.screen = SimpleNamespace(
            refresh=lambda: self.drawn.append("everything"), check_idle=lambda: self.drawn.append("changes")
        )

    def set_timer(self, _delay: float, callback: Callable[[], None]) -> None:
        """Remember what is to be done later."""
        self.timers.append(callback)

    def later(self) -> None:
        """Do it."""
        due, self.timers = self.timers, []
        for callback in due:
            callback()

    def _begin_batch(self) -> None:
        self.batches += 1

    def _end_batch(self) -> None:
        self.batches -= 1


def paced() -> tuple[SlowTerminal, Pacing]:
    """A terminal, and the pacing for it."""
    terminal = SlowTerminal()
    return terminal, Pacing(cast("Any", terminal))


def test_a_terminal_that_keeps_up_is_never_waited_for() -> None:
    terminal, pacing = paced()
    pacing.sending()
    pacing.sending()
    assert len(terminal.timers) == 1
    terminal.later()
    assert (terminal.batches, terminal.timers, terminal.drawn) == (0, [], [])


def test_nothing_is_drawn_while_frames_wait_and_then_what_has_changed() -> None:
    terminal, pacing = paced()
    terminal.queue.put("frame")
    pacing.sending()
    terminal.later()
    terminal.later()
    assert (terminal.batches, terminal.drawn) == (1, [])
    terminal.queue.get()
    terminal.later()
    assert (terminal.batches, terminal.timers, terminal.drawn) == (0, [], ["changes"])


def test_everything_is_drawn_when_a_frame_was_dropped() -> None:
    terminal, pacing = paced()
    terminal.queue.put("frame")
    pacing.sending()
    terminal.later()
    pacing.sending()
    terminal.queue.get()
    terminal.later()
    assert terminal.drawn == ["everything"]


def test_without_a_writing_thread_there_is_nothing_to_look_at() -> None:
    terminal, pacing = paced()
    terminal._driver = SimpleNamespace()
    pacing.sending()
    assert terminal.timers == []


def sent(*spans: tuple[int, int, int]) -> str:
    """What an update of spans of a line of ten letters and another widget beside it sends."""
    line: dict[int, Strip | None] = {
        0: Strip([Segment("abcdefghij", Style())]),
        10: Strip([Segment("klm", Style())]),
    }
    update = frugal(ChopsUpdate([line], list(spans), [[10, 13]]))
    assert isinstance(update, FrugalUpdate)
    return update.render_segments(Console(color_system=None))


def test_only_the_changed_span_of_a_line_is_sent() -> None:
    assert sent((0, 3, 6)) == "\x1b[1;4Hdef"
    assert sent((0, 0, 2), (0, 8, 10)) == "\x1b[1;1Hab\x1b[1;9Hij"


def test_a_span_over_two_widgets_is_sent_of_both() -> None:
    assert sent((0, 8, 12)) == "\x1b[1;9Hij\x1b[1;11Hkl"


def test_a_whole_line_is_sent_as_it_is() -> None:
    assert sent((0, 0, 13)) == "\x1b[1;1Habcdefghij\x1b[1;11Hklm"


def test_an_update_of_everything_stays_as_it_is() -> None:
    assert frugal(None) is None
    assert frugal("text") == "text"
