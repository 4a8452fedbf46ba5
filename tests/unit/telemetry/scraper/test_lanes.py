"""Who gets a slot."""

from __future__ import annotations

from k3k_core.telemetry.scraper import TargetId
from k3k_core.telemetry.scraper.lanes import Lane, Lanes


def plane(name: str) -> TargetId:
    return TargetId("host", "team", name)


def lanes(**slots: int) -> Lanes:
    names: tuple[Lane, ...] = ("steady", "new", "suspect", "overdue")
    return Lanes({name: slots.get(name, 0) for name in names})


def admitted(which: Lanes) -> list[str]:
    return [one.name for one, _ in which.admit()]


def test_the_one_that_was_due_first_goes_first() -> None:
    which = lanes(steady=1)
    which.wait(plane("late"), "steady", 2.0)
    which.wait(plane("early"), "steady", 1.0)

    assert admitted(which) == ["early"]


def test_a_freed_slot_goes_to_the_next_one() -> None:
    which = lanes(steady=1)
    which.wait(plane("a"), "steady", 1.0)
    which.wait(plane("b"), "steady", 2.0)
    admitted(which)

    which.leave(plane("a"))

    assert admitted(which) == ["b"]


def test_suspects_take_no_slot_of_others() -> None:
    which = lanes(steady=2, suspect=1)
    for name in ("bad-1", "bad-2", "bad-3"):
        which.wait(plane(name), "suspect", 1.0)
    which.wait(plane("good"), "steady", 9.0)

    assert sorted(admitted(which)) == ["bad-1", "good"]
    assert which.waiting == 2


def test_those_on_screen_go_first() -> None:
    which = lanes(steady=1)
    which.wait(plane("early"), "steady", 1.0)
    which.wait(plane("on-screen"), "steady", 2.0)

    which.focus({plane("on-screen")})

    assert admitted(which) == ["on-screen"]


def test_those_that_come_on_screen_later_go_first_too() -> None:
    which = lanes(steady=1)
    which.focus({plane("on-screen")})
    which.wait(plane("early"), "steady", 1.0)
    which.wait(plane("on-screen"), "steady", 2.0)

    assert admitted(which) == ["on-screen"]


def test_a_round_that_has_waited_for_an_interval_keeps_its_place_but_only_one_is_made() -> None:
    which = lanes(steady=1)
    which.wait(plane("a"), "steady", 1.0)
    which.wait(plane("b"), "steady", 2.0)

    assert which.wait(plane("a"), "steady", 16.0)

    assert [(one.name, at) for one, at in which.admit()] == [("a", 16.0)]
    which.leave(plane("a"))
    assert admitted(which) == ["b"]
    which.leave(plane("b"))
    assert admitted(which) == []


def test_one_that_left_while_it_waited_gets_no_slot() -> None:
    which = lanes(steady=1)
    which.wait(plane("gone"), "steady", 1.0)

    which.leave(plane("gone"))

    assert admitted(which) == []
    assert which.waiting == 0


def test_a_long_round_gives_its_slot_back_and_goes_on() -> None:
    which = lanes(steady=1, overdue=1)
    which.wait(plane("long"), "steady", 1.0)
    which.wait(plane("next"), "steady", 2.0)
    admitted(which)

    assert which.outstay(plane("long"))

    assert admitted(which) == ["next"]
    assert which.active == 2


def test_a_long_round_keeps_its_slot_when_too_many_are_long() -> None:
    which = lanes(steady=2, overdue=1)
    for name in ("a", "b", "c"):
        which.wait(plane(name), "steady", 1.0)
    admitted(which)

    assert which.outstay(plane("a"))
    assert not which.outstay(plane("b"))

    which.leave(plane("a"))
    assert which.outstay(plane("b"))
