"""Create and delete, killed with SIGKILL after each single request and then repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
)
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import environment
from tests.support.warm import start_warm

KINDS = (
    SECRET,
    CONFIG_MAP,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
)
# More requests than any verb makes; a walk that gets there has not found the end.
TOO_MANY = 60

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="kills by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

Objects = dict[tuple[str, str], dict[str, Any]]


@dataclass(slots=True)
class Killer:
    """Kills a process when the host has handled a number of its requests.

    Attributes:
        sandbox: the host.
        spare: requests that are answered before the kill.
        answered: whether the last request of the process was handled, its answer lost.
        process: process to kill, None for none yet.
        seen: requests seen so far.
        killed: whether it was killed.
    """

    sandbox: Sandbox
    spare: int
    answered: bool
    process: Any = None
    seen: int = 0
    killed: bool = False

    def __call__(self, request: Request) -> Fault | None:
        if not request.user_agent.startswith("k3k"):
            return None
        self.seen += 1
        if self.seen <= self.spare:
            return None
        if self.process is not None and not self.killed:
            self.killed = True
            self.process.kill()
        return Fault(drop="after" if self.answered else "before")


async def killed(host: HostUnderTest, spare: int, *arguments: str, answered: bool) -> bool:
    """Run a verb and kill it after `spare` requests; False when it ended by itself before."""
    assert host.sandbox is not None
    killer = Killer(host.sandbox, spare, answered)
    host.sandbox.faults.append(killer)
    try:
        killer.process = await start_warm(arguments, environment(host.kubeconfig))
        _out, err = await killer.process.communicate()
    finally:
        host.sandbox.faults.hooks.remove(killer)
    code: int = killer.process.returncode
    assert code in {0, -9}, err.decode()
    return code == -9


def objects(host: HostUnderTest, name: str) -> Objects:
    """Return everything that belongs to a control plane, by kind and name."""
    assert host.sandbox is not None
    return {
        (resource.kind, item["metadata"]["name"]): item
        for resource in KINDS
        for item in host.sandbox.store.list(resource, host.namespace)
        if (item["metadata"].get("labels") or {}).get(LABEL_CONTROL_PLANE) == name
    }


def secrets_of(found: Objects) -> dict[str, Any]:
    return {
        name: item["data"]
        for (kind, name), item in found.items()
        if kind == "Secret" and name.endswith(("-pki", "-tokens"))
    }


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_create_killed_after_any_request_finishes_when_repeated(
    host: HostUnderTest, answered: bool
) -> None:
    command = ("create", "whole", "-n", host.namespace, "--timeout", "60s")
    (await host.k3k(*command)).checked()
    whole = {(kind, name.replace("whole", "NAME")) for kind, name in objects(host, "whole")}

    for spare in range(TOO_MANY):
        name = f"cp-{spare}"
        command = ("create", name, "-n", host.namespace, "--timeout", "60s")
        was_killed = await killed(host, spare, *command, answered=answered)
        before = secrets_of(objects(host, name))
        (await host.k3k(*command)).checked()
        after = objects(host, name)
        assert {(kind, key.replace(name, "NAME")) for kind, key in after} == whole, f"after {spare} requests"
        kept = {key: value for key, value in secrets_of(after).items() if key in before}
        assert kept == before, f"after {spare} requests"
        if not was_killed:
            return
    pytest.fail(f"a create makes more than {TOO_MANY} requests")


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_delete_killed_after_any_request_finishes_when_repeated(
    host: HostUnderTest, api: Host, answered: bool
) -> None:
    for spare in range(TOO_MANY):
        name = f"cp-{spare}"
        await create(api, CreateRequest(ControlPlaneId(host.namespace, name), load_values("")))
        delete = ("delete", name, "-n", host.namespace, "--yes", "--timeout", "60s")
        was_killed = await killed(host, spare, *delete, answered=answered)
        again = await host.k3k(*delete, "--ignore-not-found")
        assert again.code == 0, again.err
        assert objects(host, name) == {}, f"after {spare} requests"
        if not was_killed:
            return
    pytest.fail(f"a delete makes more than {TOO_MANY} requests")
