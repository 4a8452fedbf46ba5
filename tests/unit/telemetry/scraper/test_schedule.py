"""When control planes are due."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.scraper import TargetId
from k3k_core.telemetry.scraper.schedule import Due, Schedule, phase

INTERVAL = 15.0


def ids(count: int) -> list[TargetId]:
    return [TargetId("host", f"team-{number % 7}", f"plane-{number}") for number in range(count)]


def play(schedule: Schedule, until: float) -> list[Due]:
    """Return what is due up to a time, asked for at the moments at which it is."""
    played: list[Due] = []
    while (at := schedule.next_at()) is not None and at <= until:
        played += schedule.due(at)
    return played


def test_a_control_plane_has_the_same_place_in_every_process() -> None:
    assert phase(TargetId("host", "team", "plane")) == pytest.approx(0.731, abs=0.001)


def test_places_are_spread_evenly() -> None:
    seconds = [int(phase(one) * 15) for one in ids(1500)]

    assert all(60 < seconds.count(second) < 140 for second in range(15))


def test_rounds_come_at_a_fixed_rate_without_drift() -> None:
    schedule = Schedule(INTERVAL)
    (one,) = ids(1)
    schedule.add([one], 0.0)

    _, *rounds = play(schedule, 1500.0)

    # However many there were before, each is at a whole number of intervals from time zero.
    offset = phase(one) * INTERVAL
    assert [due.at for due in rounds] == pytest.approx(
        [turn * INTERVAL + offset for turn in range(100 - len(rounds), 100)]
    )


def test_the_first_round_of_a_lone_newcomer_comes_at_once() -> None:
    schedule = Schedule(INTERVAL)

    schedule.add(ids(1), 100.0)

    assert play(schedule, 100.1) != []


def test_many_newcomers_are_spread_over_the_interval() -> None:
    schedule = Schedule(INTERVAL)
    newcomers = ids(1000)

    schedule.add(newcomers, 0.0)

    firsts: dict[TargetId, float] = {}
    for due in play(schedule, INTERVAL):
        firsts.setdefault(due.id, due.at)
    assert firsts.keys() == set(newcomers)
    assert max(firsts.values()) > 0.95 * INTERVAL


def test_the_second_round_is_at_least_half_an_interval_after_the_first() -> None:
    schedule = Schedule(INTERVAL)
    schedule.add(ids(40), 3.0)

    rounds: dict[TargetId, list[float]] = {}
    for due in play(schedule, 60.0):
        rounds.setdefault(due.id, []).append(due.at)

    assert all(INTERVAL / 2 <= second - first <= 1.5 * INTERVAL for first, second, *_ in rounds.values())


def test_rounds_that_nobody_began_in_time_are_left_out_and_counted() -> None:
    schedule = Schedule(INTERVAL)
    schedule.add(ids(1), 0.0)
    (_,) = play(schedule, 1.0)

    (due,) = schedule.due(100.0)

    assert 100.0 - INTERVAL < due.at <= 100.0
    assert due.missed in {5, 6}
    assert schedule.next_at() == pytest.approx(due.at + INTERVAL)


def test_one_that_was_removed_is_never_due_again() -> None:
    schedule = Schedule(INTERVAL)
    gone, stays = ids(2)
    schedule.add([gone, stays], 0.0)

    schedule.remove(gone)

    assert {due.id for due in play(schedule, 100.0)} == {stays}


def test_a_hastened_round_comes_now_and_the_later_ones_when_they_would_have() -> None:
    schedule = Schedule(INTERVAL)
    (one,) = ids(1)
    schedule.add([one], 0.0)
    play(schedule, 100.0)

    schedule.hasten(one, 101.0)

    first, second = play(schedule, 101.0 + 1.5 * INTERVAL)[:2]
    assert first.at == 101.0
    assert second.at % INTERVAL == pytest.approx(phase(one) * INTERVAL)
