"""Themes in the running dashboard."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from k3k_core.errors import K3kError
from k3k_tui.commands.pictures.grid import grid_of
from k3k_tui.look.look import Look
from k3k_tui.look.theme_file import ThemeError
from k3k_tui.look.themes import Themes, install, usual
from k3k_tui.terminal import Profile


@dataclass
class Choice:
    """What a user chose."""

    theme: str = ""


class Small(App[None]):
    """An app that has themes and what they need.

    Args:
        profile: of its terminal.
        theme: the user's choice.
    """

    def __init__(self, profile: Profile | None = None, theme: str = "") -> None:
        super().__init__()
        self.look = Look()
        self.profile = profile or Profile()
        self.config = Choice(theme)
        self.told: list[K3kError] = []
        self.themes: Themes | None = None

    def compose(self) -> ComposeResult:
        """Show a line."""
        yield Static("text", markup=False)

    def on_mount(self) -> None:
        """Put the theme on."""
        self.themes = install(self, self, self.told.append)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's themes."""
    monkeypatch.setenv("K3K_CONFIG", str(tmp_path / "config.yaml"))
    folder = tmp_path / "themes"
    folder.mkdir()
    return folder


def write(path: Path, text: str, at: int) -> None:
    """Write a file with a time that is surely another."""
    path.write_text(text)
    os.utime(path, ns=(at, at))


@pytest.mark.parametrize(
    ("profile", "theme"),
    [
        (Profile(), "harbour"),
        (Profile(light=True), "daylight"),
        (Profile(ansi=True), "terminal-dark"),
        (Profile(ansi=True, light=True), "terminal-light"),
        (Profile(no_color=True, ansi=True), "mono"),
    ],
)
def test_without_a_choice_the_terminal_decides(profile: Profile, theme: str) -> None:
    assert usual(profile) == theme


async def test_the_user_s_choice_is_on_from_the_first_frame(own: Path) -> None:
    app = Small(theme="paper")
    async with app.run_test():
        assert app.theme == "paper"
        assert not app.current_theme.dark
        assert app.screen.styles.background.hex.lower() == app.theme_variables["background"].lower()
        assert not app.told


async def test_a_choice_that_does_not_exist_is_told_and_the_terminal_decides(own: Path) -> None:
    app = Small(theme="papier")
    async with app.run_test():
        assert app.theme == "harbour"
        assert [problem.message for problem in app.told] == ["There is no theme papier."]


async def test_a_theme_changes_what_widgets_draw_with(own: Path) -> None:
    app = Small()
    async with app.run_test():
        assert app.themes is not None
        before, version = app.look.palette, app.look.version
        app.themes.use("mono")
        assert app.themes.current == "mono"
        assert app.look.palette != before
        assert app.look.version > version


async def test_the_theme_that_is_on_follows_its_file_and_survives_mistakes_in_it(own: Path) -> None:
    path = own / "mine.yaml"
    write(path, "extends: harbour\ncolors: {background: '#000001'}\n", 1)
    app = Small(theme="mine")
    async with app.run_test() as pilot:
        assert app.themes is not None
        write(path, "extends: harbour\ncolors: {background: '#000002'}\nroles: {good: warn}\n", 2)
        app.themes.poll()
        await pilot.pause()
        assert app.screen.styles.background.hex == "#000002"
        assert app.look.palette.style("good").color == app.look.palette.style("warn").color

        write(path, "extends: harbour\ncolors: {background: blueish}\n", 3)
        app.themes.poll()
        app.themes.poll()
        await pilot.pause()
        assert app.screen.styles.background.hex == "#000002"
        assert [problem.message.partition(": ")[2] for problem in app.told] == [
            "colors.background: blueish is no colour."
        ]


async def test_dimmed_text_below_a_dialog_survives_a_change_away_from_the_terminal_s_colours(
    own: Path,
) -> None:
    app = Small(theme="terminal-dark")
    async with app.run_test() as pilot:
        assert app.themes is not None
        app.query_one(Static).update(Text("dimmed", style=Style(dim=True, color="default")))
        app.push_screen(ModalScreen())
        await pilot.pause()
        app.themes.use("harbour")
        await pilot.pause()
        assert "dimmed" in grid_of(app).text


async def test_a_broken_theme_cannot_be_chosen(own: Path) -> None:
    write(own / "mine.yaml", "colors: []", 1)
    app = Small()
    async with app.run_test():
        assert app.themes is not None
        with pytest.raises(ThemeError, match="mapping"):
            app.themes.use("mine")
        assert app.theme == "harbour"


async def test_a_problem_is_shown_as_a_notification_without_being_interpreted(own: Path) -> None:
    app = Small()
    async with app.run_test() as pilot:
        install(app, _wishing(app, "[bold]no[/]\x1b[2J"))
        await pilot.pause()
        (notice,) = app._notifications
        assert "[bold]no[/]\\e[2J" in notice.message
        assert not notice.markup


def _wishing(app: Small, theme: str) -> Small:
    app.config.theme = theme
    return app
