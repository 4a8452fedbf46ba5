"""What a change of a time to live comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from k3k_core.errors import UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.describe import describe
from k3k_core.lifecycle.ttl import parse_ttl
from k3k_core.names import ANNOTATION_EXPIRES_AT, ANNOTATION_PROTECTED, ControlPlaneId
from tests.support.fleet_host import FleetHost, control_plane

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "ends", "becomes"),
    [
        ("+1h", NOW + HOUR, NOW + 2 * HOUR),
        ("+1h", NOW - HOUR, NOW + HOUR),
        ("+1h", None, NOW + HOUR),
        ("90m", NOW + 5 * HOUR, NOW + 1.5 * HOUR),
        ("2d", None, NOW + 48 * HOUR),
        ("never", NOW + HOUR, None),
        ("never", None, None),
    ],
)
def test_a_change_is_counted_from_the_end_or_from_now(
    text: str, ends: datetime | None, becomes: datetime | None
) -> None:
    assert parse_ttl(text).apply(ends, NOW) == becomes


@pytest.mark.parametrize("text", ["", "+", "soon", "-1h", "+-1h", "1", "0h", "+0s", "11y", "NEVER", "1h 5m"])
def test_anything_else_is_wrong_use_and_says_what_is_right(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_ttl(text)
    assert "+1h" in refusal.value.hint


def host_with(**annotations: str) -> HostApi:
    host = FleetHost()
    objects: list[dict[str, Any]] = [*control_plane("ci")]
    root = next(item for item in objects if item["metadata"]["name"] == "ci-k3k" and item["kind"] == "Secret")
    root["metadata"]["annotations"] = {**(root["metadata"].get("annotations") or {}), **annotations}
    host.put(*objects)
    return cast("HostApi", host)


@pytest.mark.parametrize(
    ("left", "told"),
    [(2 * HOUR, ""), (HOUR / 2, "ends in 30m"), (-HOUR, "ended 60m ago: `k3k prune` deletes it")],
)
async def test_a_description_warns_of_an_end_that_is_near_or_past(left: timedelta, told: str) -> None:
    ends = (NOW + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    host = host_with(**{ANNOTATION_EXPIRES_AT: ends})
    found = await describe(host, ControlPlaneId("team-a", "ci"), now=NOW)
    messages = [item.message for item in found.conditions if item.type == "TimeLeft"]
    assert [message.partition(";")[0] for message in messages] == ([told] if told else [])
    assert all("`k3k ttl ci +1h -n team-a`" in message for message in messages)


async def test_a_description_says_that_the_end_of_a_protected_one_means_nothing() -> None:
    marks = {ANNOTATION_EXPIRES_AT: "2026-11-23T11:00:00Z", ANNOTATION_PROTECTED: "true"}
    found = await describe(host_with(**marks), ControlPlaneId("team-a", "ci"), now=NOW)
    assert found.summary.protected
    assert "protected from that" in found.conditions[-1].message
