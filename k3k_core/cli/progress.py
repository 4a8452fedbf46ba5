"""The steps of a verb on standard error: a live line on a terminal, one plain line a step elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.output import display_width
from k3k_core.cli.session import Console
from k3k_core.cli.terminal import Style, escape
from k3k_core.lifecycle.progress import Progress, Step, StepState

_GLYPHS: dict[StepState, str] = {"started": "…", "done": "✓", "skipped": "-", "warning": "!"}
_PLAIN: dict[StepState, str] = {"started": "...", "done": "ok", "skipped": "--", "warning": "!!"}
_STYLES: dict[StepState, Style] = {"started": "dim", "done": "good", "skipped": "dim", "warning": "warn"}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINNER_ASCII = "|/-\\"
_FRAME = 0.1
_ERASE_LINE = "\r\x1b[2K"


@dataclass(slots=True)
class Reporter:
    """Shows steps as they happen.

    Attributes:
        console: where to.
        clock: seconds, monotonic.
    """

    console: Console
    clock: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)
    _running: dict[str, tuple[float, str]] = field(init=False, default_factory=dict)
    _frame: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    @property
    def live(self) -> bool:
        """Whether the last line is redrawn while a step runs."""
        return self.console.err.interactive and not self.console.quiet

    def __call__(self, step: Step) -> None:
        """Take one step of a verb.

        Args:
            step: what happened.
        """
        now = self.clock()
        if step.state == "started":
            self._running[step.name] = (now, step.message)
            if self.live:
                self.draw()
            elif self.console.verbose:
                self._line(step, "")
            return
        took = ""
        if step.state != "warning":
            began, _ = self._running.pop(step.name, (self._begun, ""))
            self._begun = now
            took = format_elapsed(now - began)
        if step.state == "warning" or not self.console.quiet:
            self._line(step, took)
        if self.live:
            self.draw()

    def draw(self) -> None:
        """Redraw the live line: what has been running longest, and for how long."""
        if not self._running:
            return
        began, message = next(iter(self._running.values()))
        glyphs = self.console.err.glyphs
        spinner = _SPINNER if glyphs else _SPINNER_ASCII
        more = f" (and {len(self._running) - 1} more)" if len(self._running) > 1 else ""
        head = f"{spinner[self._frame % len(spinner)]} "
        tail = f"{more} {format_elapsed(self.clock() - began)}"
        room = self.console.err.width - len(head) - len(tail) - 1
        text = _shorten(escape(message), room, "…" if glyphs else "...")
        sys.stderr.write(_ERASE_LINE + self.console.err.style(f"{head}{text}{tail}", "dim"))
        sys.stderr.flush()

    def tick(self) -> None:
        """Move the live line on by one frame."""
        self._frame += 1
        self.draw()

    def clear(self) -> None:
        """Erase the live line."""
        if self.live:
            sys.stderr.write(_ERASE_LINE)
            sys.stderr.flush()

    def _line(self, step: Step, took: str) -> None:
        if self.live:
            sys.stderr.write(_ERASE_LINE)
        sign = (_GLYPHS if self.console.err.glyphs else _PLAIN)[step.state]
        mark = self.console.err.style(sign, _STYLES[step.state])
        elapsed = self.console.err.style(f" ({took})", "dim") if took else ""
        sys.stderr.write(f"{mark} {escape(step.name)}: {escape(step.message)}{elapsed}\n")
        sys.stderr.flush()


def _shorten(text: str, room: int, ellipsis: str) -> str:
    if display_width(text) <= room:
        return text
    kept = text
    while kept and display_width(kept) + len(ellipsis) > room:
        kept = kept[:-1]
    return kept + ellipsis


@asynccontextmanager
async def reporting(console: Console) -> AsyncIterator[Progress]:
    """Show the steps of what runs inside; the live line is gone afterwards, however it ends.

    Args:
        console: where to.

    Yields:
        What to hand to a verb as its progress.
    """
    reporter = Reporter(console)
    ticker = asyncio.create_task(_tick(reporter)) if reporter.live else None
    try:
        yield reporter
    finally:
        if ticker is not None:
            ticker.cancel()
        reporter.clear()


async def _tick(reporter: Reporter) -> None:
    while True:
        await asyncio.sleep(_FRAME)
        reporter.tick()
