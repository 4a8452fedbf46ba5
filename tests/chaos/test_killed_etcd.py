"""Replacing an etcd member, and restoring an etcd: stopped after one request after the other, then gone on with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.etcd_replace import ReplaceRequest, replace_member
from k3k_core.lifecycle.etcd_restore import restore_etcd
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.etcd_state import joining
from k3k_core.lifecycle.etcd_status import EtcdStatus, etcd_status
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import JOB, PERSISTENT_VOLUME_CLAIM
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values
from tests.support.stopping import THOROUGH, TOO_MANY, Stopper, objects_of, secrets_of, stopped

ID = ControlPlaneId("team", "dev")
VALUES = load_values("datastore: {kind: etcd, etcd: {members: 3}}")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def made(sandbox: Sandbox, kubeconfig: Path) -> Sandbox:
    """A sandbox with a control plane that has an etcd of three members."""
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ID, VALUES))
    return sandbox


async def stopped_ever_later(
    sandbox: Sandbox, kubeconfig: Path, verb: Callable[[Host], Awaitable[Any]], *, answered: bool
) -> None:
    """Run a verb that is stopped a little later each time it is repeated, until it comes to its end."""
    for spare in count(step=1 if answered or THOROUGH else 3):
        if not await stopped(sandbox, kubeconfig, verb, Stopper(spare, answered=answered)):
            return
        assert spare < TOO_MANY


async def look(kubeconfig: Path) -> EtcdStatus:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        assert operation_of(await find_root(host, ID)) is None
        assert not await joining(host, ID)
        return await etcd_status(host, ID)


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_replacement_that_is_stopped_anywhere_is_gone_on_with(
    made: Sandbox, kubeconfig: Path, answered: bool
) -> None:
    before, secrets = objects_of(made, ID), secrets_of(made, ID)
    old = {member.name: member.id for member in (await look(kubeconfig)).members}
    claim = made.store.get(PERSISTENT_VOLUME_CLAIM, ID.namespace, f"data-{ID.etcd}-1")
    request = ReplaceRequest(ID, 1, timeout=60)
    await stopped_ever_later(made, kubeconfig, lambda host: replace_member(host, request), answered=answered)
    status = await look(kubeconfig)
    new = {member.name: member.id for member in status.members}
    assert status.well
    assert {name for name in new if new[name] != old[name]} == {request.pod}
    now = made.store.get(PERSISTENT_VOLUME_CLAIM, ID.namespace, f"data-{ID.etcd}-1")
    assert claim is not None
    assert now is not None
    assert now["metadata"]["uid"] != claim["metadata"]["uid"]
    assert objects_of(made, ID) == before
    assert secrets_of(made, ID) == secrets


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_restore_that_is_stopped_anywhere_is_gone_on_with(
    made: Sandbox, kubeconfig: Path, tmp_path: Path, answered: bool
) -> None:
    before, secrets = objects_of(made, ID), secrets_of(made, ID)
    path = tmp_path / "snapshot.db"
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await save_snapshot(host, ID, path)
        await stop_pods(host, ID, COMPONENT_SERVER)
    await stopped_ever_later(
        made, kubeconfig, lambda host: restore_etcd(host, ID, path, attempt="a"), answered=answered
    )
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await start_pods(host, ID, COMPONENT_SERVER, 1)
    assert (await look(kubeconfig)).well
    assert objects_of(made, ID) == before
    assert secrets_of(made, ID) == secrets
    assert not made.store.list(JOB, ID.namespace)
