"""The verdict a host's own objects allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from k3k_core.discovery import ControlPlane
from k3k_core.discovery.control_plane import format_time
from k3k_core.discovery.k3k import rows
from k3k_core.discovery.verdict import STARTING_GRACE, Servers, judge
from k3k_core.host import Key

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=3)


def servers(
    *, wanted: int = 1, ready: int = 1, current: bool = True, updated: int = 1, since: datetime = OLD
) -> Servers:
    return Servers(wanted=wanted, ready=ready, current=current, updated=updated, since=since)


def verdict(
    found: Servers | None, *, deleting: bool = False, expires_at: datetime | None = None
) -> tuple[str, str]:
    return judge(found, now=NOW, deleting=deleting, expires_at=expires_at)


def test_all_servers_ready_is_healthy_and_needs_no_reason() -> None:
    assert verdict(servers()) == ("Healthy", "")


def test_some_servers_ready_is_degraded_and_counted() -> None:
    assert verdict(servers(wanted=3, ready=2, updated=3)) == ("Degraded", "2 of 3 servers ready")


def test_no_server_ready_is_progressing_within_the_grace_of_a_start() -> None:
    young = NOW - STARTING_GRACE + timedelta(seconds=1)
    assert verdict(servers(ready=0, since=young))[0] == "Progressing"


def test_no_server_ready_is_down_after_the_grace_of_a_start() -> None:
    assert verdict(servers(ready=0, since=NOW - STARTING_GRACE)) == ("Down", "0 of 1 servers ready")


def test_zero_servers_wanted_is_paused() -> None:
    assert verdict(servers(wanted=0, ready=0, updated=0))[0] == "Paused"


def test_a_missing_workload_is_progressing_and_says_how_to_go_on() -> None:
    word, reason = verdict(None)
    assert word == "Progressing"
    assert "k3k create" in reason


def test_ready_servers_of_an_older_specification_are_progressing() -> None:
    assert verdict(servers(wanted=3, ready=3, updated=1)) == (
        "Progressing",
        "1 of 3 servers run the newest specification",
    )


def test_a_specification_the_host_has_not_seen_is_progressing() -> None:
    assert verdict(servers(current=False))[0] == "Progressing"


@pytest.mark.parametrize("since_end", [timedelta(0), timedelta(hours=1)])
def test_a_time_to_live_that_is_over_is_expired_even_when_all_is_ready(since_end: timedelta) -> None:
    assert verdict(servers(), expires_at=NOW - since_end)[0] == "Expired"


def test_a_time_to_live_that_lasts_changes_nothing() -> None:
    assert verdict(servers(), expires_at=NOW + timedelta(seconds=1)) == ("Healthy", "")


def test_a_deletion_under_way_beats_everything_else() -> None:
    assert verdict(servers(), deleting=True, expires_at=OLD) == ("Progressing", "being deleted")


def test_a_marked_one_without_servers_is_paused_and_says_what_brings_it_back() -> None:
    gone = servers(wanted=0, ready=0, updated=0)
    assert judge(gone, now=NOW, deleting=False, expires_at=None, paused=True) == (
        "Paused",
        "`k3k resume` starts its servers again",
    )


@pytest.mark.parametrize(
    ("found", "etcd"),
    [
        (servers(), False),
        (servers(wanted=0, ready=1), False),
        (servers(wanted=0, ready=0, updated=0), True),
    ],
    ids=["asked for", "still ready", "etcd asked for"],
)
def test_a_marked_one_of_which_something_is_there_is_on_its_way(found: Servers, etcd: bool) -> None:
    word, reason = judge(found, now=NOW, deleting=False, expires_at=None, paused=True, etcd_asked_for=etcd)
    assert (word, reason.partition(":")[0]) == ("Progressing", "being paused or resumed")


def test_one_whose_servers_an_operation_took_away_is_not_paused() -> None:
    gone = servers(wanted=0, ready=0, updated=0)
    word, reason = judge(gone, now=NOW, deleting=False, expires_at=None, operation="restore (copying)")
    assert (word, reason.partition(":")[0]) == ("Progressing", "in the middle of restore (copying)")


def test_an_operation_under_way_is_told_of_one_that_is_down() -> None:
    word, reason = judge(servers(ready=0), now=NOW, deleting=False, expires_at=None, operation="migrate")
    assert (word, reason) == ("Down", "0 of 1 servers ready, in the middle of migrate")


def row_of(annotations: dict[str, str], *, replicas: int = 1, ready: int = 0) -> ControlPlane:
    """The row of a control plane that is three days old."""
    created = "2026-11-19T12:00:00Z"
    root = {
        "metadata": {
            "name": "ci-k3k",
            "namespace": "a",
            "creationTimestamp": created,
            "annotations": annotations,
        }
    }
    workload = {
        "metadata": {"name": "ci-k3k-server", "namespace": "a", "creationTimestamp": created},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready, "updatedReplicas": replicas},
    }
    roots, workloads = {Key("a", "ci-k3k"): root}, {Key("a", "ci-k3k-server"): workload}
    ((row, _front),) = rows("here", roots, workloads, {}, now=NOW)
    return row


def test_the_grace_of_a_start_counts_from_when_it_was_resumed() -> None:
    resumed = {"k3k.ayedo.de/resumed-at": format_time(NOW - timedelta(minutes=1)) or ""}
    assert row_of({}).verdict == "Down"
    assert row_of(resumed).verdict == "Progressing"


def test_marks_of_the_root_are_told_in_its_row() -> None:
    paused = row_of(
        {"k3k.ayedo.de/paused-at": "2026-11-22T11:00:00Z", "k3k.ayedo.de/protected": "true"}, replicas=0
    )
    assert (paused.verdict, paused.paused_at, paused.protected) == ("Paused", NOW - timedelta(hours=1), True)
    backed_up = row_of({"k3k.ayedo.de/backed-up-at": "2026-11-22T11:00:00Z"})
    assert backed_up.backed_up_at == NOW - timedelta(hours=1)
    note = '{"verb": "restore", "phase": "copying", "facts": {}}'
    assert "restore (copying)" in row_of({"k3k.ayedo.de/operation": note}, replicas=0).reason
    assert "an unknown operation" in row_of({"k3k.ayedo.de/operation": "[1"}, replicas=0).reason
