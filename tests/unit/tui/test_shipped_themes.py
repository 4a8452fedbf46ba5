"""The themes that come with k3k: complete, readable, and apart for every kind of colour vision."""

from __future__ import annotations

import pytest

from k3k_tui.look.drawing import palette_of
from k3k_tui.look.library import Library
from k3k_tui.look.theme_file import ROLES, ThemeFile
from k3k_tui.view.cells import Role
from tests.support.contrast import VISIONS, Vision, closest, contrast

LIBRARY = Library()
ALL = tuple(LIBRARY.theme(name) for name in LIBRARY.names)
OWN_COLORS = tuple(theme for theme in ALL if not theme.terminal)
SAFE = tuple(theme for theme in ALL if theme.name.startswith("colourblind"))
MARKS: tuple[Role, ...] = ("plot-1", "plot-2", "plot-3", "plot-4")
TEXTS = tuple(role for role in ROLES if role not in MARKS)


def _name(theme: ThemeFile) -> str:
    return theme.name


def test_there_are_eight_and_more_of_every_kind() -> None:
    assert len(ALL) >= 8
    assert sum(not theme.dark for theme in ALL) >= 2
    assert sum(theme.terminal for theme in ALL) >= 2
    assert {"contrast-dark", "contrast-light", "colourblind-dark", "colourblind-light"} <= set(LIBRARY.names)


@pytest.mark.parametrize("theme", ALL, ids=_name)
def test_every_theme_says_what_it_is_and_what_every_role_looks_like(theme: ThemeFile) -> None:
    assert theme.title
    assert theme.summary.endswith(".")
    assert set(palette_of(theme).roles) == set(ROLES)


@pytest.mark.parametrize("theme", OWN_COLORS, ids=_name)
def test_texts_can_be_read_on_every_background_they_meet(theme: ThemeFile) -> None:
    backgrounds = [theme.colors[name] for name in ("background", "surface", "panel", "cursor", "marked")]
    for role in TEXTS:
        color = theme.color(theme.roles[role].color)
        assert min(contrast(color, background) for background in backgrounds) >= 4.5, role


@pytest.mark.parametrize("theme", OWN_COLORS, ids=_name)
def test_lines_of_plots_can_be_seen(theme: ThemeFile) -> None:
    for role in MARKS:
        color = theme.color(theme.roles[role].color)
        assert min(contrast(color, theme.colors[name]) for name in ("background", "surface")) >= 3, role


@pytest.mark.parametrize("name", ["contrast-dark", "contrast-light"])
def test_high_contrast_is_seven_to_one(name: str) -> None:
    theme = LIBRARY.theme(name)
    for role in TEXTS:
        color = theme.color(theme.roles[role].color)
        assert (
            min(contrast(color, theme.colors[on]) for on in ("background", "surface", "panel", "cursor")) >= 7
        )


@pytest.mark.parametrize("theme", OWN_COLORS, ids=_name)
def test_the_row_under_the_cursor_stands_out(theme: ThemeFile) -> None:
    assert contrast(theme.colors["cursor"], theme.colors["background"]) >= 1.2
    assert theme.colors["marked"] not in {theme.colors["cursor"], theme.colors["background"]}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", SAFE, ids=_name)
def test_verdicts_and_plots_differ_for_everybody(theme: ThemeFile, vision: Vision) -> None:
    verdicts = {role: theme.color(theme.roles[role].color) for role in ("healthy", "degraded", "down")}
    plots = {role: theme.color(theme.roles[role].color) for role in MARKS}
    assert closest(verdicts, vision)[0] >= 0.12
    assert closest(plots, vision)[0] >= 0.08


@pytest.mark.parametrize("name", ["terminal-dark", "terminal-light", "mono"])
def test_themes_of_the_terminal_use_its_own_colours_alone(name: str) -> None:
    for style in palette_of(LIBRARY.theme(name)).roles.values():
        assert style.color is not None
        assert style.color.is_default or style.color.is_system_defined


def test_mono_has_no_colour() -> None:
    styles = palette_of(LIBRARY.theme("mono")).roles.values()
    assert all(style.color is not None and style.color.is_default for style in styles)
