"""What the terminal and the line to it can carry, decided before the first byte is drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """How to draw.

    Attributes:
        remote: the line is slow or long: few bytes, no animation.
        tick: seconds between two repaints of what changes by itself.
        ansi: use the terminal's own sixteen colours only.
        no_color: use no colour at all.
        ascii: use no sign outside ASCII.
        mouse: take the mouse.
    """

    remote: bool = False
    tick: float = 0.5
    ansi: bool = False
    no_color: bool = False
    ascii: bool = False
    mouse: bool = True
