"""Real etcd in the pods of a sandbox, run with the command line, certificates and environment that k3k renders."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from k3k_core.datastores.etcd_client import EtcdClient
from k3k_core.datastores.etcd_cluster import EtcdCluster, open_etcd
from k3k_core.datastores.etcd_messages import EtcdError
from k3k_core.errors import ConflictError, UnreachableError
from k3k_core.host import Host, HostOptions, open_host, open_tunnel, wait_for
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.etcd_maintenance import defragment, disarm
from k3k_core.lifecycle.etcd_replace import ReplaceRequest, plan_replacement, replace_member
from k3k_core.lifecycle.etcd_restore import restore_etcd
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.etcd_status import etcd_status
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.names import COMPONENT_SERVER, ETCD_CLIENT_PORT, ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values
from tests.support.real_etcd_pods import RealPods, etcd_version, real_etcd

__all__ = ["real_etcd"]

ID = ControlPlaneId("team", "dev")
RESTORER = shutil.which("etcdctl" if etcd_version().startswith("3.4.") else "etcdutl")
PREFIX, END = b"/registry/", b"/registry0"

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def three_members(pods: RealPods, folder: Path) -> AsyncIterator[Host]:
    """Create a control plane with three real members, and give the host it is in."""
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        path = folder / "host.yaml"
        path.write_text(sandbox.kubeconfig)
        async with open_host(HostOptions(kubeconfig=str(path))) as host:
            values = f"datastore: {{kind: etcd, etcd: {{members: 3, image: 'etcd:v{etcd_version()}'}}}}"
            await create(host, CreateRequest(ID, load_values(values)))
            yield host


async def fill(etcd: EtcdCluster, keys: int, value: bytes = b"x" * 1000) -> None:
    client = await etcd.working()
    for start in range(0, keys, 100):
        await client.put_all((PREFIX + b"%05d" % number, value, 0) for number in range(start, start + 100))


async def count(etcd: EtcdCluster) -> int:
    return (await (await etcd.working()).page(PREFIX, END, limit=1)).count


async def write_until_refused(client: EtcdClient) -> None:
    for _ in range(100):
        await client.put(PREFIX + b"same", b"x" * 100_000)


async def test_a_member_that_lost_its_volume_waits_and_is_replaced_while_the_others_serve(
    real_etcd: RealPods, tmp_path: Path
) -> None:
    async with three_members(real_etcd, tmp_path) as host:
        request = ReplaceRequest(ID, 1)
        async with open_etcd(host, ID) as etcd:
            await fill(etcd, 200)
            await lose(host, request)
            assert await count(etcd) == 200
            status = await etcd_status(host, ID)
            assert (status.healthy, status.has_quorum) == (2, True)
            assert any("replace-member" in each.remedy for each in status.advice)
            await replace_member(host, request)
            replaced = await etcd.member(request.pod)
            assert (await replaced.page(PREFIX, END, limit=1)).count == 200
        assert (await etcd_status(host, ID)).well


async def test_no_member_is_replaced_while_another_does_not_work(real_etcd: RealPods, tmp_path: Path) -> None:
    async with three_members(real_etcd, tmp_path) as host:
        real_etcd.processes[f"{ID.etcd}-2"].freeze()
        plan = await plan_replacement(host, ReplaceRequest(ID, 1))
        with pytest.raises(ConflictError, match="could not agree"):
            plan.refuse()


async def test_nobody_without_a_certificate_of_ours_is_served(real_etcd: RealPods, tmp_path: Path) -> None:
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    async with (
        three_members(real_etcd, tmp_path) as host,
        open_tunnel(host, ID.namespace, f"{ID.etcd}-0", ETCD_CLIENT_PORT) as tunnel,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=stranger)) as session,
    ):
        client = EtcdClient(session, f"https://127.0.0.1:{tunnel.port}", "a stranger's")
        with pytest.raises(UnreachableError):
            await client.status()


async def test_defragmentation_gives_back_what_compaction_freed(real_etcd: RealPods, tmp_path: Path) -> None:
    async with three_members(real_etcd, tmp_path) as host, open_etcd(host, ID) as etcd:
        await fill(etcd, 400)
        client = await etcd.working()
        await client.delete_range(PREFIX, END)
        await client.compact((await client.status()).revision)
        done = await defragment(host, ID)
        assert all(after < before / 2 for _, before, after in done.members)


async def test_a_full_etcd_takes_writes_again_after_disarm(real_etcd: RealPods, tmp_path: Path) -> None:
    real_etcd.variables["ETCD_QUOTA_BACKEND_BYTES"] = str(1024 * 1024)
    async with three_members(real_etcd, tmp_path) as host, open_etcd(host, ID) as etcd:
        client = await etcd.working()
        with pytest.raises(EtcdError, match="database space exceeded"):
            await write_until_refused(client)
        status = await etcd_status(host, ID)
        assert {kind for _, kind in status.alarms} == {"NOSPACE"}
        await disarm(host, ID)
        await client.put(PREFIX + b"other", b"x")
        assert (await etcd_status(host, ID)).well


@pytest.mark.skipif(RESTORER is None, reason="needs etcdctl of 3.4, or etcdutl of later versions")
async def test_a_snapshot_is_restored_by_the_commands_of_the_rendered_jobs(
    real_etcd: RealPods, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshot.db"
    async with three_members(real_etcd, tmp_path) as host:
        async with open_etcd(host, ID) as etcd:
            await fill(etcd, 300)
            revision = (await (await etcd.working()).status()).revision
            taken = await save_snapshot(host, ID, snapshot)
            await (await etcd.working()).delete_range(PREFIX, END)
        assert snapshot.stat().st_size == taken.size
        assert snapshot.stat().st_mode & 0o777 == 0o600
        await stop_pods(host, ID, COMPONENT_SERVER)
        await restore_etcd(host, ID, snapshot)
        await start_pods(host, ID, COMPONENT_SERVER, 1)
        async with open_etcd(host, ID) as etcd:
            assert await count(etcd) == 300
            assert (await (await etcd.working()).status()).revision >= revision
        assert (await etcd_status(host, ID)).well


async def lose(host: Host, request: ReplaceRequest) -> None:
    """Take a member's volume away and wait until its pod is there again, and refused a start without data."""
    namespace = request.id.namespace
    old = await host.get(POD, namespace, request.pod)
    await host.delete(PERSISTENT_VOLUME_CLAIM, namespace, request.claim)
    await host.delete(POD, namespace, request.pod)

    def guarded(pods: Mapping[str, dict[str, Any]]) -> bool | None:
        pod = pods.get(request.pod)
        if pod is None or pod["metadata"]["uid"] == old["metadata"]["uid"]:
            return None
        return "guard" in trouble_of(pod) or None

    await wait_for(host, POD, namespace, guarded, timeout=60, what="The guard of the member")
