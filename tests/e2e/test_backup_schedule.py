"""Backups by schedule: the rendered command, run as it stands, with the rights rendered beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.backups.stores.s3 import S3Place, S3Store
from k3k_core.host import Host
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.pause import PauseRequest, pause
from k3k_core.names import ControlPlaneId
from k3k_core.resources import CRON_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT
from tests.support.backups import Backups, backups, made, note_of
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import Finished, run_k3k
from tests.support.s3 import ACCESS_KEY, BUCKET, S3, SECRET_KEY, running_s3

__all__ = ["backups"]
pytestmark = pytest.mark.skipif(bool(REAL), reason="its servers are simulated")


@pytest.fixture
async def storage() -> AsyncIterator[S3]:
    async with running_s3() as running:
        yield running


async def scheduled(
    host: HostUnderTest, api: Host, storage: S3, backups: Backups, *more: str
) -> ControlPlaneId:
    """Create a control plane that is backed up by schedule."""
    from k3k_core.backups.keys import read_identities

    data = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
    meta = {"name": "bucket", "namespace": host.namespace}
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": host.namespace}})
    await api.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
    recipient = read_identities(backups.key_file).recipients[0]
    values = (
        "backup.schedule=17 3 * * *",
        "backup.image=example.org/k3k:1",
        f"backup.recipients=[{recipient}]",
        f"backup.s3.bucket={BUCKET}",
        "backup.s3.prefix=k3k/",
        f"backup.s3.endpoint={storage.url}",
        "backup.s3.secret_name=bucket",
        "backup.retention.keep=1",
    )
    return await made(api, host.namespace, "one", *values, *more)


async def run_as_scheduled(
    host: HostUnderTest, api: Host, identity: ControlPlaneId, folder: Path
) -> Finished:
    """Run the command of the CronJob as its ServiceAccount; the key of the user is nowhere near."""
    job = await api.get(CRON_JOB, identity.namespace, identity.task("backup"))
    pod: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    command = pod["containers"][0]["command"]
    assert command[0] == "k3k"
    config = yaml.safe_load(host.kubeconfig.read_text())
    account = f"system:serviceaccount:{identity.namespace}:{pod['serviceAccountName']}"
    config["users"][0]["user"]["as"] = account
    limited = folder / "limited.yaml"
    limited.write_text(yaml.safe_dump(config))
    env = {"K3K_BACKUP_KEY_FILE": str(folder / "no-key")}
    return await run_k3k(*command[1:], kubeconfig=limited, env=env)


@pytest.mark.parametrize("values", [(), ("datastore.kind=etcd",)], ids=["sqlite", "etcd"])
async def test_the_rendered_command_takes_a_backup_that_can_be_restored_and_prunes(
    host: HostUnderTest,
    api: Host,
    storage: S3,
    backups: Backups,
    tmp_path: Path,
    values: tuple[str, ...],
) -> None:
    one = await scheduled(host, api, storage, backups, *values)
    (await run_as_scheduled(host, api, one, tmp_path)).checked()
    (await run_as_scheduled(host, api, one, tmp_path)).checked()

    place = S3Place(BUCKET, "k3k", storage.url, "us-east-1", ACCESS_KEY, SECRET_KEY)
    found = await S3Store(place).summaries()
    assert [each.name.id for each in found] == [one]
    archive = tmp_path / found[0].name.archive
    await S3Store(place).get(found[0].name, archive)
    await delete(api, DeleteRequest(one))
    await Backups(archive, backups.key_file).restore(api, one)
    assert await note_of(api, one) == "kept"


async def test_a_schedule_leaves_what_is_paused_alone(
    host: HostUnderTest, api: Host, storage: S3, backups: Backups, tmp_path: Path
) -> None:
    one = await scheduled(
        host, api, storage, backups, "persistence.enabled=true", "persistence.storage_class=standard"
    )
    await pause(api, PauseRequest(one))
    finished = (await run_as_scheduled(host, api, one, tmp_path)).checked()
    assert ("paused" in finished.err, storage.objects) == (True, {})


async def test_without_a_schedule_there_is_nothing_of_it(
    host: HostUnderTest, api: Host, storage: S3, backups: Backups
) -> None:
    from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade

    one = await scheduled(host, api, storage, backups)
    await upgrade(api, UpgradeRequest(one, assignments=("backup.schedule=",), timeout=20.0))
    for kind in (CRON_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT):
        listing = await api.list(kind, one.namespace, labels="app.kubernetes.io/component=backup")
        assert listing.items == []
