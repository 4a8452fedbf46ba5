"""A theme as Textual and our own widgets take it."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.theme import Theme

from k3k_tui.look.palette import Palette
from k3k_tui.look.theme_file import ThemeFile


def palette_of(theme: ThemeFile) -> Palette:
    """Return the styles by role.

    The colour of a role stays readable on the cursor and on marked rows: those lay a background under it. Where the
    terminal's own colours are kept nobody knows what fits them: there the cursor turns the colours round.

    Args:
        theme: as read.
    """
    roles = {
        role: Style.parse(" ".join((*look.attributes, _rich(theme.color(look.color)))))
        for role, look in theme.roles.items()
    }
    if theme.terminal:
        return Palette(
            roles,
            cursor=Style(reverse=True),
            marked=Style(bold=True, underline=True),
            header=Style(bold=True),
            background=Style(),
        )
    return Palette(
        roles,
        cursor=Style(bgcolor=theme.colors["cursor"], bold=True),
        marked=Style(bgcolor=theme.colors["marked"]),
        header=Style(color=theme.colors["muted"], bgcolor=theme.colors["panel"], bold=True),
        background=Style(bgcolor=theme.colors["background"]),
    )


def textual_theme(theme: ThemeFile) -> Theme:
    """Return what Textual draws its own widgets with.

    Args:
        theme: as read.
    """
    colors = {name: _css(value) for name, value in theme.colors.items()}
    return Theme(
        name=theme.name,
        primary=colors["primary"],
        secondary=colors["secondary"],
        warning=colors["warn"],
        error=colors["bad"],
        success=colors["good"],
        accent=colors["accent"],
        foreground=colors["text"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        boost=colors["surface"],
        dark=theme.dark,
        variables=_terminal_variables(theme) if theme.terminal else _variables(colors),
        ansi=theme.terminal,
    )


def _variables(colors: Mapping[str, str]) -> dict[str, str]:
    """Return the names of CSS that Textual would otherwise mix by itself, without regard to contrast."""
    return {
        "text-muted": colors["muted"],
        "text-disabled": colors["border"],
        "text-primary": colors["primary"],
        "text-secondary": colors["secondary"],
        "text-accent": colors["accent"],
        "text-success": colors["good"],
        "text-warning": colors["warn"],
        "text-error": colors["bad"],
        "foreground-muted": colors["muted"],
        "border": colors["primary"],
        "border-blurred": colors["border"],
        "block-cursor-background": colors["cursor"],
        "block-cursor-foreground": colors["text"],
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": colors["marked"],
        "block-cursor-blurred-foreground": colors["text"],
        "block-hover-background": colors["panel"],
        "footer-background": colors["panel"],
        "footer-foreground": colors["text"],
        "footer-key-foreground": colors["accent"],
        "footer-description-foreground": colors["muted"],
        "scrollbar": colors["border"],
        "scrollbar-hover": colors["muted"],
        "scrollbar-active": colors["primary"],
        "scrollbar-background": colors["surface"],
        "scrollbar-background-hover": colors["surface"],
        "scrollbar-background-active": colors["surface"],
        "scrollbar-corner-color": colors["surface"],
        "input-cursor-background": colors["text"],
        "input-cursor-foreground": colors["background"],
        "input-selection-background": colors["cursor"],
        "screen-selection-background": colors["cursor"],
        "link-color": colors["accent"],
    }


def _terminal_variables(theme: ThemeFile) -> dict[str, str]:
    """Return the names of CSS for terminal colours; reversed text is the one mark that every terminal can show."""
    plain = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}
    return plain | {
        "text-muted": _css(theme.colors["muted"]),
        "border": _css(theme.colors["primary"]),
        "border-blurred": _css(theme.colors["border"]),
        "block-cursor-background": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-text-style": "bold reverse",
        "block-cursor-blurred-text-style": "bold",
        "footer-key-foreground": _css(theme.colors["accent"]),
        "scrollbar": _css(theme.colors["border"]),
        "scrollbar-hover": _css(theme.colors["primary"]),
        "scrollbar-active": _css(theme.colors["primary"]),
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": _css(theme.colors["cursor"]),
        "screen-selection-background": _css(theme.colors["cursor"]),
    }


def _rich(color: str) -> str:
    return color if color.startswith("#") else color.replace("-", "_")


def _css(color: str) -> str:
    return color if color.startswith("#") else f"ansi_{color.replace('-', '_')}"
