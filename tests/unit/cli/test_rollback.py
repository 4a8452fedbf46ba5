"""`k3k rollback`, and how `k3k upgrade` has servers replaced, over a stand-in for the lifecycle."""

from __future__ import annotations

import json
from typing import Any

import pytest

import k3k_core.lifecycle.rollback
import k3k_core.lifecycle.upgrade
from k3k_core.errors import Issue
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.made_up import CI

pytestmark = pytest.mark.usefixtures("kubeconfig")

PLAN = UpgradePlan(
    id=CI,
    from_version="v1.36.4+k3s1",
    to_version="v1.35.8+k3s1",
    revision=2,
    next_revision=3,
    strategy="recreate",
    resumes=False,
    changes=(),
    objects=(),
    steps=("Store the values as revision 3.",),
    problems=(),
    warnings=(),
)
OUT = Plan(
    id=CI,
    verb="rollback",
    summary="an upgrade is under way, and is taken back to what revision 1 was",
    steps=("Store the values of revision 1 as a new revision.",),
    warnings=(Issue("version", "may have changed what is stored", "restore a backup"),),
)
DONE = Upgraded(
    id=CI,
    from_version="v1.36.4+k3s1",
    version="v1.35.8+k3s1",
    revision=3,
    endpoint="https://203.0.113.7:6443",
    changed=True,
    ready=True,
    elapsed=6.54,
)


@pytest.fixture
def rolled_back(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]) -> list[Any]:
    """A rollback that goes well."""
    monkeypatch.setattr(k3k_core.lifecycle.rollback, "plan_rollback", async_returning(PLAN))
    monkeypatch.setattr(k3k_core.lifecycle.rollback, "rollback", async_returning(DONE, calls))
    return calls


@pytest.fixture
def upgrading(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]) -> list[Any]:
    """An upgrade that goes well."""
    monkeypatch.setattr(k3k_core.lifecycle.upgrade, "upgrade", async_returning(DONE, calls))
    return calls


def test_a_rollback_goes_where_it_is_told(k3k: Command, rolled_back: list[Any]) -> None:
    ended = k3k("rollback", "ci", "--to", "3", "--yes", "--allow-downgrade", "-o", "json")
    assert ended.code == 0
    request = rolled_back[0][0][1]
    assert (request.id, request.to, request.allow_downgrade) == (CI, 3, True)
    document = json.loads(ended.out)
    assert (document["schema"], document["revision"]) == ("k3k.rollback/v1", 3)


def test_it_has_to_be_agreed_to(k3k: Command, rolled_back: list[Any]) -> None:
    ended = k3k("rollback", "ci")
    assert (ended.code, rolled_back) == (2, [])
    assert "--yes" in ended.err


def test_its_plan_can_be_read_before(k3k: Command, rolled_back: list[Any]) -> None:
    ended = k3k("rollback", "ci", "--dry-run", "-o", "json")
    assert (ended.code, rolled_back) == (0, [])
    assert json.loads(ended.out)["schema"] == "k3k.rollback-plan/v1"


def test_out_of_an_upgrade_its_plan_says_so(
    k3k: Command, rolled_back: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.rollback, "plan_rollback", async_returning(OUT))
    ended = k3k("rollback", "ci", "--dry-run")
    assert (ended.code, rolled_back) == (0, [])
    assert "is taken back to what revision 1 was" in ended.out
    assert "may have changed what is stored" in ended.err


@pytest.mark.parametrize(
    ("typed", "expected"),
    [((), "required"), (("--backup",), "create"), (("--no-backup",), "skip")],
)
def test_another_version_wants_a_backup_unless_told_otherwise(
    k3k: Command, upgrading: list[Any], typed: tuple[str, ...], expected: str
) -> None:
    assert k3k("upgrade", "ci", "--yes", "--version", "v1.36.4+k3s1", *typed).code == 0
    assert upgrading[0][0][1].backup == expected


def test_how_servers_are_replaced_is_passed_on(k3k: Command, upgrading: list[Any]) -> None:
    typed = ("--strategy", "blue-green", "--drain", "1s", "--canary", "--canary-time", "2m")
    assert k3k("upgrade", "ci", "--yes", "--set", "ttl=2h", *typed, "--rollback-on-failure").code == 0
    request = upgrading[0][0][1]
    assert (request.strategy, request.drain, request.canary, request.canary_time) == (
        "blue-green", 1.0, True, 120.0,
    )  # fmt: skip
    # As long as it is waited for, unless it has a limit of its own.
    assert request.rollback_after == request.timeout == 600.0


@pytest.mark.parametrize(
    "typed",
    [
        ("ci", "-l", "team=a", "--set", "ttl=2h"),
        ("--set", "ttl=2h"),
        ("ci", "--set", "ttl=2h", "--no-wait", "--rollback-on-failure"),
        ("ci", "--set", "ttl=2h", "--strategy", "green"),
    ],
)
def test_what_contradicts_itself_is_wrong_use(
    k3k: Command, upgrading: list[Any], typed: tuple[str, ...]
) -> None:
    assert (k3k("upgrade", "--yes", *typed).code, upgrading) == (2, [])
