"""Keymaps: which keys stand for which action, as data in `keymaps/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import cast

KEYMAPS = Path(__file__).parents[1] / "keymaps"
DEFAULT = "default"


@lru_cache
def keymap(name: str) -> Mapping[str, str]:
    """Return the keys of a shipped keymap by name of action; several keys are joined by commas.

    Args:
        name: of the keymap.
    """
    import yaml

    text = (KEYMAPS / f"{name}.yaml").read_text(encoding="utf-8")
    return cast(
        "Mapping[str, str]", yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["keys"]
    )  # noqa: S506 (both are safe loaders)
