"""Backups of simulated control planes, and what comes of restoring them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from k3k_core.backups.keys import ensure_key
from k3k_core.datastores.inventory import compare
from k3k_core.errors import ConflictError, K3kError, NotFoundError
from k3k_core.host import Host
from k3k_core.lifecycle.backup import BackupRequest, create_backup, plan_backup
from k3k_core.lifecycle.backup_catalog import PruneRequest, list_backups, prune
from k3k_core.lifecycle.backup_verify import scratch_id, verify
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.describe import describe
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.operation import Operation, begin
from k3k_core.lifecycle.pause import PauseRequest, pause
from k3k_core.lifecycle.revisions import revisions
from k3k_core.names import ANNOTATION_BACKED_UP_AT, ANNOTATION_LAST_BACKUP, ControlPlaneId
from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET
from tests.support.backups import Backups, backups, made, note_by, note_of, put_note
from tests.support.hosts import REAL, HostUnderTest

__all__ = ["backups"]
pytestmark = pytest.mark.skipif(bool(REAL), reason="its servers are simulated")

EXTERNAL = (
    "datastore.kind=external",
    "datastore.external.endpoint=postgres://k3s:pw@db.example.org:5432/one",
)
ON_A_VOLUME = ("persistence.enabled=true", "persistence.storage_class=standard")


async def credentials(api: Host, identity: ControlPlaneId) -> list[object]:
    found = [await api.get(SECRET, identity.namespace, name) for name in (identity.pki, identity.tokens)]
    return [each["data"] for each in found]


@pytest.mark.parametrize(
    "values",
    [ON_A_VOLUME, ("persistence.enabled=false",), EXTERNAL],
    ids=["volume", "pod", "external"],
)
async def test_what_was_deleted_comes_back_with_its_objects_its_authorities_and_its_kubeconfigs(
    host: HostUnderTest, api: Host, backups: Backups, tmp_path: Path, values: tuple[str, ...]
) -> None:
    one = await made(api, host.namespace, "one", *values)
    kubeconfig, before = await fetch_kubeconfig(api, one), await credentials(api, one)
    taken = await backups.take(api, one)
    held = (await backups.contents(api, one)).manifest.inventory
    await delete(api, DeleteRequest(one))

    restored = await backups.restore(api, one)

    assert (restored.backup, restored.in_place) == (str(taken.name), False)
    assert await credentials(api, one) == before
    assert await note_by(kubeconfig, tmp_path) == "kept"
    await backups.take(api, one, to=str(tmp_path / "again"))
    again = await Backups(tmp_path / "again", backups.key_file).contents(api, one)
    assert compare(held, again.manifest.inventory) == ()


async def test_a_restore_in_place_takes_back_what_was_done_since_and_goes_on_beyond_its_revisions(
    host: HostUnderTest, api: Host, backups: Backups, tmp_path: Path
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    kubeconfig = await fetch_kubeconfig(api, one)
    await backups.take(api, one)
    await put_note(api, one, "a mistake")

    restored = await backups.restore(api, one)

    assert restored.in_place
    assert await note_by(kubeconfig, tmp_path) == "kept"
    assert [each.number for each in await revisions(api, one)] == [1]
    with pytest.raises(NotFoundError):
        await api.get(CONFIG_MAP, one.namespace, one.restore)
    await put_note(api, one, "later")
    before = (await backups.contents(api, one)).manifest.inventory.revision
    await backups.take(api, one)
    assert (await backups.contents(api, one)).manifest.inventory.revision > before


async def test_a_backup_can_be_restored_beside_the_original(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await backups.take(api, one)
    await put_note(api, one, "gone on")
    two = ControlPlaneId(host.namespace, "two")

    await backups.restore(api, one, two)

    assert (await note_of(api, one), await note_of(api, two)) == ("gone on", "kept")
    assert await credentials(api, two) == await credentials(api, one)


async def test_values_of_the_backup_come_back_as_a_new_revision(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade

    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await backups.take(api, one)
    await upgrade(api, UpgradeRequest(one, assignments=("k3s.log_level=4",), timeout=20.0))
    restored = await backups.restore(api, one)
    found = await revisions(api, one)
    assert (restored.revision, found[0].current) == (3, True)
    assert [change.path for change in found[0].changes] == ["k3s.log_level"]


async def test_history_comes_back_with_what_was_deleted(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade

    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await upgrade(api, UpgradeRequest(one, assignments=("k3s.log_level=4",), timeout=20.0))
    await backups.take(api, one)
    await delete(api, DeleteRequest(one))
    restored = await backups.restore(api, one)
    assert restored.revision == 2
    assert [each.number for each in await revisions(api, one)] == [2, 1]


async def test_a_cold_copy_is_made_while_no_server_runs_and_it_runs_again_afterwards(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    taken = await backups.take(api, one, cold=True)
    assert taken.summary.how == "cold"
    assert await note_of(api, one) == "kept"
    await put_note(api, one, "a mistake")
    await backups.restore(api, one)
    assert await note_of(api, one) == "kept"


async def test_what_is_paused_is_copied_from_its_volume_and_stays_paused(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await pause(api, PauseRequest(one))
    taken = await backups.take(api, one)
    assert (taken.summary.how, taken.summary.objects > 0) == ("cold", True)
    pods = await api.list(POD, one.namespace, labels="app.kubernetes.io/component=server")
    assert pods.items == []


async def test_a_cold_copy_of_a_database_that_is_in_its_pod_is_refused(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", "persistence.enabled=false")
    plan = await plan_backup(api, BackupRequest(one, to=str(backups.folder), cold=True))
    assert [each.problem for each in plan.problems] == ["its database is in its pod, and gone with it"]
    with pytest.raises(ConflictError, match="gone with it"):
        await backups.take(api, one, cold=True)
    assert await note_of(api, one) == "kept"


async def test_a_place_that_is_not_there_is_told_before_the_server_is_held(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one")
    steps: list[str] = []
    with pytest.raises(NotFoundError, match=r"volume claim .*/nope does not exist"):
        await create_backup(api, BackupRequest(one, to="volume:nope"), lambda step: steps.append(step.name))
    assert steps == []
    listed = await host.k3k(
        "backup", "list", "one", "-n", host.namespace, "--from", str(backups.folder / "typo")
    )
    assert (listed.code, "typo does not exist" in listed.err) == (3, True)


async def test_backups_go_to_a_volume_that_outlives_the_control_plane(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    settings = ("backup.volume.enabled=true", "backup.volume.storage_class=standard")
    one = await made(api, host.namespace, "one", *ON_A_VOLUME, *settings)
    taken = await backups.take(api, one, to=None)
    assert taken.place == f"volume {one.namespace}/{one.backups}"
    await delete(api, DeleteRequest(one))

    found = await list_backups(api, one, "volume")
    assert [each.name for each in found.summaries] == [taken.name]
    await Backups(Path("volume"), backups.key_file).restore(api, one)
    assert await note_of(api, one) == "kept"
    left = await api.list(POD, one.namespace, labels="app.kubernetes.io/component=backup")
    assert left.items == []


async def test_a_backup_taken_leaves_a_note_on_the_root_and_nothing_else(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    before = await names(api, one.namespace)
    taken = await backups.take(api, one)
    assert await names(api, one.namespace) == before
    annotations = (await api.get(SECRET, one.namespace, one.root))["metadata"]["annotations"]
    assert annotations[ANNOTATION_LAST_BACKUP] == str(taken.name)
    assert annotations[ANNOTATION_BACKED_UP_AT] == taken.name.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    old = {"metadata": {"annotations": {ANNOTATION_BACKED_UP_AT: "2020-01-01T00:00:00Z"}}}
    await api.patch(SECRET, one.namespace, one.root, old)
    conditions = {
        each.type: each.message for each in (await describe(api, one, now=taken.name.at)).conditions
    }
    assert "`k3k backup create one" in conditions["BackedUp"]
    place = str(backups.folder)
    assert await prune(api, PruneRequest(one, source=place, keep=0)) == ()
    assert [each.name for each in (await list_backups(api, one, place)).summaries] == [taken.name]


async def names(api: Host, namespace: str) -> set[tuple[str, str]]:
    kinds = (POD, SECRET, CONFIG_MAP, PERSISTENT_VOLUME_CLAIM)
    return {
        (kind.kind, item["metadata"]["name"])
        for kind in kinds
        for item in (await api.list(kind, namespace)).items
    }


async def test_who_lacks_the_key_restores_nothing(
    host: HostUnderTest, api: Host, backups: Backups, tmp_path: Path
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await backups.take(api, one)
    other = ensure_key(tmp_path / "other.key")
    async with AsyncExitStack() as stack:
        with pytest.raises(K3kError, match="does not open the backup"):
            await backups.open(api, one, stack, key_file=other.path)


async def test_an_older_k3s_is_not_given_what_a_newer_one_has_stored(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", "version=v1.36.2+k3s1")
    await backups.take(api, one)
    two = ControlPlaneId(host.namespace, "two")
    plan = await backups.plan(api, one, two, overrides=("version=v1.35.4+k3s1",))
    assert [each.path for each in plan.problems] == ["version"]
    with pytest.raises(ConflictError, match="does not read what"):
        await backups.restore(api, one, two, overrides=("version=v1.35.4+k3s1",))
    with pytest.raises(NotFoundError):
        await api.get(SECRET, two.namespace, two.root)


async def test_a_restore_in_place_says_what_is_lost_and_waits_for_what_else_is_under_way(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one")
    await backups.take(api, one)
    plan = await backups.plan(api, one)
    assert (plan.loses_data, any("is lost" in each.problem for each in plan.warnings)) == (True, True)
    await begin(api, one, Operation("migrate", "copying", command="migrate one"))
    with pytest.raises(ConflictError, match="in the middle of migrate"):
        await backups.restore(api, one)
    with pytest.raises(ConflictError, match="in the middle of migrate"):
        await backups.take(api, one)


async def test_what_was_moved_to_another_datastore_since_is_not_restored_in_place(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await backups.take(api, one)
    overrides = ("datastore.kind=etcd",)
    plan = await backups.plan(api, one, overrides=overrides)
    assert {each.path for each in plan.problems} == {"datastore.kind"}
    fixed = await backups.plan(api, one, overrides=("persistence.size=9Gi",))
    assert [(each.path, "--as NAME" in each.remedy) for each in fixed.problems] == [
        ("persistence.size", True)
    ]


async def test_a_verified_backup_was_restored_compared_and_deleted_again(
    host: HostUnderTest, api: Host, backups: Backups
) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    await backups.take(api, one)
    before = await names(api, one.namespace)
    async with AsyncExitStack() as stack:
        source = await backups.open(api, one, stack)
        verified = await verify(api, source, timeout=60.0)
        with pytest.raises(NotFoundError):
            await api.get(SECRET, one.namespace, scratch_id(source).root)
    assert verified.restored
    assert next(each for each in verified.kinds if each.kind == "configmaps").missing == 0
    assert await names(api, one.namespace) == before


async def test_the_command_takes_lists_and_restores(host: HostUnderTest, api: Host, backups: Backups) -> None:
    one = await made(api, host.namespace, "one", *ON_A_VOLUME)
    env = {"K3K_BACKUP_KEY_FILE": str(backups.key_file)}
    place = str(backups.folder)
    name = (
        (await host.k3k("backup", "create", "one", "-n", one.namespace, "--to", place, "-o", "name", env=env))
        .checked()
        .out.strip()
    )
    listed = await host.k3k("backup", "list", "--from", place, "-o", "name", env=env)
    assert listed.checked().out.split() == [name]
    asked = ("backup", "restore", "one", "-n", one.namespace, "--from", place)
    refused = await host.k3k(*asked, env=env)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    restored = await host.k3k(*asked, "--yes", env=env)
    assert f"Control plane {one} restored" in restored.checked().out
    elsewhere = ControlPlaneId(f"{host.namespace}-2", "two")
    beside = await host.k3k(*asked, "--as", str(elsewhere), "--yes", "-o", "name", env=env)
    assert beside.checked().out.strip() == str(elsewhere)
    assert [await note_of(api, each) for each in (one, elsewhere)] == ["kept", "kept"]
