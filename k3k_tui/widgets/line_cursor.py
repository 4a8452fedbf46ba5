"""Where the cursor of a table stands: on a key, wherever its line goes."""

from __future__ import annotations

from collections.abc import Hashable

from k3k_tui.widgets.lines import LineSource


class LineCursor:
    """A cursor that follows its key and leaves out headings.

    Attributes:
        index: line it is on; -1 while there is none to be on.
        key: what that line stands for; None while there is none.
    """

    def __init__(self) -> None:
        self.index = -1
        self.key: Hashable | None = None

    def follow(self, source: LineSource) -> None:
        """Find the key again after lines have moved; when it is gone, stay on the nearest line.

        Args:
            source: the lines as they are now.
        """
        found = None if self.key is None else source.index(self.key)
        if found is None:
            found = nearest(source, max(self.index, 0))
        self._stand(source, found)

    def move(self, source: LineSource, index: int, step: int) -> None:
        """Go to a line, or to the first one beyond it that is no heading.

        Args:
            source: the lines.
            index: line to go to; it is brought into range.
            step: -1 or 1: where to look on from a heading; back again when there is nothing there.
        """
        last = len(source) - 1
        start = min(max(index, 0), last)
        found = _seek(source, start, step)
        self._stand(source, found if found is not None else _seek(source, start, -step))

    def jump(self, source: LineSource, key: Hashable) -> bool:
        """Go to a key; return whether it is there.

        Args:
            source: the lines.
            key: what the line stands for.
        """
        found = source.index(key)
        if found is not None:
            self._stand(source, found)
        return found is not None

    def _stand(self, source: LineSource, index: int | None) -> None:
        self.index = -1 if index is None else index
        self.key = None if index is None else source.key(index)


def nearest(source: LineSource, index: int) -> int | None:
    """Return the nearest line that is no heading, those below first; None when there is none."""
    start = min(index, len(source) - 1)
    below = _seek(source, start, 1)
    return below if below is not None else _seek(source, start, -1)


def _seek(source: LineSource, index: int, step: int) -> int | None:
    while 0 <= index < len(source):
        if source.key(index) is not None:
            return index
        index += step
    return None
