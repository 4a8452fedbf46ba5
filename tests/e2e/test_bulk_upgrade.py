"""`k3k upgrade -l`: many control planes, the first alone, no other after too many failures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox")

NAMES = ("a1", "a2", "a3")


async def made(host: HostUnderTest, api: Host) -> None:
    """Make three control planes of team a, and one of team b."""
    values = {name: load_values("labels: {team: a}") for name in NAMES}
    values["b1"] = load_values("labels: {team: b}")
    await asyncio.gather(
        *(
            create(api, CreateRequest(ControlPlaneId(host.namespace, name), each))
            for name, each in values.items()
        )
    )


async def upgraded(host: HostUnderTest, *more: str) -> tuple[int, dict[str, Any]]:
    """Upgrade all of team a; return the exit code and what was told of each, by name."""
    ended = await host.k3k(
        "upgrade", "-l", "team=a", "-n", host.namespace, "--set", "resources.requests.memory=600Mi", "--yes",
        "-o", "json", *more,
    )  # fmt: skip
    assert ended.out, ended.err
    results = json.loads(ended.out)["results"]
    return ended.code, {each["name"]: each for each in results}


def break_first(host: HostUnderTest, *names: str) -> None:
    """Have the host refuse to touch the servers of some control planes."""
    assert host.sandbox is not None
    body = {"kind": "Status", "status": "Failure", "code": 500, "message": "etcd is on fire"}

    def hook(request: Request) -> Fault | None:
        broken = any(request.path.endswith(f"/statefulsets/{name}-k3k-server") for name in names)
        touches = request.method == "PATCH" and "dryRun" not in request.query
        return Fault(status=500, body=body) if broken and touches else None

    host.sandbox.faults.append(hook)


async def test_those_that_a_selector_chooses_are_upgraded_and_no_other(
    host: HostUnderTest, api: Host
) -> None:
    await made(host, api)
    code, results = await upgraded(host, "--max-parallel", "2")
    assert code == 0
    assert {name: each["state"] for name, each in results.items()} == dict.fromkeys(NAMES, "done")
    assert all(each["revision"] == 2 for each in results.values())


async def test_after_too_many_failures_no_other_is_begun_and_the_command_again_finishes_them(
    host: HostUnderTest, api: Host
) -> None:
    await made(host, api)
    break_first(host, "a1", "a2")
    code, results = await upgraded(host, "--max-parallel", "1", "--stop-after-failures", "2")
    assert code == 1
    states = {name: each["state"] for name, each in results.items()}
    assert states == {"a1": "failed", "a2": "failed", "a3": "skipped"}
    assert "etcd is on fire" in results["a1"]["error"]["message"]

    assert host.sandbox is not None
    host.sandbox.faults.hooks.clear()
    code, results = await upgraded(host)
    assert (code, {each["state"] for each in results.values()}) == (0, {"done"})


async def test_a_canary_that_fails_keeps_the_others_from_being_begun(host: HostUnderTest, api: Host) -> None:
    await made(host, api)
    break_first(host, "a1")
    code, results = await upgraded(host, "--canary")
    states = {name: each["state"] for name, each in results.items()}
    assert (code, states) == (1, {"a1": "failed", "a2": "skipped", "a3": "skipped"})
