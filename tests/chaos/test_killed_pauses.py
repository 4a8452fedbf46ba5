"""Pause and resume stopped after each single request and then repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.pause import PauseRequest, pause, paused_at, resume
from k3k_core.names import ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, SECRET, STATEFUL_SET
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values
from tests.support.hosts import REAL
from tests.support.stopping import objects_of, secrets_of, stopped_everywhere

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
WALKS = pytest.mark.parametrize(
    ("overrides", "answered"),
    [((), False), (("datastore.kind=etcd", "servers=2"), True)],
    ids=["sqlite, request lost", "etcd, answer lost"],
)


async def made(kubeconfig: Path, overrides: tuple[str, ...]) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("", overrides=overrides)))


def pods_of(sandbox: Sandbox) -> list[str]:
    return [item["metadata"]["name"] for item in sandbox.store.list(POD, ONE.namespace)]


def replicas_of(sandbox: Sandbox) -> dict[str, int]:
    return {
        item["metadata"]["name"]: item["spec"]["replicas"]
        for item in sandbox.store.list(STATEFUL_SET, ONE.namespace)
    }


def kept_of(sandbox: Sandbox) -> tuple[Any, ...]:
    """What neither verb may touch: every Secret's contents, the volumes, and all objects but pods."""
    volumes = {item["metadata"]["uid"] for item in sandbox.store.list(PERSISTENT_VOLUME_CLAIM, ONE.namespace)}
    objects = {entry for entry in objects_of(sandbox, ONE) if entry[0] != "Pod"}
    return secrets_of(sandbox, ONE), volumes, objects


async def is_marked(host: Host) -> bool:
    return paused_at(await host.get(SECRET, ONE.namespace, ONE.root)) is not None


@WALKS
async def test_a_pause_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, overrides: tuple[str, ...], answered: bool
) -> None:
    await made(kubeconfig, overrides)
    before, running = kept_of(sandbox), replicas_of(sandbox)

    async def verb(host: Host, _spare: int) -> None:
        await pause(host, PauseRequest(ONE, timeout=20.0))

    async def check(host: Host, spare: int) -> None:
        assert (pods_of(sandbox), await is_marked(host)) == ([], True), f"after {spare} requests"
        assert kept_of(sandbox) == before, f"after {spare} requests"
        assert (await resume(host, ONE, timeout=20.0)).ready
        assert replicas_of(sandbox) == running

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered)


@WALKS
async def test_a_resume_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, overrides: tuple[str, ...], answered: bool
) -> None:
    await made(kubeconfig, overrides)
    before, running, pods = kept_of(sandbox), replicas_of(sandbox), pods_of(sandbox)

    async def verb(host: Host, _spare: int) -> None:
        assert (await resume(host, ONE, timeout=20.0)).ready

    async def check(host: Host, spare: int) -> None:
        assert (sorted(pods_of(sandbox)), await is_marked(host)) == (sorted(pods), False), f"after {spare}"
        assert (kept_of(sandbox), replicas_of(sandbox)) == (before, running), f"after {spare} requests"
        await pause(host, PauseRequest(ONE, timeout=20.0))

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await pause(host, PauseRequest(ONE))
    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered)
