"""The lines of a log: the newest ten thousand, those of them that match a filter, broken where they are too long."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from k3k_tui.text import clean, width
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line
from k3k_tui.view.text_filter import TextFilter

MOST_LINES: Final = 10_000
# Characters of a line that are kept; hosts cut lines at 16 KiB.
_LONGEST: Final = 8_000
# How logrus, klog and zap write how bad a line is.
_LEVEL: Final = re.compile(
    r"\blevel=(?P<logrus>\w+)|^(?P<klog>[IWEF])\d{4} |\"level\":\s?\"(?P<zap>\w+)\"", re.ASCII
)
# What stands before the message: time, level, place in the source.
_HEAD: Final = re.compile(r'time="[^"]*" level=\w+ msg=|[IWEF]\d{4} \S+ +\d+ \S+\] ', re.ASCII)
_BAD: Final = frozenset({"error", "fatal", "panic", "dpanic", "e", "f"})
_LOW: Final = frozenset({"debug", "trace"})


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a log.

    Attributes:
        server: name of the pod it is of.
        stamp: when the node received it, RFC 3339; empty when that is not known.
        text: the line, safe to show.
    """

    server: str
    stamp: str
    text: str


def entry(server: str, raw: str) -> LogEntry:
    """Make an entry of a line that begins with the time the node received it at.

    Args:
        server: name of the pod.
        raw: the line as it came.
    """
    stamp, blank, text = raw[: _LONGEST + 64].partition(" ")
    if not blank or not stamp[:4].isdigit() or "T" not in stamp:
        stamp, text = "", raw[:_LONGEST]
    return LogEntry(clean(server), clean(stamp), clean(text[:_LONGEST].replace("\t", "    ")))


def level_role(text: str) -> Role:
    """Return how bad a line says it is.

    Args:
        text: of the line.
    """
    found = _LEVEL.search(text[:300])
    if found is None:
        return "text"
    level = (found["logrus"] or found["klog"] or found["zap"] or "").lower()
    return (
        "bad"
        if level in _BAD
        else "warn"
        if level in {"warning", "warn", "w"}
        else "muted"
        if level in _LOW
        else "text"
    )


@dataclass(slots=True)
class LogBuffer:
    """What is kept of a log and what is shown of it.

    Attributes:
        filter: which lines are shown.
        times: whether each begins with its time.
        names: whether each begins with its server.
        wrap: cells after which lines are broken; 0 for never.
        columns: cells of the longest line that was shown.
    """

    filter: TextFilter = field(default_factory=TextFilter)
    times: bool = False
    names: bool = False
    wrap: int = 0
    columns: int = 0
    _kept: deque[LogEntry] = field(default_factory=deque)
    # An entry, and the characters of it that stand on a line.
    _shown: deque[tuple[LogEntry, int, int]] = field(default_factory=deque)
    _newest: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._shown)

    @property
    def total(self) -> int:
        """Lines that are kept, shown or not."""
        return len(self._kept)

    def add(self, entries: Iterable[LogEntry]) -> int:
        """Take in lines; those that came before, as they do after a connection broke, are left out.

        Args:
            entries: the oldest first.

        Returns:
            How many shown lines were given up at the top to make room.
        """
        gone = 0
        for one in entries:
            if one.stamp:
                if one.stamp <= self._newest.get(one.server, ""):
                    continue
                self._newest[one.server] = one.stamp
            self._kept.append(one)
            self._show(one)
            if len(self._kept) > MOST_LINES:
                gone += self._give_up(self._kept.popleft())
        return gone

    def clear(self) -> None:
        """Forget every line."""
        self._kept.clear()
        self._shown.clear()
        self._newest.clear()
        self.columns = 0

    def resume(self) -> None:
        """Prepare for lines that may have come before: without times they cannot be told apart, and go."""
        if not self._newest:
            self.clear()

    def lay_out(self) -> None:
        """Choose the lines anew after `filter`, `times`, `names` or `wrap` was set."""
        self._shown.clear()
        self.columns = 0
        for one in self._kept:
            self._show(one)

    def line(self, index: int) -> Line:
        """Return a line that is shown.

        Args:
            index: from the top.
        """
        one, start, end = self._shown[index]
        return tuple(_part(self._runs(one), start, end))

    def text(self) -> str:
        """Return what is shown, unbroken, as it is saved."""
        lines = ["".join(cell.text for cell in self._runs(one)) for one, start, _ in self._shown if not start]
        return "\n".join([*lines, ""])

    def _show(self, one: LogEntry) -> None:
        if not self.filter.matches(one.text):
            return
        whole = "".join(cell.text for cell in self._head(one)) + one.text
        if not self.wrap or width(whole) <= self.wrap:
            self._shown.append((one, 0, len(whole)))
            self.columns = max(self.columns, width(whole))
            return
        start = 0
        while start < len(whole):
            end = _breaks_at(whole, start, self.wrap)
            self._shown.append((one, start, end))
            start = end
        self.columns = max(self.columns, self.wrap)

    def _give_up(self, one: LogEntry) -> int:
        gone = 0
        while self._shown and self._shown[0][0] is one:
            self._shown.popleft()
            gone += 1
        return gone

    def _head(self, one: LogEntry) -> list[Cell]:
        """Return what is put before a line."""
        head: list[Cell] = []
        if self.names:
            head.append(Cell(f"{one.server}  ", "accent"))
        if self.times and one.stamp:
            head.append(Cell(f"{one.stamp[:23].replace('T', ' ')}  ", "muted"))
        return head

    def _runs(self, one: LogEntry) -> list[Cell]:
        spans = self.filter.spans(one.text) if self.filter.terms else ()
        return [*self._head(one), *_painted(one.text, level_role(one.text), spans)]


def _painted(text: str, role: Role, found: Iterable[tuple[int, int]]) -> Iterable[Cell]:
    """Yield a line in parts: what stands before its message steps back, what was looked for stands out."""
    head = _HEAD.match(text[:300])
    message = head.end() if head is not None and role == "text" else 0
    place = 0
    for start, end in (*found, (len(text), len(text))):
        if start < place:
            continue
        if place < message:
            yield Cell(text[place : min(message, start)], "muted")
            place = min(message, start)
        yield Cell(text[place:start], role)
        yield Cell(text[start:end], "title")
        place = end


def _breaks_at(text: str, start: int, columns: int) -> int:
    """Return where a line that begins somewhere in a text has to end."""
    end = min(len(text), start + columns)
    while end > start + 1 and width(text[start:end]) > columns:
        end -= 1
    return end


def _part(runs: Iterable[Cell], start: int, end: int) -> Iterable[Cell]:
    """Yield the characters of runs from one place to another."""
    place = 0
    for cell in runs:
        text = cell.text[max(0, start - place) : max(0, end - place)]
        if text:
            yield Cell(text, cell.role)
        place += len(cell.text)
