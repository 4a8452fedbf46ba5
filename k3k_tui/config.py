"""The dashboard's part of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TuiConfig:
    """What a user chose for the dashboard.

    Attributes:
        theme: name of the theme; empty lets the terminal decide.
        keymap: name of the keymap.
        keys: keys by name of action, instead of the keymap's; several are joined by commas.
        columns: columns of the fleet; empty lets the width choose.
        mouse: whether the mouse is taken.
        refresh: seconds between two readings of a control plane.
    """

    theme: str = ""
    keymap: str = "default"
    keys: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    mouse: bool = True
    refresh: float = 15.0
