"""Which backups go, and what their names mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.backups.naming import BackupName, new_name, parse_name
from k3k_core.backups.retention import Keep, superfluous
from k3k_core.names import ControlPlaneId

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ONE, TWO = ControlPlaneId("team", "one"), ControlPlaneId("team", "two")


def of(identity: ControlPlaneId, *days: int) -> list[BackupName]:
    return [BackupName(identity, NOW - timedelta(days=each)) for each in days]


def going(names: list[BackupName], keep: Keep) -> list[int]:
    return [(NOW - each.at).days for each in superfluous(names, keep, NOW)]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (Keep(2), [9, 5, 3]),
        (Keep(2, timedelta(days=4)), [9, 5]),
        (Keep(0, timedelta(days=2)), [9, 5, 3]),
        (Keep(0, timedelta(hours=1)), [9, 5, 3, 1]),
        (Keep(99), []),
    ],
    ids=["by number", "by number and age", "by age", "all are old", "more than there are"],
)
def test_backups_beyond_what_is_kept_go_the_oldest_first(keep: Keep, expected: list[int]) -> None:
    assert going(of(ONE, 0, 1, 3, 5, 9), keep) == expected


def test_each_control_plane_keeps_its_own() -> None:
    assert superfluous([*of(ONE, 1, 2), *of(TWO, 3)], Keep(1), NOW) == tuple(of(ONE, 2))


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(0, 9), st.none() | st.integers(1, 100))
def test_the_newest_always_stays(days: set[int], newest: int, age: int | None) -> None:
    keep = Keep(newest, timedelta(days=age) if age is not None else None)
    left = set(of(ONE, *days)) - set(superfluous(of(ONE, *days), keep, NOW))
    assert of(ONE, min(days))[0] in left
    assert len(left) >= min(newest, len(days))


def test_a_name_says_what_and_when() -> None:
    name = new_name(ONE, datetime(2026, 11, 23, 8, 0, 0, 999, tzinfo=UTC))
    assert str(name) == "team.one.20261123T080000Z"
    assert parse_name(name.archive) == parse_name(name.summary) == parse_name(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", "one.20261123T080000Z", "team.one.2026", "team.one.20261399T080000Z", "a.b.c"]
)
def test_what_is_no_name_of_a_backup_is_none(text: str) -> None:
    assert parse_name(text) is None
