"""Colours by meaning: what a role looks like in the theme that is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.style import Style

from k3k_tui.view.cells import Role


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles of one theme.

    Attributes:
        roles: style of each role; one that is missing looks like text.
        cursor: laid over the row under the cursor.
        marked: laid over marked rows.
        header: headings of tables.
        background: of everything.
    """

    roles: Mapping[Role, Style]
    cursor: Style = field(default_factory=lambda: Style(reverse=True))
    marked: Style = field(default_factory=lambda: Style(bold=True))
    header: Style = field(default_factory=lambda: Style(bold=True))
    background: Style = field(default_factory=Style)

    def style(self, role: Role) -> Style:
        """Return what a role looks like.

        Args:
            role: the meaning of a text.
        """
        return self.roles.get(role) or self.roles.get("text") or Style()
