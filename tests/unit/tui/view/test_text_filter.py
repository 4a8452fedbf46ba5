"""Filters over plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.view.text_filter import parse_text

LINE = 'I1015 10:12:14 node.go:2 "Started" node=edge-1 took 250ms (slow)'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "started",
        "NODE took",
        r"took \d+ms",
        "re:^i1015",
        "10:12",
        "(slow)",
        '"(slow)"',
        "'took 250'",
        "!stopped",
        "!re:^warn",
        "-f strtd",
        "-f !zz",
        "nod[e.]",
        "node=edge-1",
        # No regular expression, so it is text.
        "(slow",
    ],
)
def test_lines_that_are_let_through(text: str) -> None:
    line = LINE.replace("(slow)", "(slow") if text == "(slow" else LINE
    assert parse_text(text).problem is None
    assert parse_text(text).matches(line)


@pytest.mark.parametrize(
    "text",
    [
        "stopped",
        "started stopped",
        "^node",
        "!started",
        "-f dtrats",
        '"node.*"',
        r"re:took\s+9",
        "-f !strtd",
    ],
)
def test_lines_that_are_left_out(text: str) -> None:
    assert parse_text(text).problem is None
    assert not parse_text(text).matches(LINE)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("ok re:(", "That is no regular expression: missing ), unterminated subpattern.", 6),
        ("re:", "`re:` wants a regular expression.", 0),
        ("ok !", "`!` wants what to leave out.", 3),
        ("ok -f", "`-f` wants characters to find in their order, such as -f sfe.", 3),
        ("re:" + "x" * 501, "A pattern has at most 500 characters.", 3),
        ("re:a{99999999999}", "That is no regular expression: it is too large.", 3),
    ],
)
def test_what_is_wrong_with_a_filter_is_told_with_its_place(text: str, message: str, position: int) -> None:
    problem = parse_text(text).problem
    assert problem is not None
    assert (problem.message, problem.position) == (message, position)
    assert problem.hint


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "((ab)*c?)+x",
        "(a{1,90})*",
        "(?:x+x+)+y",
        ".*.*.*.*.*x",
        r"([a-z]+\s?){2,}!",
    ],
)
def test_patterns_that_could_search_for_ever_are_refused(pattern: str) -> None:
    problem = parse_text(pattern).problem
    assert problem is not None
    assert problem.message == "That pattern could search for ever."


@pytest.mark.parametrize(
    "pattern",
    ["^ci-[0-9]+$", "(a|b)c", "a+b+c+", r"[(+*]+x", r"\(a+\)+", "(abc)+", "x{2,3}", "[]a]+", "(?:ab)*"],
)
def test_patterns_that_end_are_taken(pattern: str) -> None:
    assert parse_text(pattern).problem is None


def test_a_pattern_that_python_may_read_otherwise_one_day_warns_nobody() -> None:
    assert parse_text("[[a]").matches("an array")


def test_where_words_were_found_is_known_for_showing_it() -> None:
    assert parse_text("took node !stopped").spans("node took node") == ((0, 4), (5, 9))
    assert parse_text("re:x*").spans("node") == ()


@given(st.text(st.one_of(st.characters(), st.sampled_from("()[]{}*+?|^$\\!\"' -flre:")), max_size=30))
def test_whatever_is_typed_is_a_filter_or_a_problem(text: str) -> None:
    found = parse_text(text)
    if found.problem is None:
        found.matches(LINE)
        found.spans(LINE)
    else:
        assert found.problem.message
        assert found.problem.hint
        assert 0 <= found.problem.position <= len(text)
