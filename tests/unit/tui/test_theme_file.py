"""Reading a theme: what is wrong is said with its place and a remedy."""

from __future__ import annotations

import pytest

from k3k_tui.look.library import Library
from k3k_tui.look.theme_file import RoleLook, ThemeError, ThemeFile, read_theme

LIBRARY = Library()


def read(text: str) -> ThemeFile:
    return read_theme(text, "mine", LIBRARY.theme)


def test_a_theme_can_extend_another_and_change_a_little() -> None:
    theme = read("extends: harbour\ncolors:\n  bad: '#FF0000'\nroles:\n  healthy: accent bold underline\n")
    assert theme.color("bad") == "#ff0000"
    assert theme.color("good") == LIBRARY.theme("harbour").color("good")
    assert theme.roles["healthy"] == RoleLook("accent", ("bold", "underline"))
    assert theme.title == "mine"


def test_a_role_can_have_a_colour_of_its_own() -> None:
    theme = read("extends: harbour\nroles:\n  plot-1: '#123456'\n")
    assert theme.color(theme.roles["plot-1"].color) == "#123456"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("colors: [", "It is not valid YAML", ""),
        ("&a [*a]", "no mapping", "title and colors"),
        ("[" * 3000, "It is not valid YAML", ""),
        ("title: x\n" + "#" * 70_000, "too long", ""),
        ("colours: {}", "colours is no part of a theme", "Did you mean colors?"),
        ("extends: harbor", "There is no theme harbor", "harbour"),
        ("extends: 3", "extends: a text is expected", ""),
        ("extends: harbour\ntitle: [a]", "title: a text is expected", ""),
        ("extends: harbour\ndark: maybe", "dark: maybe is neither true nor false", ""),
        ("colors: {text: '#ffffff'}", "background, surface", "extends: harbour"),
        ("extends: harbour\ncolors: {background: '#12'}", "colors.background: #12 is no colour", "#rrggbb"),
        ("extends: harbour\ncolors: {background: 12}", "colors.background: 12 is no colour", "#rrggbb"),
        ("extends: harbour\ncolors: {background: red}", "red is a colour of the terminal", "terminal: true"),
        ("extends: mono\ncolors: {bad: '#ff0000'}", "no colour of the terminal", "Leave out"),
        (
            "extends: harbour\ncolors: {prime: '#ff0000'}",
            "colors.prime is no colour",
            "Did you mean primary?",
        ),
        ("extends: harbour\ncolors: [1]", "colors: a mapping is expected", ""),
        ("extends: harbour\nroles: {helthy: good}", "roles.helthy is no role", "Did you mean healthy?"),
        ("extends: harbour\nroles: {healthy: good blink}", "roles.healthy: blink is no style", "bold"),
        ("extends: harbour\nroles: {healthy: }", "roles.healthy: a colour is expected", ""),
        ("extends: harbour\n'\\e[2J': 1", "no part of a theme", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str, hint: str) -> None:
    with pytest.raises(ThemeError) as caught:
        read(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\x1b" not in caught.value.message
