"""What an OpenMetrics reader would have to know of a page, noted while the page goes by.

Whether a page is OpenMetrics shows in its last line, `# EOF`, alone. So what matters to that format is noted in
page order, and read once the end is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Samples = tuple[Sequence[bytes], Sequence[float]]

What = Literal["declaration", "comment", "samples", "sample", "skipped", "foreign", "refused"]
"""What is noted: a HELP with its TYPE line (what the latter says), any other comment line, plain samples of one
family, one sample line of any look, samples of a declared family that is not wanted, other samples that are not
wanted, and something that OpenMetrics does not allow."""

Entry = tuple[int, What, Samples | bytes | str | None]
"""Number of the first line, what it is, and what belongs to it."""


class Journal:
    """Notes of one page, fewer than it has lines."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ended = False
        self._refused = False

    def note(self, line: int, what: What, content: Samples | bytes | None = None) -> None:
        """Add an entry, unless something has been noted that OpenMetrics refuses anyway."""
        if self.ended:
            self.refuse(line, "something after # EOF")
        entries = self.entries
        if self._refused or (content is None and entries and entries[-1][1] == what):
            return
        entries.append((line, what, content))

    def refuse(self, line: int, reason: str) -> None:
        """Note what OpenMetrics does not allow; nothing after it matters."""
        if not self._refused:
            self.entries = [(line, "refused", reason)]
            self._refused = True
