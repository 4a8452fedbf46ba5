"""Themes in the running dashboard: chosen, changed, and read anew when their files change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from textual.app import App
from textual.theme import Theme

from k3k_core.errors import K3kError
from k3k_tui.look.drawing import palette_of, textual_theme
from k3k_tui.look.glyphs import ASCII, UNICODE
from k3k_tui.look.library import COLOURLESS, DARK, LIGHT, TERMINAL_DARK, TERMINAL_LIGHT, Library
from k3k_tui.look.look import Look
from k3k_tui.look.theme_file import ThemeError
from k3k_tui.terminal import Profile

# Seconds between two looks at the folder of the user's themes.
_POLL = 2.0


class Choices(Protocol):
    """What themes need to know of the user's choices."""

    @property
    def theme(self) -> str: ...


class Needs(Protocol):
    """What themes need of the services."""

    @property
    def look(self) -> Look: ...

    @property
    def profile(self) -> Profile: ...

    @property
    def config(self) -> Choices: ...


def usual(profile: Profile) -> str:
    """Return the theme for somebody who chose none.

    Args:
        profile: what the terminal can carry.
    """
    if profile.no_color:
        return COLOURLESS
    if profile.ansi:
        return TERMINAL_LIGHT if profile.light else TERMINAL_DARK
    return LIGHT if profile.light else DARK


def own_themes() -> Path:
    """Return the folder of the user's themes, beside the configuration file; it need not exist."""
    from k3k_core.cli.settings import config_path

    return config_path(os.environ).parent / "themes"


class Themes:
    """The themes of one dashboard.

    Args:
        app: the dashboard.
        look: what widgets draw with; it is kept current.
        library: the themes.
        tell: shows a problem: what is wrong, and what to do about it.
    """

    def __init__(self, app: App[Any], look: Look, library: Library, tell: Callable[[K3kError], None]) -> None:
        self._app = app
        self._look = look
        self._library = library
        self._tell = tell
        self._told: dict[str, str] = {}
        self._problem: K3kError | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all themes, in order."""
        return self._library.names

    @property
    def current(self) -> str:
        """Name of the theme that is on."""
        return self._app.theme

    def use(self, name: str) -> None:
        """Put a theme on.

        Args:
            name: of the theme.

        Raises:
            ThemeError: there is none of this name, or its file is not usable; the one that is on stays.
        """
        self._put_on(name)

    def start(self, name: str, otherwise: str) -> None:
        """Put the first theme on; what is wrong with the user's choice is told by `follow`.

        Args:
            name: what the user chose; empty for no choice.
            otherwise: the theme for everybody else, and when that one is not usable.
        """
        try:
            self._put_on(name or otherwise)
        except ThemeError as error:
            self._put_on(otherwise)
            self._problem = error

    def follow(self) -> None:
        """Look for changes of the user's themes from now on, in a running app."""
        if self._problem is not None:
            self._tell(self._problem)
            self._problem = None
        self._app.theme_changed_signal.subscribe(self._app, self._redraw)
        self._app.set_interval(_POLL, self.poll)

    def poll(self) -> None:
        """Put the theme on anew when its file has changed, and tell what is wrong with any that has."""
        changed = self._library.poll()
        for name, problem in changed.problems.items():
            if self._told.get(name) != str(problem):
                self._tell(problem)
            self._told[name] = str(problem)
        for name in changed.themes:
            self._told.pop(name, None)
        if self.current in changed.themes:
            self._put_on(self.current)

    def _put_on(self, name: str) -> None:
        theme = self._library.theme(name)
        drawn = textual_theme(theme)
        before = self._app.get_theme(name)
        self._app.register_theme(drawn)
        self._look.change(palette_of(theme))
        if self._app.theme != name:
            self._app.theme = name
        elif before != drawn:
            self._app.mutate_reactive(App.theme)
        if self._app.is_running:
            self._restyle()

    def _restyle(self) -> None:
        """Give every screen its new colours at once.

        Textual does so a moment later, and screens below a dialog last. A frame in between would have the filters of
        the one theme and the colours of the other; dimmed text on a terminal's own background then ends the app.
        """
        stylesheet = self._app.stylesheet
        stylesheet.set_variables(self._app.get_css_variables())
        stylesheet.reparse()
        for screen in self._app.screen_stack:
            stylesheet.update(screen, animate=False)
        self._app.refresh_css(animate=False)

    def _redraw(self, _theme: Theme) -> None:
        """Let every widget draw itself anew: what it kept of the old colours may be more than its lines."""
        self._look.change(self._look.palette)
        for screen in self._app.screen_stack:
            for widget in screen.walk_children():
                widget.refresh()


def install(app: App[Any], services: Needs, tell: Callable[[K3kError], None] | None = None) -> Themes:
    """Put the user's theme on: best when an app is made, so that nothing is ever drawn in another.

    Args:
        app: the dashboard.
        services: its look, profile and configuration.
        tell: shows a problem; a notification unless told.

    Returns:
        The themes, to choose from; `follow` is to be called once the app runs.
    """
    services.look.glyphs = ASCII if services.profile.ascii else UNICODE

    def notify(problem: K3kError) -> None:
        from k3k_core.cli.terminal import escape_lines

        text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
        app.notify(escape_lines(text), severity="warning", timeout=12, markup=False)

    themes = Themes(app, services.look, Library(own_themes()), tell or notify)
    themes.start(services.config.theme, usual(services.profile))
    if app.is_running:
        themes.follow()
    return themes
