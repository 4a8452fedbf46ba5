"""The lines of a log that are kept and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.screens.control_plane.log_buffer import MOST_LINES, LogBuffer, LogEntry, entry, level_role
from k3k_tui.text import width
from k3k_tui.view.text_filter import parse_text

POD = "ci-k3k-server-0"


def at(second: int, text: str, pod: str = POD) -> LogEntry:
    return entry(pod, f"2026-01-01T00:00:{second:02d}.000000000Z {text}")


def shown(buffer: LogBuffer) -> list[str]:
    return ["".join(cell.text for cell in buffer.line(index)) for index in range(len(buffer))]


def test_lines_stand_in_the_order_they_came_without_their_times() -> None:
    buffer = LogBuffer()
    buffer.add([at(1, "one"), at(2, "two")])
    assert shown(buffer) == ["one", "two"]


def test_times_and_servers_are_shown_when_asked_for() -> None:
    buffer = LogBuffer()
    buffer.add([at(1, "one")])
    buffer.times = buffer.names = True
    buffer.lay_out()
    assert shown(buffer) == [f"{POD}  2026-01-01 00:00:01.000  one"]


def test_a_line_without_a_time_is_shown_whole() -> None:
    assert entry(POD, "panic: no time at all") == LogEntry(POD, "", "panic: no time at all")


def test_what_was_told_again_after_a_broken_connection_is_shown_once() -> None:
    buffer = LogBuffer()
    buffer.add([at(1, "one"), at(2, "two")])
    buffer.add([at(2, "two"), at(3, "three")])
    assert shown(buffer) == ["one", "two", "three"]


def test_servers_do_not_hide_each_others_lines() -> None:
    buffer = LogBuffer()
    buffer.add([at(5, "late"), at(1, "early", "other")])
    assert shown(buffer) == ["late", "early"]


def test_only_lines_that_match_are_shown_and_why_stands_out() -> None:
    buffer = LogBuffer(filter=parse_text("etcd"))
    buffer.add([at(1, "etcd is slow"), at(2, "all is well")])
    assert shown(buffer) == ["etcd is slow"]
    assert next(cell.role for cell in buffer.line(0) if cell.text == "etcd") == "title"
    assert buffer.total == 2


def test_another_filter_looks_at_everything_that_is_kept() -> None:
    buffer = LogBuffer(filter=parse_text("nothing"))
    buffer.add([at(1, "one"), at(2, "two")])
    buffer.filter = parse_text("!one")
    buffer.lay_out()
    assert shown(buffer) == ["two"]


def test_the_oldest_lines_are_given_up_and_it_is_told_how_many_were_in_sight() -> None:
    buffer = LogBuffer(filter=parse_text("even"))
    lines = [LogEntry(POD, "", "even" if number % 2 == 0 else "odd") for number in range(MOST_LINES + 4)]
    assert buffer.add(lines[:MOST_LINES]) == 0
    assert buffer.add(lines[MOST_LINES:]) == 2
    assert (buffer.total, len(buffer)) == (MOST_LINES, MOST_LINES // 2)


def test_long_lines_are_broken_and_saved_whole() -> None:
    buffer = LogBuffer(wrap=4)
    buffer.add([at(1, "abcdefghij"), at(2, "xyz")])
    assert shown(buffer) == ["abcd", "efgh", "ij", "xyz"]
    assert buffer.text() == "abcdefghij\nxyz\n"


def test_what_is_saved_is_what_is_seen() -> None:
    buffer = LogBuffer(filter=parse_text("o"), times=True)
    buffer.add([at(1, "one"), at(2, "rest")])
    assert buffer.text() == "2026-01-01 00:00:01.000  one\n"


def test_without_times_a_log_begins_anew_when_it_is_gone_on_with() -> None:
    buffer = LogBuffer()
    buffer.add([LogEntry(POD, "", "one")])
    buffer.resume()
    buffer.add([LogEntry(POD, "", "one")])
    assert shown(buffer) == ["one"]


def test_what_a_program_wrote_is_shown_and_never_interpreted() -> None:
    buffer = LogBuffer()
    buffer.add([at(1, "\x1b]0;title\x07\ttab [bold]no[/bold] \u202e")])
    assert shown(buffer) == ["\\e]0;title\\x07    tab [bold]no[/bold] \\u202e"]


@given(st.text(max_size=60), st.integers(2, 30))
def test_a_broken_line_loses_nothing_and_fits(text: str, columns: int) -> None:
    buffer = LogBuffer(wrap=columns)
    buffer.add([LogEntry(POD, "", text)])
    assert "".join(shown(buffer)) == text
    assert all(width(line) <= columns or len(line) == 1 for line in shown(buffer))


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ('time="2026-01-01T00:00:00Z" level=info msg="Starting"', "text"),
        ('time="2026-01-01T00:00:00Z" level=warning msg="Slow"', "warn"),
        ('time="2026-01-01T00:00:00Z" level=fatal msg="Gone"', "bad"),
        ("E0101 00:00:00.000000       1 controller.go:97] no luck", "bad"),
        ("W0101 00:00:00.000000       1 dispatcher.go:1] hm", "warn"),
        ('{"level":"error","ts":"2026-01-01","msg":"lost leader"}', "bad"),
        ("plain words about an error", "text"),
    ],
)
def test_how_bad_a_line_is_stands_in_it(line: str, role: str) -> None:
    assert level_role(line) == role


def test_what_stands_before_a_message_steps_back() -> None:
    buffer = LogBuffer(filter=parse_text("ready"))
    buffer.add([at(1, 'time="2026-01-01T00:00:00Z" level=info msg="k3s is ready"')])
    assert [(cell.text, cell.role) for cell in buffer.line(0)] == [
        ('time="2026-01-01T00:00:00Z" level=info msg=', "muted"),
        ('"k3s is ', "text"),
        ("ready", "title"),
        ('"', "text"),
    ]
