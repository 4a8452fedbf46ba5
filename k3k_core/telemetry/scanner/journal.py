"""What an OpenMetrics reader would have to know of a page, noted while the page goes by.

Whether a page is OpenMetrics shows in its last line, `# EOF`, alone. So what matters to that format is noted in
page order, and read once the end is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from k3k_core.telemetry.scanner.plan import Plan

Samples = tuple[Sequence[bytes], Sequence[float]]


class Entry(NamedTuple):
    """One thing noted.

    Attributes:
        line: number of its first line.
        what: a declaration seen before, another comment line, plain samples of one family, one sample line of
            any look, samples of a declared family that is not wanted, other samples that are not wanted, or
            something that OpenMetrics does not allow.
        content: what belongs to it.
    """

    line: int
    what: Literal["declaration", "comment", "samples", "sample", "skipped", "foreign", "refused"]
    content: Plan | Samples | bytes | str | None = None


class Journal:
    """Notes of one page, fewer than it has lines."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ended = False
        self._refused = False

    def note(self, entry: Entry) -> None:
        """Add an entry, unless something has been noted that OpenMetrics refuses anyway."""
        if self._refused:
            return
        repeated = bool(self.entries) and self.entries[-1].what == entry.what
        if repeated and entry.what in {"skipped", "foreign"}:
            return
        self.entries.append(entry)

    def refuse(self, line: int, reason: str) -> None:
        """Note what OpenMetrics does not allow; nothing after it matters."""
        if not self._refused:
            self.entries = [Entry(line, "refused", reason)]
            self._refused = True
