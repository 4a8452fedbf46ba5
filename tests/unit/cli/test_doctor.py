"""`k3k doctor`: the verdict explained."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import k3k_core.lifecycle.describe
from k3k_core.discovery import ControlPlane
from k3k_core.fleet import FleetRow
from k3k_core.lifecycle.description import Condition, Description, EventLine, ServerPod
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.signals.model import Signals
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.fake_look import FakeLook, look
from tests.support.made_up import row
from tests.support.made_up_signals import finding, fleet_row, signals

__all__ = ["look"]

NOW = datetime.now(UTC)


def described(plane: ControlPlane, **other: Any) -> Description:
    """What the host's objects say."""
    usual: dict[str, Any] = {
        "summary": plane,
        "revision": 1,
        "values": {},
        "endpoints": (),
        "servers": (ServerPod("ci-k3k-server-0", True, "Running", 0, "node", "10.1.0.1"),),
        "certificates": (),
        "conditions": (Condition("ServersReady", "True", "1 of 1 servers ready"),),
        "volumes": (),
        "events": (),
        "now": NOW,
    }
    return Description(**{**usual, **other})


@pytest.fixture
def doctor(
    k3k: Command, look: FakeLook, hosts: FakeHosts, kubeconfig: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Runs `k3k doctor ci` on made-up facts."""

    def run(seen: FleetRow, *arguments: str, **description: Any) -> Any:
        look.rows = [seen]
        stand_in = async_returning(described(seen.control_plane, **description))
        monkeypatch.setattr(k3k_core.lifecycle.describe, "describe", stand_in)
        return k3k("doctor", "ci", "--for", "1ms", *arguments)

    return run


def now(seconds: float = 0.0) -> float:
    """Seconds since 1970, some of them ago."""
    return time.time() - seconds


def measured() -> Signals:
    """Signals of this moment."""
    return signals(at=now())


def test_a_healthy_one_ends_with_0(doctor: Any) -> None:
    ended = doctor(fleet_row(measured(), judgement=Judgement("Healthy", now(60))))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("team-a/ci: Healthy for ")
    assert "\nChecked and fine:\n" in ended.out


@pytest.mark.parametrize("verdict", ["Degraded", "Down", "Progressing", "Paused", "Expired", "Unknown"])
def test_any_other_ends_with_1(doctor: Any, verdict: Any) -> None:
    ended = doctor(fleet_row(measured(), judgement=Judgement(verdict, now(60))))
    assert ended.code == 1
    assert f"team-a/ci: {verdict} for " in ended.out


def test_one_that_could_not_be_measured_does_not_pass_for_healthy(doctor: Any) -> None:
    ended = doctor(fleet_row(judgement=Judgement("Healthy", now(60))), "-o", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["verdict"], document["measured"]) == (1, "Healthy", False)


def test_a_finding_says_rule_time_value_and_what_to_do(doctor: Any) -> None:
    found = finding(since=now(120))
    out = doctor(fleet_row(measured(), judgement=Judgement("Degraded", now(60), (found,)))).out
    assert "QueueStuck (warning)" in out
    assert "Queue deployment is stuck with 12 items." in out
    assert "What to do: Look at the log of the server." in out


def test_what_has_not_lasted_long_enough_is_told(doctor: Any) -> None:
    pending = finding(rule="QueueDeep", since=now(30))
    out = doctor(fleet_row(measured(), judgement=Judgement("Healthy", now(60), (), (pending,)))).out
    assert "Seen, but not for long enough yet:" in out
    assert "QueueDeep (warning), for " in out


def test_out_of_reach_it_tells_why_and_what_to_do(doctor: Any) -> None:
    out = doctor(fleet_row(judgement=Judgement("Healthy", now(60)))).out
    assert (
        "Why its metrics are not read:\n  its metrics cannot be reached (no route)\n  What to do: Route it.\n"
        in out
    )
    assert "\nNot checked:\n" in out


def test_facts_of_the_host_are_told(doctor: Any) -> None:
    seen = fleet_row(
        None,
        control_plane=row(verdict="Down", reason="0 of 1 servers ready"),
        judgement=Judgement("Down", now(60)),
    )
    warning = EventLine(
        NOW - timedelta(minutes=5), "Warning", "BackOff", "Pod/ci-k3k-server-0", "back-off", 3
    )
    old = EventLine(NOW - timedelta(hours=3), "Warning", "Old", "Pod/ci-k3k-server-0", "long ago", 1)
    normal = EventLine(NOW, "Normal", "Pulled", "Pod/ci-k3k-server-0", "fine", 1)
    ended = doctor(
        seen,
        servers=(ServerPod("ci-k3k-server-0", False, "CrashLoopBackOff: exit 1", 4, "", ""),),
        conditions=(Condition("CredentialsStored", "False", "missing: ci-k3k-tokens"),),
        events=(old, warning, normal),
    )
    assert "  ci-k3k-server-0 is not ready: CrashLoopBackOff: exit 1, 4 restarts\n" in ended.out
    assert "  CredentialsStored is False: missing: ci-k3k-tokens\n" in ended.out
    assert "  5m ago  Pod/ci-k3k-server-0: BackOff: back-off\n" in ended.out
    assert "long ago" not in ended.out
    assert "Pulled" not in ended.out


def test_what_an_identity_may_not_list_is_told_and_hides_nothing_else(doctor: Any) -> None:
    ended = doctor(fleet_row(measured(), judgement=Judgement("Healthy", now(60))), hidden=("events",))
    assert ended.code == 0
    assert "Not shown, because this identity may not list them: events\n" in ended.out


def test_the_document_has_its_schema_and_keys(doctor: Any) -> None:
    judgement = Judgement("Degraded", now(60), (finding(since=now(120)),))
    ended = doctor(fleet_row(measured(), judgement=judgement), "-o", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["schema"], document["verdict"]) == (1, "k3k.doctor/v1", "Degraded")
    assert {
        "host",
        "namespace",
        "name",
        "at",
        "since",
        "reason",
        "measured",
        "about",
        "findings",
        "pending",
        "fine",
        "unchecked",
        "reach",
        "pods",
        "conditions",
        "warnings",
        "watchedSince",
        "hidden",
    } <= document.keys()
    assert (document["namespace"], document["name"]) == ("team-a", "ci")
    assert document["findings"][0]["since"].endswith("Z")


def test_a_hostile_host_cannot_speak_to_the_terminal(doctor: Any) -> None:
    nasty = "\x1b]0;owned\x07"
    event = EventLine(NOW, "Warning", nasty, nasty, nasty, 1)
    out = doctor(
        fleet_row(measured()), events=(event,), servers=(ServerPod(nasty, False, nasty, 0, "", ""),)
    ).out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_rules_of_the_users_own_are_read_first(
    k3k: Command, look: FakeLook, home: Any, kubeconfig: Any
) -> None:
    missing = k3k("doctor", "ci", "--rules", "none.yaml")
    assert (missing.code, look.asked) == (2, [])
    assert "none.yaml cannot be read" in missing.err
    (home / "rules.yaml").write_text("rules: 3\n", encoding="utf-8")
    broken = k3k("doctor", "ci", "--rules", "rules.yaml")
    assert (broken.code, look.asked) == (2, [])
    assert "rules.yaml" in broken.err
