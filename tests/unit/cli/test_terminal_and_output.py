"""Escaping, tables, documents, and what streams can do."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.ages import format_age
from k3k_core.cli.durations import format_elapsed, parse_duration
from k3k_core.cli.live import fit
from k3k_core.cli.output import Cell, display_width, fields, table, to_json, to_yaml
from k3k_core.cli.terminal import UNSAFE, Terminal, escape, escape_lines, inspect_stream
from tests.support.command import Stream

PLAIN = Terminal()
HOSTILE = "a\x1b]0;owned\x07b\u202ec\x9bd\r\ne"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 漢字 ✓", "plain ünïcode 漢字 ✓"),
        ("\x1b[31mred", "\\e[31mred"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x9b1m", "\\x9b1m"),
        ("abc\u202efdp.exe", "abc\\u202efdp.exe"),
        ("\x00\x7f\u200b\u2028\ud800", "\\x00\\x7f\\u200b\\u2028\\ud800"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_escaped_text_never_holds_a_control_character(text: str) -> None:
    assert UNSAFE.search(escape(text)) is None
    assert all(UNSAFE.search(line) is None for line in escape_lines(text).split("\n"))


def test_a_table_is_as_wide_as_its_widest_cells() -> None:
    shown = table(PLAIN, ("NAME", "STATUS"), [("a", Cell("Healthy", "good")), ("longer-name", "")])
    assert shown == "NAME          STATUS\na             Healthy\nlonger-name   -"


def test_a_table_escapes_what_comes_from_a_cluster() -> None:
    assert table(PLAIN, ("NAME",), [(HOSTILE,)]).count("\n") == 1
    assert "\x1b" not in table(Terminal(color=True), ("NAME",), [(HOSTILE,)]).replace("\x1b[1m", "").replace(
        "\x1b[0m", ""
    )


def test_colours_do_not_count_as_width() -> None:
    shown = table(Terminal(color=True), ("A", "B"), [(Cell("x", "good"), "y")])
    assert shown.splitlines()[1] == "\x1b[32mx\x1b[0m   y"


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("ä", 1)])
def test_wide_and_combining_characters_count_as_a_terminal_shows_them(text: str, columns: int) -> None:
    assert display_width(text) == columns


def test_fields_are_aligned() -> None:
    assert fields(PLAIN, [("Name", "ci"), ("Namespace", "")], indent=2) == "  Name:       ci\n  Namespace:  -"


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


@given(DOCUMENTS)
def test_json_says_the_same_and_holds_no_control_character(document: Any) -> None:
    text = to_json(document)
    assert json.loads(text) == document
    assert all(UNSAFE.search(line) is None for line in text.split("\n"))


@given(DOCUMENTS)
def test_yaml_says_the_same_and_holds_no_control_character(document: Any) -> None:
    text = to_yaml(document)
    assert yaml.safe_load(text) == document
    assert all(UNSAFE.search(line) is None for line in text.split("\n"))


def test_yaml_keeps_the_order_of_keys_and_separates_documents() -> None:
    assert to_yaml({"b": 1, "a": 2}, {"c": 3}) == "---\nb: 1\na: 2\n---\nc: 3\n"


@pytest.mark.parametrize(
    ("terminal", "environ", "interactive", "color"),
    [
        (True, {"TERM": "xterm"}, True, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        (True, {"TERM": "dumb"}, False, False),
        (True, {}, False, False),
        (False, {"TERM": "xterm"}, False, False),
    ],
)
def test_a_stream_gets_colours_only_where_they_are_wanted(
    terminal: bool, environ: dict[str, str], interactive: bool, color: bool
) -> None:
    found = inspect_stream(Stream(terminal=terminal), environ)
    assert (found.interactive, found.color) == (interactive, color)


def test_colours_can_be_refused() -> None:
    found = inspect_stream(Stream(terminal=True), {"TERM": "xterm"}, no_color=True)
    assert (found.interactive, found.color) == (True, False)


@pytest.mark.parametrize(("encoding", "glyphs"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_glyphs_are_used_where_the_encoding_has_them(encoding: str, glyphs: bool) -> None:
    assert inspect_stream(Stream(encoding=encoding), {}).glyphs is glyphs


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172800), ("250ms", 0.25), ("45", 45), ("1.5h", 5400)],
)
def test_durations_are_understood(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "5x", "-5s", "5 m", "1h-3m", "0", "0s", "99999d", "٣s", "nan", "inf"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (45, "45s"),
        (119, "119s"),
        (150, "2m30s"),
        (720, "12m"),
        (11_100, "3h5m"),
        (14_400, "4h"),
        (36_000, "10h"),
        (180_000, "2d2h"),
        (864_000, "10d"),
        (86_400 * 800, "2y70d"),
    ],
)
def test_ages_have_at_most_two_units(seconds: float, shown: str) -> None:
    assert format_age(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0s"), (12.34, "12.3s"), (125.9, "2m05s")])
def test_elapsed_time_is_short(seconds: float, shown: str) -> None:
    assert format_elapsed(seconds) == shown


def test_a_screen_that_is_too_small_says_how_much_is_missing() -> None:
    assert fit(["a", "b", "c", "d"], 3, 80) == ["a", "b", "... 2 more lines"]
    assert fit(["a", "b"], 2, 80) == ["a", "b"]


def test_lines_wider_than_the_screen_count_as_the_rows_they_take() -> None:
    assert fit(["a" * 25, "b", "c"], 4, 10) == ["a" * 25, "... 2 more lines"]
    assert fit(["a" * 25, "b"], 4, 10) == ["a" * 25, "b"]


def test_colours_take_no_columns_of_the_screen() -> None:
    assert fit(["\x1b[32m" + "a" * 10 + "\x1b[0m", "b"], 2, 10)[-1] == "b"
