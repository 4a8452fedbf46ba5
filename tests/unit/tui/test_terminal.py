"""What is found out about a terminal from its environment, and what Textual is told."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_tui.terminal import Profile, check, detect, prepare

MODERN = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "en_GB.UTF-8"}


def test_a_modern_terminal_gets_everything() -> None:
    assert detect(MODERN) == Profile()


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
def test_over_ssh_the_profile_is_the_remote_one(name: str) -> None:
    profile = detect(MODERN | {name: "10.0.0.1 5 10.0.0.2 22"})
    assert profile.remote
    assert profile.ansi
    assert profile.tick > Profile().tick


def test_the_user_knows_better_what_is_remote() -> None:
    assert detect(MODERN, remote=True).remote
    assert not detect(MODERN | {"SSH_TTY": "/dev/pts/1"}, remote=False).remote


@pytest.mark.parametrize("term", ["linux", "xterm", "screen", "vt220", "rxvt-16color", "xterm-color", "tmux"])
def test_terminals_of_few_colours_keep_their_own(term: str) -> None:
    assert detect({"TERM": term}).ansi


@pytest.mark.parametrize(
    "term", ["xterm-256color", "tmux-256color", "screen-256color", "xterm-kitty", "alacritty"]
)
def test_other_terminals_get_a_theme_s_colours(term: str) -> None:
    assert not detect({"TERM": term}).ansi


def test_a_terminal_in_tmux_may_say_that_it_has_all_colours() -> None:
    assert not detect({"TERM": "screen", "COLORTERM": "truecolor"}).ansi


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("no", True), ("", False)])
def test_no_color_counts_when_it_is_not_empty(value: str, refused: bool) -> None:
    assert detect(MODERN | {"NO_COLOR": value}).no_color is refused
    assert detect(MODERN, no_color=True).no_color


@pytest.mark.parametrize(
    ("environ", "plain"),
    [
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "de_DE.utf8"}, False),
        ({}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.ISO-8859-1"}, True),
        ({"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, True),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "C"}, False),
        ({"TERM": "linux", "LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "C", "K3K_ASCII": "0"}, False),
        ({"LANG": "en_GB.UTF-8", "K3K_ASCII": "1"}, True),
    ],
)
def test_the_locale_says_whether_signs_outside_ascii_can_be_shown(
    environ: dict[str, str], plain: bool
) -> None:
    assert detect(environ).ascii is plain


@pytest.mark.parametrize(
    ("value", "light"), [("0;15", True), ("0;default;7", True), ("15;0", False), ("", False)]
)
def test_the_background_is_light_when_the_terminal_says_so(value: str, light: bool) -> None:
    assert detect(MODERN | {"COLORFGBG": value}).light is light


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}, {}, {"TERM": "unknown"}])
def test_a_terminal_without_a_cursor_to_move_is_refused_with_what_works_there(
    environ: dict[str, str],
) -> None:
    with pytest.raises(UsageError) as caught:
        check(environ)
    assert "k3k list --watch --plain" in caught.value.hint


def test_a_browser_has_everything_whatever_the_server_s_own_terminal_is() -> None:
    environ = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "SSH_TTY": "/dev/pts/0", "LANG": "C"}
    check(environ)
    assert detect(environ) == Profile()


def test_nothing_is_animated_anywhere() -> None:
    environ = dict(MODERN)
    prepare(Profile(), environ)
    assert environ == MODERN | {"TEXTUAL_ANIMATIONS": "none"}


def test_the_remote_profile_draws_fewer_frames() -> None:
    environ: dict[str, str] = {}
    prepare(detect(MODERN, remote=True), environ)
    assert int(environ["TEXTUAL_FPS"]) <= 15
    assert environ["TEXTUAL_SMOOTH_SCROLL"] == "0"


def test_what_the_user_told_textual_stays() -> None:
    environ = {"TEXTUAL_ANIMATIONS": "full"}
    prepare(Profile(), environ)
    assert environ["TEXTUAL_ANIMATIONS"] == "full"


def test_a_refusal_of_colours_is_handed_on_and_an_empty_one_is_not() -> None:
    refused: dict[str, str] = {}
    prepare(Profile(no_color=True), refused)
    assert refused["NO_COLOR"] == "1"
    assert refused["TEXTUAL_THEME"] == "ansi-dark"
    empty = {"NO_COLOR": ""}
    prepare(Profile(), empty)
    assert "NO_COLOR" not in empty
