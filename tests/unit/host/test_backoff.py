"""Delays between attempts."""

from __future__ import annotations

from k3k_core.host.backoff import Backoff


def test_delays_grow_up_to_the_limit() -> None:
    backoff = Backoff(first=1, factor=2, limit=5, jitter=0)

    assert [backoff.delay(failures) for failures in (1, 2, 3, 4, 100_000)] == [1, 2, 4, 5, 5]


def test_jitter_only_shortens_a_delay() -> None:
    always = Backoff(first=1, jitter=0.5, random=lambda: 1.0)
    never = Backoff(first=1, jitter=0.5, random=lambda: 0.0)

    assert (always.delay(1), never.delay(1)) == (0.5, 1.0)
