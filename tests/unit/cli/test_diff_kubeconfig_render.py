"""`k3k diff`, `k3k kubeconfig` and `k3k render`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import yaml

import k3k_core.discovery
import k3k_core.lifecycle.create
import k3k_core.lifecycle.delete
import k3k_core.lifecycle.describe
import k3k_core.lifecycle.diff
import k3k_core.lifecycle.kubeconfig
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from tests.support.command import Command, FakeHosts, async_returning
from tests.support.made_up import SECRET_KUBECONFIG

pytestmark = pytest.mark.usefixtures("kubeconfig")


CHANGED = (
    ObjectDiff("Secret/ci-k3k", "none"),
    ObjectDiff(
        "StatefulSet/ci-k3k-server",
        "change",
        (FieldChange("spec.replicas", "1", "2"), FieldChange("spec.new", "", '"x"')),
    ),
)


def test_diff_shows_fields_that_would_change(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.diff, "diff", async_returning(CHANGED))
    ended = k3k("diff", "ci", "--set", "servers=1")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "~ StatefulSet/ci-k3k-server",
        "    spec.replicas:",
        "  -   1",
        "  +   2",
        "    spec.new:",
        '  +   "x"',
    ]


@pytest.mark.parametrize(("diffs", "code"), [(CHANGED, 1), (CHANGED[:1], 0)])
def test_diff_tells_by_its_exit_code_when_asked(
    k3k: Command,
    monkeypatch: pytest.MonkeyPatch,
    hosts: FakeHosts,
    diffs: tuple[ObjectDiff, ...],
    code: int,
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.diff, "diff", async_returning(diffs))
    assert k3k("diff", "ci", "--preset", "ci", "--exit-code").code == code


def test_diff_needs_values(k3k: Command, hosts: FakeHosts) -> None:
    assert k3k("diff", "ci").code == 2
    assert hosts.opened == []


def test_kubeconfig_prints_the_stored_one(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.kubeconfig, "fetch_kubeconfig", async_returning(SECRET_KUBECONFIG))
    assert k3k("kubeconfig", "ci").out == SECRET_KUBECONFIG


def test_kubeconfig_for_a_user_is_made_for_eight_hours(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]
) -> None:
    monkeypatch.setattr(
        k3k_core.lifecycle.kubeconfig, "issue_kubeconfig", async_returning(SECRET_KUBECONFIG, calls)
    )
    ended = k3k("kubeconfig", "ci", "--user", "jane", "--group", "devs", "--group", "system:masters")
    assert ended.out == SECRET_KUBECONFIG
    assert ended.err.startswith("warning: members of system:masters may do everything")
    keywords = calls[0][1]
    assert (keywords["user"], keywords["groups"]) == ("jane", ("devs", "system:masters"))
    assert keywords["lifetime"] == timedelta(hours=8)


@pytest.mark.parametrize("args", [["--group", "devs"], ["--ttl", "1h"], ["--force"]])
def test_kubeconfig_options_that_need_another_are_wrong_use(
    k3k: Command, hosts: FakeHosts, args: list[str]
) -> None:
    assert k3k("kubeconfig", "ci", *args).code == 2


def test_render_contacts_no_host_and_omits_secrets(k3k: Command, hosts: FakeHosts) -> None:
    ended = k3k("render", "ci", "-n", "team-b", "--set", "k3s.token=my-own-token")
    assert ended.code == 0, ended.err
    documents = list(yaml.safe_load_all(ended.out))
    assert {document["metadata"].get("namespace", "team-b") for document in documents} == {"team-b"}
    assert "PRIVATE KEY" not in ended.out
    assert "my-own-token" not in ended.out
    assert hosts.opened == []


def test_render_without_secrets_is_the_same_every_time(k3k: Command) -> None:
    assert k3k("render", "ci").out == k3k("render", "ci").out


def test_render_as_json_is_one_list(k3k: Command) -> None:
    document = json.loads(k3k("render", "ci", "-o", "json").out)
    assert (document["kind"], document["items"][0]["kind"]) == ("List", "Namespace")
