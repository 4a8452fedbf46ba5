"""Where things are: what `:info` and `k3k tui --info` show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from k3k_tui.actions.keys import KEYMAPS

if TYPE_CHECKING:
    from k3k_tui.services import Services


def places() -> tuple[tuple[str, str], ...]:
    """Return where the files are, by what they are."""
    from k3k_core import __version__
    from k3k_core.cli.settings import config_path
    from k3k_tui.look.library import shipped
    from k3k_tui.look.themes import own_themes

    config = config_path(os.environ)
    return (
        ("version", __version__),
        ("configuration", f"{config}{'' if config.is_file() else ' (not there)'}"),
        ("your themes", f"{own_themes()}{'' if own_themes().is_dir() else ' (not there)'}"),
        ("themes", str(shipped())),
        ("keymaps", str(KEYMAPS)),
    )


def about(services: Services, keymap: str, theme: str) -> str:
    """Return what `:info` shows, a line each.

    Args:
        services: of the dashboard.
        keymap: the one in force.
        theme: the one that is on.
    """
    profile = services.profile
    facts = (
        *places(),
        ("theme", theme),
        ("keymap", keymap),
        ("line", "remote" if profile.remote else "local"),
        ("hosts", ", ".join(services.hosts) or "none"),
    )
    return "\n".join(f"{name}: {value}" for name, value in facts)
