"""Logs of simulated containers: what is written, what comes by itself, where a reader goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from k3k_core.sandbox.fault_board import Spells
from k3k_core.sandbox.k3s.log_lines import ServerChatter, in_k3s_form
from k3k_core.sandbox.node.log import KEPT_FOR, KEPT_LINES, Entry, Log

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def every_second(since: datetime, until: datetime) -> Iterator[Entry]:
    second = since.replace(microsecond=0) + timedelta(seconds=1)
    while second <= until:
        yield Entry(second, f"{second:%H:%M:%S}")
        second += timedelta(seconds=1)


def texts(lines: list[Entry]) -> list[str]:
    return [line.text for line in lines]


def test_written_lines_and_those_that_come_by_themselves_are_in_the_order_of_time() -> None:
    clock = Clock()
    log = Log(clock, every_second)
    clock.go(1.5)
    log.write("written")
    clock.go(1.0)
    assert texts(log.read()[0]) == ["12:00:01", "written", "12:00:02"]


def test_a_reader_goes_on_with_what_is_new_and_misses_nothing() -> None:
    clock = Clock()
    log = Log(clock, every_second)
    clock.go(1.0)
    first, mark = log.read()
    log.write("written")
    clock.go(1.0)
    second, mark = log.read_on(mark)
    clock.go(0.5)
    third, _ = log.read_on(mark)
    assert [texts(lines) for lines in (first, second, third)] == [["12:00:01"], ["written", "12:00:02"], []]


def test_nothing_is_added_after_the_end() -> None:
    clock = Clock()
    log = Log(clock, every_second)
    clock.go(1.0)
    log.end()
    clock.go(9.0)
    assert (log.ended, texts(log.read()[0])) == (True, ["12:00:01"])


def test_only_the_newest_lines_are_kept() -> None:
    clock = Clock()
    log = Log(clock)
    for number in range(KEPT_LINES + 5):
        log.write(str(number))
    assert texts(log.read()[0])[0] == "5"
    chatty = Log(clock, every_second)
    clock.go(KEPT_FOR.total_seconds() * 2)
    assert len(chatty.read()[0]) == KEPT_FOR.total_seconds()


def test_a_line_bears_the_time_the_kubelet_gives_it() -> None:
    assert Entry(START, "words").stamped == "2026-11-22T12:00:00.000000000Z words"


def test_lines_have_the_two_forms_of_k3s() -> None:
    assert in_k3s_form(START, "info", 'says "so"') == (
        'time="2026-11-22T12:00:00Z" level=info msg="says \\"so\\""'
    )
    assert in_k3s_form(START, "W", "words", "file.go:1") == "W1122 12:00:00.000000       1 file.go:1] words"


def chatter(seed: str, spells: Spells | None = None) -> list[Entry]:
    return list(ServerChatter(seed, spells or Spells())(START, START + timedelta(minutes=10)))


def test_a_server_writes_the_same_lines_for_the_same_seed_however_they_are_read() -> None:
    whole = chatter("a")
    server = ServerChatter("a", Spells())
    steps = [START + timedelta(seconds=17 * number) for number in range(36)]
    parts = [line for since, until in pairwise(steps) for line in server(since, until)]
    assert parts == [line for line in whole if line.at <= steps[-1]]
    assert whole == sorted(whole)
    assert len(whole) > 20
    assert whole != chatter("b")


def test_a_fault_shows_in_the_log_for_as_long_as_it_is_on() -> None:
    spells = Spells()
    spells.on("datastore-slow", (START + timedelta(minutes=2)).timestamp())
    spells.off("datastore-slow", (START + timedelta(minutes=5)).timestamp())
    minutes = {
        (line.at - START) // timedelta(minutes=1) for line in chatter("a", spells) if "Slow SQL" in line.text
    }
    assert minutes == {2, 3, 4}
