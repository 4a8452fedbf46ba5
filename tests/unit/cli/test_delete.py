"""`k3k delete` over a stand-in for the lifecycle."""

from __future__ import annotations

from typing import Any

import pytest

import k3k_core.discovery
import k3k_core.lifecycle.create
import k3k_core.lifecycle.delete
import k3k_core.lifecycle.describe
import k3k_core.lifecycle.diff
import k3k_core.lifecycle.kubeconfig
from k3k_core.errors import (
    NotFoundError,
)
from k3k_core.lifecycle.delete import Deleted, DeletePlan
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.made_up import CI

pytestmark = pytest.mark.usefixtures("kubeconfig")


PLAN = DeletePlan(CI, ("Secret/ci-k3k", "StatefulSet/ci-k3k-server"), ("PersistentVolumeClaim/data-0",))


@pytest.fixture
def deleting(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]) -> list[Any]:
    """A delete that goes well."""
    monkeypatch.setattr(k3k_core.lifecycle.delete, "plan_delete", async_returning(PLAN))
    monkeypatch.setattr(k3k_core.lifecycle.delete, "delete", async_returning(Deleted(CI), calls))
    return calls


def test_delete_without_a_terminal_and_without_yes_is_wrong_use(
    k3k: Command, deleting: list[Any], hosts: FakeHosts
) -> None:
    ended = k3k("delete", "ci")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert (deleting, hosts.opened) == ([], [])


def test_delete_with_yes_asks_nothing(k3k: Command, deleting: list[Any]) -> None:
    ended = k3k("delete", "ci", "--yes", "--keep-data", "--timeout", "9s")
    assert (ended.code, ended.out) == (0, "Control plane team-a/ci deleted\n")
    request = deleting[0][0][1]
    assert (request.id, request.keep_data, request.timeout) == (CI, True, 9.0)


def test_delete_on_a_terminal_names_what_is_lost_and_wants_the_name_typed(
    k3k: Command, deleting: list[Any]
) -> None:
    k3k.terminal, k3k.answers = True, "ci\n"
    ended = k3k("delete", "ci", "--no-color")
    assert ended.code == 0
    assert "PersistentVolumeClaim/data-0" in ended.err
    assert "Type the name 'ci'" in ended.err
    assert len(deleting) == 1


@pytest.mark.parametrize("answer", ["", "y\n", "yes\n", "CI\n", "ci2\n"])
def test_anything_but_the_name_deletes_nothing(k3k: Command, deleting: list[Any], answer: str) -> None:
    k3k.terminal, k3k.answers = True, answer
    ended = k3k("delete", "ci")
    assert ended.code == 1
    assert "Nothing was deleted." in ended.err
    assert deleting == []


@pytest.mark.parametrize(("answer", "times"), [("y\n", 1), ("YES\n", 1), ("n\n", 0), ("\n", 0), ("", 0)])
def test_keeping_the_data_a_yes_is_enough(k3k: Command, deleting: list[Any], answer: str, times: int) -> None:
    k3k.terminal, k3k.answers = True, answer
    k3k("delete", "ci", "--keep-data")
    assert len(deleting) == times


def test_a_dry_run_of_delete_lists_what_would_go(k3k: Command, deleting: list[Any]) -> None:
    ended = k3k("delete", "ci", "--dry-run")
    assert ended.out.split() == [*PLAN.objects, *PLAN.volumes]
    assert deleting == []


def test_deleting_what_is_not_there_is_a_failure_unless_ignored(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    missing = NotFoundError("control plane team-a/ci does not exist on host prod")
    monkeypatch.setattr(k3k_core.lifecycle.delete, "delete", async_returning(missing))
    assert k3k("delete", "ci", "--yes").code == 3
    assert k3k("delete", "ci", "--yes", "--ignore-not-found").code == 0
