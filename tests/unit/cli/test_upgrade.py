"""`k3k upgrade`, `history`, `restart` and `logs` over a stand-in for the lifecycle."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import k3k_core.lifecycle.log_following
import k3k_core.lifecycle.logs
import k3k_core.lifecycle.losses
import k3k_core.lifecycle.restart
import k3k_core.lifecycle.revisions
import k3k_core.lifecycle.upgrade
from k3k_core.errors import ConflictError, Issue
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.logs import LogLine, LogSource
from k3k_core.lifecycle.restart import Restarted
from k3k_core.lifecycle.revisions import Revision
from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.made_up import CI

pytestmark = pytest.mark.usefixtures("kubeconfig")

CHANGE = FieldChange("version", '"v1.35.8+k3s1"', '"v1.36.4+k3s1"')
PLAN = UpgradePlan(
    id=CI,
    from_version="v1.35.8+k3s1",
    to_version="v1.36.4+k3s1",
    revision=1,
    next_revision=2,
    strategy="recreate",
    resumes=False,
    changes=(CHANGE,),
    objects=(
        ObjectDiff("StatefulSet/ci-k3k-server", "change", (CHANGE,)),
        ObjectDiff("Service/ci-k3k", "none"),
    ),
    steps=("Store the values as revision 2.", "Wait until the server is ready."),
    problems=(),
    warnings=(Issue("version", "k3s does not go back", "back up"),),
)
REFUSED = replace(PLAN, problems=(Issue("version", "is too new", "take one at a time"),), steps=())
NOTHING = replace(PLAN, strategy="none", changes=(), steps=(), warnings=(), next_revision=1)
DONE = Upgraded(
    id=CI,
    from_version="v1.35.8+k3s1",
    version="v1.36.4+k3s1",
    revision=2,
    endpoint="https://203.0.113.7:6443",
    changed=True,
    ready=True,
    elapsed=6.54,
)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> Any:
    """Sets what is planned."""

    def planned(found: UpgradePlan) -> list[Any]:
        asked: list[Any] = []
        monkeypatch.setattr(k3k_core.lifecycle.upgrade, "plan_upgrade", async_returning(found, asked))
        return asked

    return planned


@pytest.fixture
def upgrading(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any], plan: Any) -> list[Any]:
    """An upgrade that goes well."""
    plan(PLAN)
    monkeypatch.setattr(k3k_core.lifecycle.upgrade, "upgrade", async_returning(DONE, calls))
    return calls


def test_an_upgrade_to_nothing_is_wrong_use(k3k: Command, upgrading: list[Any]) -> None:
    ended = k3k("upgrade", "ci", "--yes")
    assert ended.code == 2
    assert "--version" in ended.err
    assert upgrading == []


def test_without_a_terminal_and_without_yes_it_is_wrong_use(
    k3k: Command, upgrading: list[Any], hosts: FakeHosts
) -> None:
    ended = k3k("upgrade", "ci", "--version", "v1.36.4+k3s1")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert (upgrading, hosts.opened) == ([], [])


def test_with_yes_nothing_is_asked_and_the_request_is_what_was_typed(
    k3k: Command, upgrading: list[Any]
) -> None:
    ended = k3k(
        *("upgrade", "ci", "--yes", "--version", "v1.36.4+k3s1", "--set", "servers=1", "--ttl", "2h"),
        *("--timeout", "9s", "--no-wait", "--allow-downgrade", "--ignore-health", "--force-conflicts"),
    )
    assert ended.code == 0
    assert ended.out.splitlines()[0] == (
        "Control plane team-a/ci upgraded from v1.35.8+k3s1 to v1.36.4+k3s1, ready after 6.5s"
    )
    request = upgrading[0][0][1]
    assert (request.id, request.values, request.version) == (CI, None, "v1.36.4+k3s1")
    assert request.assignments == ("servers=1", "ttl=2h")
    assert (request.timeout, request.wait) == (9.0, False)
    assert request.allow_downgrade
    assert request.ignore_health
    assert request.force_conflicts


def test_a_values_file_is_the_whole_of_the_values(k3k: Command, upgrading: list[Any], home: Any) -> None:
    (home / "values.yaml").write_text("ttl: 2h\n", encoding="utf-8")
    assert k3k("upgrade", "ci", "--yes", "-f", "values.yaml", "--version", "v1.36.4+k3s1").code == 0
    request = upgrading[0][0][1]
    assert request.values.given == {"ttl": "2h", "version": "v1.36.4+k3s1"}
    assert (request.version, request.assignments) == (None, ())


@pytest.mark.parametrize(("answer", "times"), [("y\n", 1), ("YES\n", 1), ("n\n", 0), ("\n", 0), ("", 0)])
def test_on_a_terminal_it_says_what_happens_and_asks(
    k3k: Command, upgrading: list[Any], answer: str, times: int
) -> None:
    k3k.terminal, k3k.answers = True, answer
    ended = k3k("upgrade", "ci", "--version", "v1.36.4+k3s1", "--no-color")
    assert len(upgrading) == times
    assert ended.code == (0 if times else 1)
    for words in ("version: ", "1. Store the values", "2. Wait until", "k3s does not go back", "[y/N]"):
        assert words in ended.err


@pytest.mark.parametrize(("answer", "times"), [("ci\n", 1), ("y\n", 0), ("", 0)])
def test_where_data_is_lost_the_name_has_to_be_typed(
    k3k: Command, upgrading: list[Any], plan: Any, answer: str, times: int
) -> None:
    plan(replace(PLAN, loses_data=True))
    k3k.terminal, k3k.answers = True, answer
    k3k("upgrade", "ci", "--version", "v1.36.4+k3s1")
    assert len(upgrading) == times


def test_a_dry_run_prints_the_plan_and_changes_nothing(k3k: Command, upgrading: list[Any]) -> None:
    ended = k3k("upgrade", "ci", "--version", "v1.36.4+k3s1", "--dry-run")
    assert ended.code == 0
    assert ended.out == (
        "team-a/ci: v1.35.8+k3s1 -> v1.36.4+k3s1, revision 1 -> 2, recreate\n"
        "Values:\n"
        '  version: "v1.35.8+k3s1" -> "v1.36.4+k3s1"\n'
        "Objects:\n"
        "  ~ StatefulSet/ci-k3k-server\n"
        "      version:\n"
        '    -   "v1.35.8+k3s1"\n'
        '    +   "v1.36.4+k3s1"\n'
        "What happens:\n"
        "  1. Store the values as revision 2.\n"
        "  2. Wait until the server is ready.\n"
    )
    assert "warning: version: k3s does not go back; back up" in ended.err
    assert upgrading == []


def test_a_plan_can_be_read_by_a_program(k3k: Command, upgrading: list[Any]) -> None:
    document = json.loads(k3k("upgrade", "ci", "--set", "ttl=2h", "--dry-run", "-o", "json").out)
    assert document["schema"] == "k3k.upgrade-plan/v1"
    assert (document["strategy"], document["nextRevision"], document["problems"]) == ("recreate", 2, [])
    assert [each["object"] for each in document["objects"]] == ["StatefulSet/ci-k3k-server"]


def test_what_would_be_refused_is_a_conflict_that_says_why(
    k3k: Command, upgrading: list[Any], plan: Any
) -> None:
    plan(REFUSED)
    k3k.terminal, k3k.answers = True, "y\n"
    for more in (("--dry-run",), ()):
        ended = k3k("upgrade", "ci", "--version", "v1.99.0+k3s1", *more)
        assert ended.code == 4
        assert "version: is too new; take one at a time" in ended.err
    assert upgrading == []


def test_nothing_to_do_is_told_and_not_asked_about(k3k: Command, upgrading: list[Any], plan: Any) -> None:
    plan(NOTHING)
    k3k.terminal = True
    ended = k3k("upgrade", "ci", "--version", "v1.36.4+k3s1")
    assert (ended.code, upgrading) == (0, [])
    assert "as asked for already" in ended.err


def test_an_upgrade_can_be_read_by_a_program(k3k: Command, upgrading: list[Any]) -> None:
    document = json.loads(k3k("upgrade", "ci", "--yes", "--set", "ttl=2h", "-o", "json").out)
    assert document == {
        "schema": "k3k.upgrade/v1",
        "namespace": "team-a",
        "name": "ci",
        "fromVersion": "v1.35.8+k3s1",
        "version": "v1.36.4+k3s1",
        "revision": 2,
        "endpoint": "https://203.0.113.7:6443",
        "changed": True,
        "ready": True,
        "elapsedSeconds": 6.54,
    }


def test_an_interrupted_upgrade_says_that_it_can_be_repeated(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, upgrading: list[Any]
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.upgrade, "upgrade", async_returning(KeyboardInterrupt()))
    ended = k3k("upgrade", "ci", "--yes", "--set", "ttl=2h")
    assert ended.code == 130
    assert "goes on where it stopped" in ended.err


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> None:
    """A control plane with two revisions, three hours and three days old by now."""
    now = datetime.now(UTC)
    revisions = (
        Revision(2, now - timedelta(hours=3), "v1.36.4+k3s1", "version: v1.36.4+k3s1\n", True, (CHANGE,)),
        Revision(1, now - timedelta(days=3), "v1.35.8+k3s1", "version: v1.35.8+k3s1\n"),
    )
    monkeypatch.setattr(k3k_core.lifecycle.revisions, "revisions", async_returning(revisions))


@pytest.mark.usefixtures("history")
def test_the_history_is_a_table_with_the_newest_first(k3k: Command) -> None:
    heading, newest, oldest = k3k("history", "ci").out.splitlines()
    assert heading.split() == ["REVISION", "AGE", "VERSION", "STATE", "CHANGES"]
    assert newest.split()[:5] == ["2", "3h", "v1.36.4+k3s1", "current", "version:"]
    assert oldest.split() == ["1", "3d", "v1.35.8+k3s1", "-", "-"]


@pytest.mark.usefixtures("history")
def test_a_revision_is_printed_as_a_values_file(k3k: Command) -> None:
    assert k3k("history", "ci", "--revision", "1").out == "version: v1.35.8+k3s1\n"
    missing = k3k("history", "ci", "--revision", "7")
    assert (missing.code, "Kept are: 1, 2." in missing.err) == (3, True)


@pytest.mark.usefixtures("history")
def test_the_history_can_be_read_by_a_program(k3k: Command) -> None:
    document = json.loads(k3k("history", "ci", "-o", "json").out)
    assert document["schema"] == "k3k.history/v1"
    assert [each["revision"] for each in document["revisions"]] == [2, 1]
    assert document["revisions"][0]["values"] == {"version": "v1.36.4+k3s1"}


@pytest.fixture
def restarting(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]) -> list[Any]:
    """A restart that goes well and loses nothing."""
    done = Restarted(CI, servers=3, resumed=False, ready=True, elapsed=6.54)
    monkeypatch.setattr(k3k_core.lifecycle.restart, "restart", async_returning(done, calls))
    monkeypatch.setattr(k3k_core.lifecycle.losses, "ends_with_its_server", async_returning(False))
    return calls


def test_a_restart_tells_how_it_ended(k3k: Command, restarting: list[Any]) -> None:
    ended = k3k("restart", "ci", "--timeout", "9s", "--no-wait")
    assert (ended.code, ended.out) == (0, "Control plane team-a/ci restarted, ready after 6.5s\n")
    assert restarting[0][1] == {"wait": False, "timeout": 9.0}
    assert json.loads(k3k("restart", "ci", "-o", "json").out)["schema"] == "k3k.restart/v1"


@pytest.mark.parametrize(
    ("terminal", "answer", "words", "times"),
    [(True, "ci\n", (), 1), (True, "y\n", (), 0), (False, "", (), 0), (False, "", ("--yes",), 1)],
    ids=["the name", "another answer", "nobody to ask", "--yes"],
)
def test_a_restart_that_loses_data_needs_the_name_or_yes(
    k3k: Command,
    monkeypatch: pytest.MonkeyPatch,
    restarting: list[Any],
    terminal: bool,
    answer: str,
    words: tuple[str, ...],
    times: int,
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.losses, "ends_with_its_server", async_returning(True))
    k3k.terminal, k3k.answers = terminal, answer
    k3k("restart", "ci", *words)
    assert len(restarting) == times


SOURCES = tuple(LogSource(f"ci-k3k-server-{number}", "k3s", "server", 0) for number in (0, 1))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> list[Any]:
    """Two servers, each with a line that would obey a terminal; takes what was asked for."""
    asked: list[Any] = []

    async def read(_host: Any, _id: Any, sources: Any, options: Any) -> AsyncGenerator[LogLine, None]:
        asked.append((sources, options))
        for source in SOURCES if sources in {None, "1"} else sources:
            yield LogLine(source, "hello \x1b[31m")

    monkeypatch.setattr(k3k_core.lifecycle.logs, "log_sources", async_returning(SOURCES))
    monkeypatch.setattr(k3k_core.lifecycle.logs, "server_logs", read)
    monkeypatch.setattr(k3k_core.lifecycle.log_following, "follow_logs", read)
    return asked


def test_lines_of_several_servers_bear_their_names(k3k: Command, lines: list[Any]) -> None:
    assert k3k("logs", "ci").out.splitlines() == [
        "[ci-k3k-server-0] hello \x1b[31m",
        "[ci-k3k-server-1] hello \x1b[31m",
    ]
    assert k3k("logs", "ci", "--server", "1").out == "hello \x1b[31m\n"


def test_on_a_terminal_nothing_a_server_writes_is_obeyed(k3k: Command, lines: list[Any]) -> None:
    k3k.terminal = True
    assert "\x1b[31m" not in k3k("logs", "ci").out


def test_the_part_of_the_log_is_as_asked_for(k3k: Command, lines: list[Any]) -> None:
    assert k3k("logs", "ci", "--tail", "5", "--since", "10m", "--timestamps", "--previous").code == 0
    options = lines[0][1]
    assert (options.tail, options.since, options.timestamps, options.previous, options.follow) == (
        5,
        600.0,
        True,
        True,
        False,
    )
    assert k3k("logs", "ci", "-f", "--tail", "5").code == 0
    assert (lines[1][0], lines[1][1].follow) == (None, True)


def test_what_has_ended_cannot_be_followed(k3k: Command, lines: list[Any]) -> None:
    assert k3k("logs", "ci", "-f", "--previous").code == 2
    assert lines == []


def test_a_server_that_does_not_exist_is_not_found(k3k: Command, lines: list[Any]) -> None:
    ended = k3k("logs", "ci", "--server", "7")
    assert (ended.code, "ci-k3k-server-1" in ended.err) == (3, True)


def test_what_the_host_refuses_is_told(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    refusal = ConflictError("control plane team-a/ci was made by Helm; k3k only shows it")
    monkeypatch.setattr(k3k_core.lifecycle.revisions, "revisions", async_returning(refusal))
    ended = k3k("history", "ci")
    assert (ended.code, "made by Helm" in ended.err) == (4, True)
