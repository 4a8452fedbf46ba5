"""What a server is asked, by how it has behaved."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.scraper.failure import Kind, TargetError
from k3k_core.telemetry.scraper.standing import Backoff, Standing

Outcome = tuple[Kind | None, Kind | None]
"""Kinds of failure of probe and page."""

DEAD: Outcome = ("connect", "connect")
SLOW_CHECKS: Outcome = ("timeout", None)

BACKOFF = Backoff(interval=15.0, limit=120.0, chance=lambda: 0.5)


def error(kind: Kind) -> TargetError:
    return TargetError(kind, f"a {kind} failure")


def after(*rounds: Outcome) -> Standing:
    """Return the standing after rounds at 0, 15, 30 ... s."""
    standing = Standing(BACKOFF)
    for number, (probe, page) in enumerate(rounds):
        standing.record(
            15.0 * number,
            probe=error(probe) if probe else None,
            page=error(page) if page else None,
            page_asked=True,
        )
    return standing


def rounds_left_out(standing: Standing, last: float) -> int:
    """Return how many rounds after the last one are left out wholly."""
    number = 0
    while standing.resting(last + 15.0 * (number + 1)):
        number += 1
    return number


@pytest.mark.parametrize(("failures", "left_out"), [(1, 0), (2, 1), (3, 3), (4, 7), (5, 7), (60, 7)])
def test_a_dead_server_is_left_alone_for_longer_and_longer_up_to_the_limit(
    failures: int, left_out: int
) -> None:
    standing = after(*[DEAD] * failures)

    assert rounds_left_out(standing, 15.0 * (failures - 1)) == left_out


def test_chance_makes_pauses_differ() -> None:
    pauses = [
        Backoff(15.0, 120.0, chance=chance).pause(5) for chance in (lambda: 0.0, lambda: 0.5, lambda: 0.99)
    ]

    assert pauses == pytest.approx([96 - 7.5, 120 - 7.5, 143.52 - 7.5])


def test_an_answer_ends_all_pauses() -> None:
    standing = after(*[DEAD] * 5, (None, None))

    assert not standing.resting(75.1)
    assert not standing.page_resting(75.1)
    assert not standing.suspect


def test_a_server_that_answers_probes_only_is_probed_on_and_asked_for_its_page_less_often() -> None:
    standing = after((None, "page"), (None, "page"))

    assert not standing.resting(15.1)
    assert standing.page_resting(30.0)
    assert not standing.page_resting(45.0)


def test_a_page_that_is_refused_costs_nothing_and_is_asked_for_in_every_round() -> None:
    refused: Outcome = (None, "status")
    standing = after(*[refused] * 10)

    assert not standing.page_resting(135.1)
    assert not standing.suspect


def test_a_page_makes_up_for_a_probe_that_hangs_but_the_server_stays_suspect() -> None:
    standing = after(*[SLOW_CHECKS] * 10)

    assert not standing.resting(135.1)
    assert standing.suspect


def test_a_round_without_the_page_does_not_forget_what_was_wrong_with_it() -> None:
    standing = after((None, "page"), (None, "page"))

    standing.record(30.0, probe=None, page=None, page_asked=False)

    assert standing.page_error == "a page failure"
    assert standing.suspect
    standing.record(45.0, probe=None, page=error("page"), page_asked=True)
    assert standing.page_resting(75.0)


def test_an_etcd_member_is_judged_by_its_page_alone() -> None:
    standing = after((None, "connect"), (None, "connect"), (None, "connect"))

    assert rounds_left_out(standing, 30.0) == 3
