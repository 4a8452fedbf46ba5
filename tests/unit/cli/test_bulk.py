"""Verbs for several control planes: what is asked, told and returned. Pause stands for them all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import k3k_core.lifecycle.pause
import k3k_core.lifecycle.selection
from k3k_core.errors import Issue, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.pause import Paused, PauseRequest
from k3k_core.lifecycle.plan import Plan
from k3k_core.names import ControlPlaneId
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.made_up import row

pytestmark = pytest.mark.usefixtures("kubeconfig")
SINCE = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> list[PauseRequest]:
    """Pauses that go well but for those of control planes named `bad`, and what is asked of them."""
    requests: list[PauseRequest] = []

    async def pause(_host: HostApi, request: PauseRequest, _progress: Any) -> Paused:
        requests.append(request)
        if request.id.name.startswith("bad"):
            raise NotReadyError("its pod does not end", hint="Look at the node.")
        return Paused(request.id, SINCE, 1, True, 1.5)

    async def plan(_host: HostApi, identity: ControlPlaneId) -> Plan:
        return Plan(
            identity,
            "pause",
            "no pod of it will run",
            ("take 1 server away",),
            warnings=(Issue("", "its data is on no volume", ""),) if identity.name == "tmp" else (),
            loses_data=identity.name == "tmp",
        )

    monkeypatch.setattr(k3k_core.lifecycle.pause, "pause", pause)
    monkeypatch.setattr(k3k_core.lifecycle.pause, "plan_pause", plan)
    return requests


@pytest.fixture
def select(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a selector choose control planes of these names."""
    calls: list[Any] = []

    def choose(*names: str) -> list[Any]:
        rows = tuple(row(name=name) for name in names)
        monkeypatch.setattr(k3k_core.lifecycle.selection, "select", async_returning(rows, calls))
        return calls

    return choose


@pytest.mark.parametrize("arguments", [(), ("ci", "-l", "team=a")])
def test_either_a_name_or_a_selector_is_wanted(
    k3k: Command, asked: list[PauseRequest], arguments: tuple[str, ...]
) -> None:
    ended = k3k("pause", *arguments)
    assert (ended.code, asked) == (2, [])
    assert "-l" in ended.err


def test_several_without_a_terminal_and_without_yes_are_wrong_use(
    k3k: Command, asked: list[PauseRequest], select: Any
) -> None:
    select("a", "b")
    ended = k3k("pause", "-l", "team=a")
    assert (ended.code, asked) == (2, [])
    assert "`k3k pause` of 2 control planes has to be confirmed" in ended.err


@pytest.mark.parametrize(("answer", "code", "times"), [("y\n", 0, 2), ("n\n", 1, 0), ("", 1, 0)])
def test_on_a_terminal_several_are_named_and_asked_about_once(
    k3k: Command, asked: list[PauseRequest], select: Any, answer: str, code: int, times: int
) -> None:
    select("a", "b")
    k3k.terminal, k3k.answers = True, answer
    ended = k3k("pause", "-l", "team=a", "--no-color")
    assert (ended.code, len(asked)) == (code, times)
    assert "team-a/a" in ended.err
    assert ended.err.count("[y/N]") == 1


def test_a_selector_looks_in_the_namespace_unless_all_are_meant(
    k3k: Command, asked: list[PauseRequest], select: Any
) -> None:
    calls = select("a")
    k3k("pause", "-l", "team=a", "--yes")
    k3k("pause", "-l", "team=a", "--yes", "-A")
    assert [call[1]["namespace"] for call in calls] == ["team-a", None]
    assert [request.lose_data for request in asked] == [False, False]


def test_what_failed_is_told_beside_what_went_well_and_decides_the_exit_code(
    k3k: Command, asked: list[PauseRequest], select: Any
) -> None:
    select("a", "bad", "c")
    ended = k3k("pause", "-l", "team=a", "--yes")
    assert (ended.code, len(asked)) == (5, 3)
    lines = [line.split() for line in ended.out.splitlines()]
    assert [(line[1], line[2]) for line in lines[1:]] == [("a", "done"), ("bad", "failed"), ("c", "done")]
    assert (
        "failed for 1 of 3 control planes\n  team-a/bad: its pod does not end\nhint: Look at the node."
        in ended.err
    )


def test_none_is_begun_after_so_many_failures_and_the_document_says_so(
    k3k: Command, asked: list[PauseRequest], select: Any
) -> None:
    select("bad", "bad-too", "c")
    ended = k3k(
        "pause", "-l", "x", "--yes", "-o", "json", "--max-parallel", "1", "--stop-after-failures", "1"
    )
    document = json.loads(ended.out)
    assert (document["schema"], document["stopped"]) == ("k3k.pause-many/v1", True)
    assert [each["state"] for each in document["results"]] == ["failed", "skipped", "skipped"]
    assert document["results"][0]["error"] == {
        "message": "its pod does not end",
        "hint": "Look at the node.",
    }
    assert (ended.code, len(asked)) == (5, 1)


def test_a_dry_run_of_several_shows_each_plan_and_changes_nothing(
    k3k: Command, asked: list[PauseRequest], select: Any
) -> None:
    select("a", "tmp")
    ended = k3k("pause", "-l", "team=a", "--dry-run")
    assert (ended.code, asked) == (0, [])
    assert ended.out.count("1. take 1 server away") == 2
    assert "team-a/tmp: its data is on no volume" in ended.err


@pytest.mark.parametrize(("answer", "times"), [("tmp\n", 1), ("y\n", 0)])
def test_one_whose_data_would_be_lost_wants_its_name_typed(
    k3k: Command, asked: list[PauseRequest], answer: str, times: int
) -> None:
    k3k.terminal, k3k.answers = True, answer
    ended = k3k("pause", "tmp", "--no-color")
    assert "Type the name 'tmp'" in ended.err
    assert len(asked) == times


def test_one_that_loses_nothing_is_not_asked_about(k3k: Command, asked: list[PauseRequest]) -> None:
    ended = k3k("pause", "ci")
    assert ended.code == 0
    assert ended.out == "Control plane team-a/ci paused after 1.5s; `k3k resume` brings it back\n"
    assert len(asked) == 1
