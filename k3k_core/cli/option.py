"""Options in sections, common or of one verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"]}
COMMON = "Common options"


class Option(click.Option):
    """An option that belongs to a section of the help and to the common options or not.

    Args:
        section: heading in the help, "Options" unless told.
        common: accepted before the verb too; its value reaches the verb through its session.
    """

    def __init__(self, *args: Any, section: str = "Options", common: bool = False, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = COMMON if common else section
        self.common = common


def option(*declarations: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option of a verb; see `Option` for what it takes beyond `click.option`."""
    return click.option(*declarations, cls=Option, **attributes)
