"""The look of the running dashboard; it changes with the theme."""

from __future__ import annotations

from dataclasses import dataclass, field

from k3k_tui.look.glyphs import UNICODE, Glyphs
from k3k_tui.look.palette import Palette


@dataclass(slots=True)
class Look:
    """What widgets draw with; they ask for it each time they draw.

    Attributes:
        palette: styles of the theme that is on.
        glyphs: signs the terminal has.
        version: grows with every change, so that drawn lines can be kept.
    """

    palette: Palette = field(default_factory=lambda: Palette({}))
    glyphs: Glyphs = UNICODE
    version: int = 0

    def change(self, palette: Palette) -> None:
        """Take another palette.

        Args:
            palette: of the theme that is on from now on.
        """
        self.palette = palette
        self.version += 1
