"""What a container writes: lines with their times, of which the newest are kept."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# A kubelet turns logs over by size; here lines are counted.
KEPT_LINES = 2000
# How far back the lines go that a program writes by itself.
KEPT_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line.

    Attributes:
        at: when it was written (UTC).
        text: the line without its end.
    """

    at: datetime
    text: str

    @property
    def stamped(self) -> str:
        """The line with its time before it, as the kubelet keeps it (RFC 3339 with nanoseconds)."""
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z {self.text}"


# Given from and until, returns the lines of that time that come by themselves, in order; equal times give equal
# lines, so that nothing has to be kept.
Chatter = Callable[[datetime, datetime], Iterable[Entry]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a log, to go on from.

    Attributes:
        written: lines written before it, those that are not kept any more included.
        until: end of the time whose chatter lies before it.
    """

    written: int
    until: datetime


class Log:
    """The log of one run of a container.

    Args:
        now: wall clock.
        chatter: what the program writes by itself while it runs.
    """

    def __init__(self, now: Callable[[], datetime], chatter: Chatter | None = None) -> None:
        self._now = now
        self._chatter = chatter
        self._begun = now()
        self._ended: datetime | None = None
        self._written: deque[Entry] = deque(maxlen=KEPT_LINES)
        self._count = 0

    def write(self, text: str) -> None:
        """Write a line now."""
        self._written.append(Entry(self._now(), text))
        self._count += 1

    @property
    def ended(self) -> bool:
        """Whether the program has ended: nothing is added any more."""
        return self._ended is not None

    def end(self) -> None:
        """Note that the program ends now."""
        if self._ended is None:
            self._ended = self._now()

    def read(self) -> tuple[list[Entry], Mark]:
        """Return the lines that are kept, oldest first, and where to go on."""
        until = self._until()
        lines = self._lines(list(self._written), max(self._begun, until - KEPT_FOR), until)
        return lines, Mark(self._count, until)

    def read_on(self, mark: Mark) -> tuple[list[Entry], Mark]:
        """Return the lines that came after a mark, and where to go on.

        Args:
            mark: of an earlier reading.
        """
        until = self._until()
        fresh = min(self._count - mark.written, len(self._written))
        written = list(self._written)[len(self._written) - fresh :]
        return self._lines(written, mark.until, until), Mark(self._count, until)

    def text(self) -> str:
        """Return the lines that are kept as one text."""
        lines, _ = self.read()
        return "".join(f"{line.text}\n" for line in lines)

    def _until(self) -> datetime:
        return self._ended or self._now()

    def _lines(self, written: list[Entry], since: datetime, until: datetime) -> list[Entry]:
        chatter = self._chatter(since, until) if self._chatter is not None and since < until else ()
        return list(heapq.merge(written, chatter, key=lambda entry: entry.at))
