"""`k3k list` over a stand-in for discovery."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import k3k_core.discovery
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
from tests.support.command import Command, FakeHosts
from tests.support.made_up import row

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


def test_wide_adds_where_it_comes_from_and_why(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
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
    for output in ("table", "wide", "json", "yaml", "name"):
        out = k3k("list", "-o", output, "--no-color").out
        assert "\x1b" not in out
        assert "\x07" not in out
