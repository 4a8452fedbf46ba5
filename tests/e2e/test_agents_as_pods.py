"""Agents as pods of the host: asked for by name, refused where the namespace lets no privileges in, nodes when up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k3k_core.errors import ConflictError, ValuesError
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.agents import list_agents
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.rotate_ca import rotate_ca
from k3k_core.lifecycle.rotate_tokens import rotate_tokens
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import NAMESPACE, POD, STATEFUL_SET
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values

ONE = ControlPlaneId("team-a", "one")
TWO_AGENTS = "{version: v1.35.4+k3s1, agents: {replicas: 2, allow_privileged: true}}"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    path = tmp_path / "host.yaml"
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        path.write_text(sandbox.kubeconfig)
        async with open_host(HostOptions(kubeconfig=str(path))) as opened:
            yield opened


async def allow(host: Host) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    await host.patch(NAMESPACE, None, ONE.namespace, {"metadata": {"labels": labels}})


async def nodes(host: Host) -> dict[str, tuple[str, bool]]:
    found = await list_agents(host, ONE)
    return {agent.name: (agent.version, agent.ready) for agent in found.agents}


def test_agents_need_privileges_to_be_asked_for_and_are_warned_about() -> None:
    with pytest.raises(ValuesError, match="privileged pods"):
        load_values("agents: {replicas: 1}")
    warned = [str(each) for each in load_values(TWO_AGENTS).warnings]
    assert any("PRIVILEGED PODS" in text for text in warned)
    assert load_values("").warnings == ()


async def test_agents_are_refused_before_anything_starts_where_the_namespace_forbids_them(host: Host) -> None:
    request = CreateRequest(ONE, load_values(TWO_AGENTS), timeout=20.0)
    with pytest.raises(ConflictError, match="lets no privileged pods in") as refused:
        await create(host, request)
    assert "kubectl label namespace team-a" in refused.value.hint
    assert (await host.list(STATEFUL_SET, ONE.namespace)).items == []
    await allow(host)
    told: list[Step] = []
    assert (await create(host, request, told.append)).ready
    assert any(step.state == "warning" and "PRIVILEGED" in step.message for step in told)
    ready = ("v1.35.4+k3s1", True)
    assert await nodes(host) == {"one-k3k-agent-0": ready, "one-k3k-agent-1": ready}


async def test_agents_follow_the_servers_in_version_token_and_authority(host: Host) -> None:
    await create(host, CreateRequest(ONE, load_values("version: v1.35.4+k3s1")))
    await allow(host)
    wanted = ("agents.replicas=1", "agents.allow_privileged=true", "version=v1.36.3+k3s1")
    await upgrade(host, UpgradeRequest(ONE, assignments=wanted, timeout=30.0))
    assert await nodes(host) == {"one-k3k-agent-0": ("v1.36.3+k3s1", True)}

    before = await host.get(POD, ONE.namespace, "one-k3k-agent-0")
    await rotate_tokens(host, ONE, timeout=30.0)
    after = await host.get(POD, ONE.namespace, "one-k3k-agent-0")
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    await rotate_ca(host, ONE, timeout=30.0)
    again = await host.get(POD, ONE.namespace, "one-k3k-agent-0")
    assert again["metadata"]["uid"] != after["metadata"]["uid"]
    assert await nodes(host) == {"one-k3k-agent-0": ("v1.36.3+k3s1", True)}

    without = ("agents.replicas=0", "agents.allow_privileged=false")
    await upgrade(host, UpgradeRequest(ONE, assignments=without, timeout=30.0))
    assert await nodes(host) == {"one-k3k-agent-0": ("v1.36.3+k3s1", False)}
    names = [item["metadata"]["name"] for item in (await host.list(STATEFUL_SET, ONE.namespace)).items]
    assert names == ["one-k3k-server"]
