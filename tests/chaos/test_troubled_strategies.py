"""Each strategy of an upgrade on a host in trouble: it ends, or one clear error says what goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from k3k_core.errors import K3kError
from k3k_core.host import HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Hook, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL
from tests.support.stopping import objects_of, secrets_of

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
_STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}


def _writes(request: Request) -> bool:
    return request.method != "GET" and "dryRun" not in request.query


def every(nth: int, fault: Fault, which: Callable[[Request], bool]) -> Hook:
    """Make every nth of some requests fail."""
    seen = 0

    def hook(request: Request) -> Fault | None:
        nonlocal seen
        if not request.user_agent.startswith("k3k") or not which(request):
            return None
        seen += 1
        return fault if seen % nth == 0 else None

    return hook


def between(first: int, last: int, fault: Fault, which: Callable[[Request], bool]) -> Hook:
    """Make some requests fail, from one to another."""
    seen = 0

    def hook(request: Request) -> Fault | None:
        nonlocal seen
        if not request.user_agent.startswith("k3k") or not which(request):
            return None
        seen += 1
        return fault if first <= seen <= last else None

    return hook


def answer(code: int, reason: str) -> Fault:
    body = {**_STATUS, "code": code, "reason": reason, "message": f"the host says {reason}"}
    return Fault(status=code, headers={"Retry-After": "0"}, body=body)


# At the seventh write the servers are being touched, whatever the strategy.
TROUBLES: dict[str, Callable[[], Hook]] = {
    "429": lambda: every(5, answer(429, "TooManyRequests"), lambda _: True),
    "watches dropped": lambda: between(1, 3, Fault(drop="before"), lambda each: "watch" in each.query),
    "500": lambda: between(7, 7, answer(500, "InternalError"), _writes),
    "409": lambda: between(7, 7, answer(409, "Conflict"), _writes),
    "host restarts": lambda: between(45, 51, Fault(drop="before"), lambda _: True),
}


def request_of(strategy: str, memory: str) -> UpgradeRequest:
    return UpgradeRequest(
        ONE,
        assignments=(f"resources.requests.memory={memory}",),
        strategy="blue-green" if strategy == "blue-green" else "recreate" if strategy == "recreate" else None,
        canary=strategy == "canary",
        canary_time=0.05,
        drain=0.0,
        timeout=60.0,
    )


def memories(sandbox: Sandbox) -> list[str]:
    pods = [sandbox.store.get(POD, ONE.namespace, f"{ONE.server}-{number}") for number in range(2)]
    return [
        pod["spec"]["containers"][0]["resources"]["requests"]["memory"] for pod in pods if pod is not None
    ]


@pytest.mark.parametrize("strategy", ["recreate", "canary", "blue-green"])
async def test_after_each_trouble_it_is_done_or_an_error_says_how_to_go_on_and_that_finishes_it(
    sandbox: Sandbox, kubeconfig: Path, strategy: str
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        overrides = ("datastore.kind=etcd", "servers=2", "network_policy.enabled=false")
        await create(host, CreateRequest(ONE, load_values("", overrides=overrides)))
        before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
        ended: dict[str, str] = {}
        for number, (name, trouble) in enumerate(TROUBLES.items()):
            memory = f"{600 + number}Mi"
            request = request_of(strategy, memory)
            sandbox.faults.append(trouble())
            try:
                await upgrade(host, request)
                ended[name] = "done"
            except K3kError as error:
                ended[name] = f"{error.message} {error.hint}"
            sandbox.faults.hooks.clear()
            if ended[name] != "done":
                await upgrade(host, request)
            assert memories(sandbox) == [memory] * 2, name
            assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before, name
            root = await host.get(SECRET, ONE.namespace, ONE.root)
            assert operation_of(root) is None, name
    assert ended["429"] == "done"
    assert "the host says InternalError" in ended["500"]


@pytest.mark.parametrize("strategy", ["recreate", "blue-green"])
async def test_a_server_that_is_lost_meanwhile_is_waited_for(
    sandbox: Sandbox, kubeconfig: Path, strategy: str
) -> None:
    lost = False

    def lose(step: Step) -> None:
        nonlocal lost
        names = {"recreate": ONE.server, "blue-green": ONE.green}
        pod = f"{names[strategy]}-1"
        waiting = step.state == "started" and step.name in {"ready", "green"}
        if waiting and not lost and sandbox.store.get(POD, ONE.namespace, pod) is not None:
            lost = True
            sandbox.store.delete(POD, ONE.namespace, pod)

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        overrides = ("datastore.kind=etcd", "servers=2", "network_policy.enabled=false")
        await create(host, CreateRequest(ONE, load_values("", overrides=overrides)))
        done = await upgrade(host, request_of(strategy, "600Mi"), lose)
    assert (done.ready, lost, memories(sandbox)) == (True, True, ["600Mi"] * 2)
