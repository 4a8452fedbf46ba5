"""`k3k create` over a stand-in for the lifecycle."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

import k3k_core.discovery
import k3k_core.lifecycle.create
import k3k_core.lifecycle.delete
import k3k_core.lifecycle.describe
import k3k_core.lifecycle.diff
import k3k_core.lifecycle.kubeconfig
from k3k_core.errors import (
    ConflictError,
    ForbiddenError,
    HostError,
    NotFoundError,
    NotReadyError,
    UnauthorizedError,
    UnreachableError,
)
from k3k_core.lifecycle.comparison import ObjectDiff
from k3k_core.lifecycle.create import Created
from k3k_core.lifecycle.progress import Step
from k3k_core.names import ControlPlaneId
from tests.support.command import Command, FakeHosts, async_returning, kubeconfig_text
from tests.support.made_up import SECRET_KUBECONFIG, created

pytestmark = pytest.mark.usefixtures("kubeconfig")


@pytest.fixture
def creating(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, calls: list[Any]) -> list[Any]:
    """A create that goes well."""
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(created(), calls))
    return calls


def test_create_passes_on_what_was_asked_for(k3k: Command, creating: list[Any], hosts: FakeHosts) -> None:
    ended = k3k(
        *("--context", "stage", "create", "ci", "-n", "team-b", "--set", "servers=2"),
        *("--set", "datastore.kind=etcd", "--ttl", "2h", "--version", "v1.35.1+k3s1"),
        *("--no-wait", "--timeout", "90s", "--request-timeout", "5s"),
    )
    assert ended.code == 0, ended.err
    ((_host, request, _progress), _keywords) = creating[0]
    assert request.id == ControlPlaneId("team-b", "ci")
    assert (request.wait, request.timeout) == (False, 90.0)
    values = request.values.values
    assert (values.servers, values.datastore.kind, values.version) == (2, "etcd", "v1.35.1+k3s1")
    assert values.ttl_seconds == 7200
    assert (hosts.opened[0].context, hosts.opened[0].request_timeout) == ("stage", 5.0)


def test_create_ends_with_a_summary_and_the_next_command(k3k: Command, creating: list[Any]) -> None:
    ended = k3k("create", "ci")
    assert ended.out == (
        "Control plane team-a/ci created, ready after 6.5s\n"
        "  Endpoint:  https://203.0.113.7:6443\n"
        "  Version:   v1.36.2+k3s1\n"
        "  Next:      k3k kubeconfig ci -n team-a --out ci.yaml && "
        "kubectl --kubeconfig ci.yaml get namespaces\n"
    )


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"existed": True}, "Control plane team-a/ci was there already, ready after 6.5s"),
        ({"ready": False}, "Control plane team-a/ci created, its servers were not waited for (6.5s)"),
    ],
)
def test_the_summary_says_what_was_done(
    k3k: Command,
    monkeypatch: pytest.MonkeyPatch,
    hosts: FakeHosts,
    result: dict[str, bool],
    sentence: str,
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(created(**result)))
    assert k3k("create", "ci").out.splitlines()[0] == sentence


@pytest.mark.parametrize(
    ("args", "namespace"),
    [
        (["ci"], "team-a"),
        (["ci", "-n", "b"], "b"),
        (["c/ci"], "c"),
        (["ci", "--context", "stage"], "default"),
    ],
)
def test_the_namespace_is_the_one_named_or_the_context_s(
    k3k: Command, creating: list[Any], args: list[str], namespace: str
) -> None:
    assert k3k("create", *args).code == 0
    assert creating[0][0][1].id == ControlPlaneId(namespace, "ci")


def test_create_shows_steps_on_standard_error(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    async def stepwise(_host: Any, _request: Any, progress: Any) -> Created:
        progress(Step("claim", "done", "claimed the name"))
        progress(Step("address", "warning", "gave 127.0.0.9"))
        return created()

    monkeypatch.setattr(k3k_core.lifecycle.create, "create", stepwise)
    ended = k3k("create", "ci", "-o", "name")
    assert ended.out == "team-a/ci\n"
    assert ended.err == "✓ claim: claimed the name (0.0s)\n! address: gave 127.0.0.9\n"


def test_quiet_leaves_nothing_but_warnings(k3k: Command, creating: list[Any]) -> None:
    ended = k3k("create", "ci", "-q", "--set", "k3s.token=same-token", "--set", "k3s.agent_token=same-token")
    assert ended.out == ""
    assert ended.err.startswith("warning: k3s.agent_token: ")
    assert "same-token" not in ended.err


def test_create_as_json_has_a_schema_and_no_secret(k3k: Command, creating: list[Any]) -> None:
    document = json.loads(k3k("create", "ci", "-o", "json").out)
    assert document == {
        "schema": "k3k.create/v1",
        "namespace": "team-a",
        "name": "ci",
        "version": "v1.36.2+k3s1",
        "revision": 1,
        "endpoint": "https://203.0.113.7:6443",
        "existed": False,
        "ready": True,
        "elapsedSeconds": 6.54,
    }


def test_the_kubeconfig_is_written_for_its_owner_alone(k3k: Command, creating: list[Any], home: Path) -> None:
    assert k3k("create", "ci", "--kubeconfig-out", "out.yaml").code == 0
    target = home / "out.yaml"
    assert target.read_text(encoding="utf-8") == SECRET_KUBECONFIG
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir() if path.name.startswith(".out")] == []


def test_a_kubeconfig_of_the_same_control_plane_is_replaced(
    k3k: Command, creating: list[Any], home: Path
) -> None:
    (home / "out.yaml").write_text(kubeconfig_text("ci"), encoding="utf-8")
    assert k3k("create", "ci", "--kubeconfig-out", "out.yaml").code == 0
    assert (home / "out.yaml").read_text(encoding="utf-8") == SECRET_KUBECONFIG


@pytest.mark.parametrize(
    "content", ["notes", kubeconfig_text("other"), kubeconfig_text("ci", "other"), "a: [", "\x00\x01"]
)
def test_another_file_is_left_alone_before_anything_is_made(
    k3k: Command, creating: list[Any], home: Path, content: str
) -> None:
    (home / "out.yaml").write_text(content, encoding="utf-8")
    ended = k3k("create", "ci", "--kubeconfig-out", "out.yaml")
    assert ended.code == 2
    assert "out.yaml exists and is no kubeconfig of 'ci'" in ended.err
    assert (home / "out.yaml").read_text(encoding="utf-8") == content
    assert creating == []


def test_another_file_is_replaced_by_force(k3k: Command, creating: list[Any], home: Path) -> None:
    (home / "out.yaml").write_text("notes", encoding="utf-8")
    assert k3k("create", "ci", "--kubeconfig-out", "out.yaml", "--force").code == 0
    assert (home / "out.yaml").read_text(encoding="utf-8") == SECRET_KUBECONFIG


def test_a_link_to_a_kubeconfig_stays_a_link(k3k: Command, creating: list[Any], home: Path) -> None:
    (home / "link.yaml").symlink_to(home / "real.yaml")
    assert k3k("create", "ci", "--kubeconfig-out", "link.yaml").code == 0
    assert (home / "link.yaml").is_symlink()
    assert (home / "real.yaml").read_text(encoding="utf-8") == SECRET_KUBECONFIG


@pytest.mark.parametrize("target", ["missing/out.yaml", ".", "/dev/null"])
def test_a_place_that_cannot_take_a_kubeconfig_is_refused_first(
    k3k: Command, creating: list[Any], target: str
) -> None:
    assert k3k("create", "ci", "--kubeconfig-out", target).code == 2
    assert creating == []


def test_a_client_dry_run_prints_what_would_be_applied_with_secrets_masked(
    k3k: Command, creating: list[Any], hosts: FakeHosts
) -> None:
    ended = k3k("create", "ci", "--set", "k3s.token=my-own-token", "--dry-run")
    assert ended.code == 0, ended.err
    documents = list(yaml.safe_load_all(ended.out))
    kinds = [document["kind"] for document in documents]
    assert kinds[0] == "Namespace"
    assert "StatefulSet" in kinds
    secrets = [document for document in documents if document["kind"] == "Secret"]
    assert secrets
    for secret in secrets:
        shown = {*secret.get("data", {}).values(), *secret.get("stringData", {}).values()}
        assert shown == {"(masked)"}
    assert "my-own-token" not in ended.out + ended.err
    assert "Secret values are masked" in ended.err
    assert (hosts.opened, creating) == ([], [])


def test_a_server_dry_run_shows_what_the_host_would_do(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    diffs = (ObjectDiff("Namespace/team-a", "create"), ObjectDiff("Secret/ci-k3k", "create"))
    monkeypatch.setattr(k3k_core.lifecycle.diff, "dry_run", async_returning(diffs))
    ended = k3k("create", "ci", "--dry-run=server")
    assert (ended.code, ended.out) == (0, "+ Namespace/team-a\n+ Secret/ci-k3k\n")


@pytest.mark.parametrize(
    "name", ["", "UPPER", "-a", "a-", "1st", "a_b", "a.b", "a/b/c", "x" * 42, "/ci", "ns/", "ünï", "a\nb"]
)
def test_a_name_that_cannot_be_one_is_refused(k3k: Command, creating: list[Any], name: str) -> None:
    ended = k3k("create", "--", name)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert creating == []


def test_two_different_namespaces_are_refused(k3k: Command, creating: list[Any]) -> None:
    assert k3k("create", "a/ci", "-n", "b").code == 2


def test_bad_values_are_told_all_at_once_with_their_paths(
    k3k: Command, creating: list[Any], home: Path
) -> None:
    (home / "v.yaml").write_text("servrs: 2\nk3s:\n  cluster_cidr: nonsense\n", encoding="utf-8")
    ended = k3k("create", "ci", "-f", "v.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "k3k: v.yaml: 2 problems" in ended.err
    assert "servrs" in ended.err
    assert "k3s.cluster_cidr" in ended.err
    assert creating == []


def test_values_may_come_from_standard_input(k3k: Command, creating: list[Any]) -> None:
    k3k.answers = "servers: 1\nttl: 3h\n"
    assert k3k("create", "ci", "-f", "-").code == 0
    assert creating[0][0][1].values.values.ttl_seconds == 10800


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HostError("Refused.", status=422), 1),
        (NotFoundError("Not there."), 3),
        (ConflictError("Exists with other values."), 4),
        (NotReadyError("Not ready in time."), 5),
        (UnreachableError("No answer."), 6),
        (ForbiddenError("Not yours."), 7),
        (UnauthorizedError("Unknown."), 7),
    ],
)
def test_a_failure_gives_its_exit_code_and_one_sentence(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts, error: Exception, code: int
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(error))
    ended = k3k("create", "ci")
    assert (ended.code, ended.out, ended.err) == (code, "", f"k3k: {error}\n")


def test_ctrl_c_says_that_the_same_command_goes_on(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(KeyboardInterrupt()))
    ended = k3k("create", "ci")
    assert ended.code == 130
    assert ended.err == "k3k: Interrupted. The same command goes on where it stopped.\n"
