"""Themes as they are written: a YAML file that names every colour by what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast, get_args

from k3k_core.errors import UsageError
from k3k_tui.view.cells import Role

COLORS = (
    "background",
    "surface",
    "panel",
    "text",
    "muted",
    "border",
    "primary",
    "secondary",
    "accent",
    "good",
    "info",
    "warn",
    "bad",
    "cursor",
    "marked",
    "plot-1",
    "plot-2",
    "plot-3",
    "plot-4",
)
# The sixteen colours every terminal has, by their usual names; "default" is the terminal's own.
TERMINAL_COLORS = tuple(
    f"{bright}{name}"
    for bright in ("", "bright-")
    for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
)
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse")
ROLES: tuple[Role, ...] = get_args(Role)
# What a role looks like when the theme does not say; later words are attributes.
_ROLES: Mapping[Role, str] = {
    "text": "text",
    "muted": "muted",
    "title": "primary bold",
    "accent": "accent",
    "good": "good",
    "info": "info",
    "warn": "warn",
    "bad": "bad",
    "add": "good",
    "remove": "bad",
    "healthy": "good",
    "degraded": "warn bold",
    "down": "bad bold",
    "progressing": "info",
    "paused": "secondary",
    "expired": "muted",
    "unknown": "muted",
    "plot-1": "plot-1",
    "plot-2": "plot-2",
    "plot-3": "plot-3",
    "plot-4": "plot-4",
}
_KEYS = ("title", "summary", "extends", "dark", "terminal", "colors", "roles")
_HEX = re.compile(r"#[0-9a-f]{6}")
# A theme is a page of text; more is a mistake.
_MAX_BYTES = 64 * 1024


class ThemeError(UsageError):
    """A theme cannot be used; the message names the place in the file."""


@dataclass(frozen=True, slots=True)
class RoleLook:
    """What one role looks like.

    Attributes:
        color: one of the theme's colours, `#rrggbb`, a terminal colour, or "default".
        attributes: of `ATTRIBUTES`.
    """

    color: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ThemeFile:
    """A theme.

    Attributes:
        name: by which it is chosen: the name of its file.
        title: for people.
        summary: one sentence.
        dark: whether its background is dark.
        terminal: whether it keeps the terminal's own colours.
        colors: `#rrggbb`, a terminal colour or "default" for each of `COLORS`.
        roles: look of every role.
    """

    name: str
    title: str
    summary: str
    dark: bool
    terminal: bool
    colors: Mapping[str, str]
    roles: Mapping[Role, RoleLook] = field(default_factory=dict)

    def color(self, name: str) -> str:
        """Return a colour by its name in the theme, or as it is.

        Args:
            name: one of `COLORS`, or a colour itself.
        """
        return self.colors.get(name, name)


def read_theme(text: str, name: str, extended: Callable[[str], ThemeFile]) -> ThemeFile:
    """Read a theme.

    Args:
        text: YAML.
        name: of the theme.
        extended: gives the theme that this one extends, by name.

    Raises:
        ThemeError: something in it is missing or wrong.
    """
    content = _mapping_of(text)
    for key in content:
        if key not in _KEYS:
            raise ThemeError(f"{_said(key)} is no part of a theme.", hint=_meant(key, _KEYS))
    base = extended(_text(content["extends"], "extends")) if "extends" in content else None
    terminal = _boolean(content, "terminal", base.terminal if base else False)
    colors = _colors(content.get("colors"), base, terminal=terminal)
    return ThemeFile(
        name=name,
        title=_text(content.get("title", name), "title"),
        summary=_text(content["summary"], "summary") if "summary" in content else "",
        dark=_boolean(content, "dark", base.dark if base else True),
        terminal=terminal,
        colors=colors,
        roles=_roles(content.get("roles"), base, colors, terminal=terminal),
    )


def _mapping_of(text: str) -> dict[Any, Any]:
    import yaml

    if len(text) > _MAX_BYTES:
        raise ThemeError("It is too long for a theme.")
    try:
        content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise ThemeError(f"It is not valid YAML{f' (line {mark.line + 1})' if mark else ''}.") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ThemeError("It is not valid YAML.") from None
    if not isinstance(content, dict):
        raise ThemeError("It holds no mapping.", hint="A theme has a title and colors.")
    return content


def _text(value: Any, place: str) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ThemeError(f"{place}: a text is expected.")


def _boolean(content: Mapping[Any, Any], key: str, default: bool) -> bool:
    value = content.get(key, default)
    if isinstance(value, bool):
        return value
    raise ThemeError(f"{key}: {_said(value)} is neither true nor false.")


def _colors(content: Any, base: ThemeFile | None, *, terminal: bool) -> Mapping[str, str]:
    given = _mapping(content, "colors")
    colors = dict(base.colors) if base is not None else {}
    for name, value in given.items():
        if name not in COLORS:
            raise ThemeError(f"colors.{_said(name)} is no colour of a theme.", hint=_meant(name, COLORS))
        colors[name] = _color(value, f"colors.{name}", terminal=terminal)
    missing = [name for name in COLORS if name not in colors]
    if missing:
        raise ThemeError(
            f"colors: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            hint="`extends: harbour` takes what is missing from another theme.",
        )
    return colors


def _color(value: Any, place: str, *, terminal: bool) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if text == "default" or text in TERMINAL_COLORS:
        if terminal:
            return text
        raise ThemeError(
            f"{place}: {text} is a colour of the terminal.", hint="Write `terminal: true`, or #rrggbb."
        )
    if not _HEX.fullmatch(text):
        wanted = "one of default, red, bright-red ..." if terminal else "#rrggbb, in quotes"
        raise ThemeError(f"{place}: {_said(value)} is no colour.", hint=f"Write {wanted}.")
    if terminal:
        raise ThemeError(f"{place}: {text} is no colour of the terminal.", hint="Leave out `terminal: true`.")
    return text


def _roles(
    content: Any, base: ThemeFile | None, colors: Mapping[str, str], *, terminal: bool
) -> Mapping[Role, RoleLook]:
    if base is not None:
        roles = dict(base.roles)
    else:
        roles = {role: _look(words, "roles", colors, terminal=terminal) for role, words in _ROLES.items()}
    for name, value in _mapping(content, "roles").items():
        if name not in ROLES:
            raise ThemeError(f"roles.{_said(name)} is no role.", hint=_meant(name, ROLES))
        roles[cast("Role", name)] = _look(value, f"roles.{name}", colors, terminal=terminal)
    return roles


def _look(value: Any, place: str, colors: Mapping[str, str], *, terminal: bool) -> RoleLook:
    words = value.split() if isinstance(value, str) else []
    if not words:
        raise ThemeError(f"{place}: a colour is expected, such as `warn bold`.")
    color, *attributes = words
    for attribute in attributes:
        if attribute not in ATTRIBUTES:
            raise ThemeError(f"{place}: {_said(attribute)} is no style.", hint=_meant(attribute, ATTRIBUTES))
    named = color if color in colors else _color(color, place, terminal=terminal)
    return RoleLook(named, tuple(attributes))


def _mapping(content: Any, place: str) -> dict[Any, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ThemeError(f"{place}: a mapping is expected.")
    return content


def _said(value: Any) -> str:
    from k3k_core.cli.terminal import escape

    return escape(str(value))[:60]


def _meant(word: Any, known: tuple[str, ...]) -> str:
    close = get_close_matches(str(word), known, n=1)
    return f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
