"""Presets: plain values files that are laid under a user's own."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

PRESETS: Final = ("ci", "dev", "tenant", "edge")


def preset_text(name: str) -> str:
    """Text of a preset, with its comments.

    Args:
        name: one of `PRESETS`.

    Raises:
        KeyError: there is no such preset.
    """
    if name not in PRESETS:
        raise KeyError(name)
    return files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
