"""Parts of a fleet."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_core.fleet import Shard
from k3k_core.telemetry.scraper.target import TargetId

KEYS = [TargetId(f"host-{number % 3}", f"team-{number % 7}", f"cp-{number}") for number in range(600)]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_control_plane_belongs_to_exactly_one_part(count: int) -> None:
    parts = [Shard(index, count) for index in range(count)]
    assert all(sum(part.holds(key) for part in parts) == 1 for key in KEYS)


def test_parts_are_about_equal() -> None:
    sizes = [sum(Shard(index, 4).holds(key) for key in KEYS) for index in range(4)]
    assert min(sizes) > 100


def test_a_part_is_the_same_in_every_process() -> None:
    found = [index for index in range(5) if Shard(index, 5).holds(TargetId("prod", "team-a", "ci"))]
    assert found == [2]


def test_names_do_not_run_into_each_other() -> None:
    keys = {TargetId("a", f"{'b' * number}", f"{'b' * (40 - number)}c") for number in range(1, 40)}
    assert 0 < sum(Shard(0, 2).holds(key) for key in keys) < len(keys)


@pytest.mark.parametrize(("text", "index", "count"), [("1/3", 0, 3), (" 3/3 ", 2, 3), ("1/1", 0, 1)])
def test_people_count_parts_from_one(text: str, index: int, count: int) -> None:
    assert Shard.parse(text) == Shard(index, count)


@pytest.mark.parametrize(
    "text", ["", "0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5", "1/99999999", "\u0661/\u0663"]
)
def test_what_is_no_part_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="no part of a fleet"):
        Shard.parse(text)


def test_a_part_is_written_as_it_is_read() -> None:
    assert str(Shard.parse("2/3")) == "2/3"
