"""Agents join with tokens that end by themselves, and are listed with their versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.errors import ForbiddenError, NotFoundError, UsageError
from k3k_core.host import Host, HostApi, HostOptions, open_host
from k3k_core.lifecycle.agents import list_agents
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.join import Invitation, invitations, invite, plan_invite, revoke_invitation
from k3k_core.lifecycle.join_forms import rendered
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.supervisor import basic, bearer, open_supervisor
from k3k_core.names import ControlPlaneId
from k3k_core.pki.bundles import authority_hash
from k3k_core.resources import NODE
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values

ONE = ControlPlaneId("team-a", "one")


@dataclass(frozen=True)
class Stage:
    """A sandbox with one control plane.

    Attributes:
        sandbox: the sandbox.
        host: its API.
    """

    sandbox: Sandbox
    host: Host


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    path = tmp_path / "host.yaml"
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        path.write_text(sandbox.kubeconfig)
        async with open_host(HostOptions(kubeconfig=str(path))) as host:
            await create(host, CreateRequest(ONE, load_values("version: v1.33.4+k3s1")))
            yield Stage(sandbox, host)


async def invited(host: HostApi, lifetime: timedelta = timedelta(hours=1)) -> Invitation:
    return await invite(host, ONE, lifetime=lifetime, now=datetime.now(UTC))


async def status_of(host: HostApi, authorization: str) -> int:
    """Ask for what an agent asks for first."""
    async with open_supervisor(host, ONE) as supervisor:
        return (await supervisor.ask("GET", "/v1-k3s/config", authorization=authorization)).status


async def test_a_token_lets_agents_in_until_it_is_revoked(stage: Stage) -> None:
    found = await invited(stage.host)
    assert found.version == "v1.33.4+k3s1"
    prefix, _, credentials = found.token.partition("::")
    async with open_supervisor(stage.host, ONE) as supervisor:
        shown = await supervisor.ask("GET", "/cacerts")
    assert prefix == f"K10{authority_hash(shown.text)}"
    assert await status_of(stage.host, bearer(credentials)) == 200
    assert await status_of(stage.host, basic("server", credentials)) == 403
    assert [each.token_id for each in await invitations(stage.host, ONE)] == [found.token_id]
    await revoke_invitation(stage.host, ONE, found.token)
    assert await status_of(stage.host, bearer(credentials)) == 403
    with pytest.raises(NotFoundError):
        await revoke_invitation(stage.host, ONE, found.token_id)


async def test_a_plan_names_address_and_version_and_makes_no_token(stage: Stage) -> None:
    plan = await plan_invite(stage.host, ONE, lifetime=timedelta(hours=1), now=datetime.now(UTC))
    assert "v1.33.4+k3s1" in plan.steps[1]
    assert await invitations(stage.host, ONE) == ()


async def test_a_token_that_ended_lets_nobody_in(stage: Stage) -> None:
    past = datetime.now(UTC) - timedelta(hours=2)
    found = await invite(stage.host, ONE, lifetime=timedelta(hours=1), now=past)
    assert await status_of(stage.host, bearer(found.token.partition("::")[2])) == 403
    with pytest.raises(UsageError):
        await invited(stage.host, timedelta(seconds=1))


async def test_every_form_holds_address_version_and_token(stage: Stage) -> None:
    found = await invited(stage.host)
    line = rendered(found, "command")
    assert line.endswith("sh -s - agent\n")
    user_data = yaml.safe_load(rendered(found, "cloud-init"))
    files = {each["path"]: each for each in user_data["write_files"]}
    assert files["/etc/rancher/k3s/agent-token"]["content"] == f"{found.token}\n"
    assert {each["permissions"] for each in files.values()} == {"0600"}
    assert found.token not in " ".join(user_data["runcmd"])
    for form in (line, rendered(found, "cloud-init"), rendered(found, "systemd")):
        assert found.server in form
        assert found.version in form
        assert found.token in form
    assert found.token not in repr(found)


def node(name: str, version: str, *, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"nodeInfo": {"kubeletVersion": version}, "conditions": conditions}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


async def test_agents_are_listed_with_the_skew_rule(stage: Stage) -> None:
    versions = {"new": "v1.34.1+k3s1", "old": "v1.29.4+k3s1", "right": "v1.30.4+k3s1"}
    async with open_control_plane(stage.host, ONE) as own:
        for name, version in versions.items():
            made = node(name, version, ready=name == "right")
            await own.create(made)
            await own.patch(NODE, None, name, {"status": made["status"]}, subresource="status")
    found = await list_agents(stage.host, ONE)
    assert [(each.name, each.version, each.ready) for each in found.agents] == [
        ("new", "v1.34.1+k3s1", False),
        ("old", "v1.29.4+k3s1", False),
        ("right", "v1.30.4+k3s1", True),
    ]
    skews = [each.skew for each in found.agents]
    assert "newer than the servers" in skews[0]
    assert "more than 3 minor versions older" in skews[1]
    assert not skews[2]


async def test_who_may_not_reach_the_servers_is_told_that(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def refusing(namespace: str, pod: str, port: int) -> AsyncIterator[None]:
        raise ForbiddenError(f"You may not forward port {port} to {namespace}/{pod}.")
        yield

    monkeypatch.setattr(stage.host, "port_forward", refusing)
    with pytest.raises(ForbiddenError, match="may not forward"):
        async with open_control_plane(stage.host, ONE) as own:
            await own.list(NODE)
    with pytest.raises(ForbiddenError, match="may not forward"):
        async with open_supervisor(stage.host, ONE) as supervisor:
            await supervisor.ask("GET", "/cacerts")
