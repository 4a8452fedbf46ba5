"""`k3k list` over a stand-in for discovery."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import k3k_core.discovery
import k3k_core.fleet.snapshot
import k3k_core.lifecycle.create
import k3k_core.lifecycle.delete
import k3k_core.lifecycle.describe
import k3k_core.lifecycle.diff
import k3k_core.lifecycle.kubeconfig
from k3k_core.discovery import ControlPlane
from k3k_core.errors import (
    ForbiddenError,
    UnreachableError,
)
from k3k_core.fleet import FleetOptions, FleetRow
from k3k_core.fleet.rows import Reach
from k3k_core.telemetry.judgement import Judgement
from tests.support.command import Command, FakeHosts
from tests.support.made_up import row
from tests.support.made_up_signals import AT, finding, fleet_row, signals

pytestmark = pytest.mark.usefixtures("kubeconfig")


def listing(monkeypatch: pytest.MonkeyPatch, *rows: ControlPlane) -> list[Any]:
    """Stand in for discovery; return where its calls go."""
    calls: list[Any] = []

    async def stand_in(host: Any, *, namespace: str | None, now: datetime) -> tuple[ControlPlane, ...]:
        calls.append((host.name, namespace))
        return tuple(found for found in rows if found.host == host.name)

    monkeypatch.setattr(k3k_core.discovery, "list_control_planes", stand_in)
    return calls


def test_list_shows_a_table_of_all_namespaces(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    calls = listing(monkeypatch, row(host="current"))
    ended = k3k("list")
    assert ended.out.splitlines() == [
        "NAME   NAMESPACE   STATUS    VERSION        SERVERS   DATASTORE   ADDRESS            AGE   TTL",
        "ci     team-a      Healthy   v1.36.2+k3s1   1/1       sqlite      203.0.113.7:6443   30m   -",
    ]
    assert calls == [("current", None)]


def test_list_of_one_namespace(k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> None:
    calls = listing(monkeypatch)
    ended = k3k("-n", "team-b", "list")
    assert (ended.out, ended.err) == ("", "No control planes in namespace team-b.\n")
    assert calls == [("current", "team-b")]


def test_all_namespaces_beats_a_configured_one(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    calls = listing(monkeypatch)
    monkeypatch.setenv("K3K_NAMESPACE", "team-b")
    k3k("list", "-A")
    assert calls == [("current", None)]


def test_list_of_several_hosts_has_a_column_for_them(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch, row(host="prod"), row(host="stage", name="dev"))
    lines = k3k("list", "--context", "prod", "--context", "stage").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["HOST", "NAME"], ["prod", "ci"], ["stage", "dev"]]


def test_an_unreachable_host_is_told_while_the_others_are_shown(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch, row(host="prod"))
    hosts.fail["stage"] = UnreachableError("stage does not answer.")
    ended = k3k("list", "--context", "prod", "--context", "stage", "-o", "name")
    assert (ended.code, ended.out) == (0, "team-a/ci\n")
    assert ended.err == "warning: host stage: stage does not answer.\n"


def test_when_no_host_answers_the_list_fails(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch)
    for name in ("prod", "stage", "dev"):
        hosts.fail[name] = UnreachableError(f"{name} does not answer.")
    ended = k3k("list", "--all-contexts")
    assert (ended.code, ended.out) == (6, "")
    assert ended.err == "k3k: prod does not answer.\nstage does not answer.\ndev does not answer.\n"


def test_list_as_json_has_items_and_errors(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found = row(host="prod")
    listing(monkeypatch, found)
    hosts.fail["stage"] = ForbiddenError("You may not list Secrets.")
    document = json.loads(k3k("list", "--context", "prod", "--context", "stage", "-o", "json").out)
    assert document == {
        "schema": "k3k.list/v1",
        "items": [found.to_dict()],
        "errors": [{"host": "stage", "message": "You may not list Secrets.", "exitCode": 7}],
    }


def looking(monkeypatch: pytest.MonkeyPatch, *seen: FleetRow) -> list[FleetOptions]:
    """Stand in for the look at a fleet; return what it is asked to look at."""
    asked: list[FleetOptions] = []

    async def stand_in(options: FleetOptions, **_: float) -> dict[Any, FleetRow]:
        asked.append(options)
        return {row.id: row for row in seen}

    monkeypatch.setattr(k3k_core.fleet.snapshot, "look", stand_in)
    return asked


def test_wide_has_columns_for_latency_datastore_queue_and_certificate(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found = row(host="current")
    listing(monkeypatch, found)
    looking(monkeypatch, fleet_row(signals(), control_plane=found))
    ended = k3k("list", "-o", "wide")
    heading, line = ended.out.splitlines()
    assert "READ P99   WRITE P99   DATASTORE P99   QUEUE           CERT   SYSTEM" in heading
    assert "50 ms      80 ms       7 ms            deployment 12   64d    k3k" in line
    assert ended.err == ""


def test_what_was_measured_decides_the_status_of_the_wide_list(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found = row(host="current")
    listing(monkeypatch, found)
    judgement = Judgement("Degraded", AT, (finding(),))
    looking(monkeypatch, fleet_row(signals(), control_plane=found, judgement=judgement))
    line = k3k("list", "-o", "wide").out.splitlines()[1]
    assert line.split()[2] == "Degraded"
    assert line.endswith("Queue deployment is stuck with 12 items.")


def test_rows_without_signals_show_nothing_and_a_note_says_why(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found, other = row(host="current"), row(host="current", name="other")
    listing(monkeypatch, found, other)
    looking(monkeypatch, fleet_row(control_plane=found), fleet_row(signals(), control_plane=other))
    ended = k3k("list", "-o", "wide")
    assert ended.out.splitlines()[1].split()[9:14] == ["-"] * 5
    assert ended.err == (
        "1 of 2 control planes without signals; team-a/ci: its metrics cannot be reached (no route).\n"
    )


def test_where_secrets_may_not_be_read_the_wide_list_says_so_once(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found = [row(host="current", name=name) for name in ("a", "b", "c")]
    listing(monkeypatch, *found)
    reach = Reach(None, "you may not get Secrets.", "Ask for it.", forbidden=True)
    looking(monkeypatch, *(fleet_row(control_plane=one, reach=reach) for one in found))
    ended = k3k("list", "-o", "wide")
    assert (ended.code, len(ended.out.splitlines())) == (0, 4)
    assert ended.err == "3 of 3 control planes without signals; team-a/a: you may not get Secrets.\n"


def test_only_hosts_that_answered_are_measured(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch, row(host="prod"))
    hosts.fail["stage"] = UnreachableError("stage does not answer.")
    asked = looking(monkeypatch)
    k3k("list", "--context", "prod", "--context", "stage", "-o", "wide", "-n", "team-a")
    (options,) = asked
    assert [host.context for host in options.hosts] == ["prod"]
    assert options.namespace == "team-a"


@pytest.mark.parametrize(
    "arguments", [(), ("-o", "json"), ("-o", "name", "--signals"), ("-o", "wide", "--no-signals")]
)
def test_other_lists_read_no_metrics(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, arguments: tuple[str, ...]
) -> None:
    listing(monkeypatch, row(host="current"))
    asked = looking(monkeypatch)
    assert k3k("list", *arguments).code == 0
    assert asked == []


def test_a_large_fleet_is_read_by_several_processes_over_a_longer_time(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    listing(monkeypatch, *(row(host="current", name=f"cp-{number}") for number in range(500)))
    asked = looking(monkeypatch)
    k3k("list", "-o", "wide")
    (options,) = asked
    assert options.workers == 2
    assert options.scrape is not None
    assert 5 < options.scrape.interval < 20


def test_signals_make_items_of_a_list_for_programs_longer(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    found, unseen = row(host="current"), row(host="current", name="unseen")
    listing(monkeypatch, found, unseen)
    seen = fleet_row(signals(), control_plane=found)
    looking(monkeypatch, seen)
    items = json.loads(k3k("list", "-o", "json", "--signals").out)["items"]
    assert items == [seen.to_dict(), {**unseen.to_dict(), "signals": None}]


def test_rules_go_with_signals(k3k: Command) -> None:
    ended = k3k("list", "--rules", "rules.yaml")
    assert ended.code == 2
    assert "--rules goes with -o wide or --signals" in ended.err


def test_wide_adds_where_it_comes_from_and_why(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    looking(monkeypatch)
    listing(monkeypatch, row(host="current", verdict="Down", reason="no server is ready", made_by="helm"))
    heading, line = k3k("list", "-o", "wide").out.splitlines()
    assert heading.endswith("SYSTEM   MADE BY   REASON")
    assert line.endswith("k3k      helm      no server is ready")


def test_a_time_to_live_that_has_ended_is_shown_as_expired(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch, row(host="current", expires_at=datetime.now(UTC) - timedelta(hours=1)))
    assert k3k("list").out.splitlines()[1].endswith("expired")


def test_names_from_a_cluster_cannot_speak_to_the_terminal(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    listing(monkeypatch, row(host="current", verdict="Down", reason="\x1b]0;owned\x07\nrm -rf /"))
    looking(monkeypatch)
    for output in ("table", "wide", "json", "yaml", "name"):
        out = k3k("list", "-o", output, "--no-color").out
        assert "\x1b" not in out
        assert "\x07" not in out
