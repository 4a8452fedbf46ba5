"""Sending no more to the terminal than what differs: Textual sends a changed line from its left edge on."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.control import Control
from textual._compositor import ChopsUpdate


class FrugalUpdate(ChopsUpdate):
    """An update that sends of each line only the spans that changed.

    Textual 8.2.8 cuts a span at its right end, but begins at the left edge of the widget: four cells that change in a
    line of 160 would send most of it.
    """

    def render_segments(self, console: Console) -> str:
        """Return what is sent to the terminal.

        Args:
            console: knows its colours.
        """
        sent: list[str] = []
        move_to = Control.move_to
        for y, first, last in self.spans:
            for end, (start, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or start >= last or end <= first:
                    continue
                left, right = max(start, first), min(end, last)
                sent.append(move_to(left, y).segment.text)
                whole = left == start and right == end
                sent.append((strip if whole else strip.crop(left - start, right - start)).render(console))
        return "".join(sent)


def frugal(update: RenderableType | None) -> RenderableType | None:
    """Return an update that sends less; one that changes everything stays as it is.

    Args:
        update: what Textual would have sent.
    """
    if type(update) is ChopsUpdate:
        return FrugalUpdate(update.chops, update.spans, update.chop_ends)
    return update
