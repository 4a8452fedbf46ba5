"""Moving what a control plane stores, going back, confirming: on the sandbox, stopped anywhere and repeated."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import ConflictError, K3kError, NotReadyError
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle import migrate as moving
from k3k_core.lifecycle import migrate_back, migrate_copy
from k3k_core.lifecycle.backup_data import capture
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.databases import External, dump_database
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migrate import migrate
from k3k_core.lifecycle.migrate_back import confirm, go_back, plan_back
from k3k_core.lifecycle.migrate_plan import MigrateRequest, Target, plan_migration
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.progress import Progress
from k3k_core.lifecycle.transfer import Transferred
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import CONFIG_MAP, JOB, PERSISTENT_VOLUME_CLAIM, POD, SECRET, STATEFUL_SET
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values
from tests.support.stopping import THOROUGH, objects_of, secrets_of, stopped_everywhere

IDENTITY = ControlPlaneId("tenants", "dev")
# Requests between two stops: a move makes many, and most of them are of steps that have walks of their own.
EVERY = 1 if THOROUGH else 29
OLD_CLAIM = "data-dev-k3k-server-0"
DSN = "postgres://k3s:secret-password@db.example.org/"


@pytest.fixture
async def host(kubeconfig: Path) -> AsyncIterator[Host]:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


async def _made(host: Host) -> None:
    """A control plane on sqlite with an object of its own, and a Secret that names a database."""
    await create(host, CreateRequest(IDENTITY, load_values("{}")))
    await _put(host, "before")
    await _database(host, "dev")


async def _database(host: Host, name: str) -> None:
    meta = {"name": name, "namespace": IDENTITY.namespace}
    endpoint = {"endpoint": f"{DSN}{name}"}
    await host.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": endpoint})


async def _put(host: Host, name: str) -> None:
    async with open_control_plane(host, IDENTITY) as own:
        meta = {"name": name, "namespace": "default"}
        await own.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}})


async def _stored(host: Host) -> dict[str, str]:
    """Return the ConfigMaps of users by name, with their resource versions."""
    async with open_control_plane(host, IDENTITY) as own:
        found = await own.list(CONFIG_MAP, "default")
    return {
        item["metadata"]["name"]: item["metadata"]["resourceVersion"]
        for item in found.items
        if "data" in item
    }


def _request(to: Target, database: str = "dev") -> MigrateRequest:
    return MigrateRequest(IDENTITY, to, secret=database if to == "external" else "")


def _without(path: Path, words: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if words not in line))


def _claims(sandbox: Sandbox) -> set[str]:
    return {item["metadata"]["name"] for item in sandbox.store.list(PERSISTENT_VOLUME_CLAIM)}


def _tasks(sandbox: Sandbox) -> set[str]:
    jobs = {item["metadata"]["name"] for item in sandbox.store.list(JOB)}
    pods = {item["metadata"]["name"] for item in sandbox.store.list(POD)}
    return jobs | {name for name in pods if name.endswith("-copy")}


def _replicas(sandbox: Sandbox) -> int:
    servers = sandbox.store.get(STATEFUL_SET, IDENTITY.namespace, IDENTITY.server)
    assert servers is not None
    return int(servers["spec"]["replicas"])


@pytest.mark.parametrize("to", ["etcd", "external"])
async def test_what_was_stored_is_there_after_the_move_at_its_revisions(
    sandbox: Sandbox, host: Host, to: Target
) -> None:
    await _made(host)
    before, secrets = await _stored(host), secrets_of(sandbox, IDENTITY)
    moved = await migrate(host, _request(to))
    assert await _stored(host) == before
    assert moved.objects > 0
    assert secrets.items() <= secrets_of(sandbox, IDENTITY).items()
    assert operation_of(await find_root(host, IDENTITY)) is None
    assert _tasks(sandbox) == set()


@pytest.mark.parametrize("to", ["etcd", "external"])
async def test_going_back_brings_along_what_was_written_since(
    sandbox: Sandbox, host: Host, to: Target
) -> None:
    await _made(host)
    claims, objects = _claims(sandbox), objects_of(sandbox, IDENTITY)
    await migrate(host, _request(to))
    await _put(host, "later")
    written = await _stored(host)
    assert not (await plan_back(host, IDENTITY)).loses_data
    await go_back(host, IDENTITY)
    assert await _stored(host) == written
    assert "later" in written
    assert _claims(sandbox) == claims
    assert objects_of(sandbox, IDENTITY) == objects
    assert (await plan_back(host, IDENTITY)).problems


async def test_going_back_keeps_what_else_was_changed_since_though_the_old_revision_is_forgotten(
    sandbox: Sandbox, host: Host
) -> None:
    await create(
        host, CreateRequest(IDENTITY, load_values("{version: v1.32.5+k3s1, persistence: {size: 7Gi}}"))
    )
    await migrate(host, _request("etcd"))
    changes = ("version=v1.33.4+k3s1", "labels.team=a", "servers=2")
    await upgrade(host, UpgradeRequest(IDENTITY, assignments=changes, backup="skip"))
    await host.delete(SECRET, IDENTITY.namespace, IDENTITY.revision(1))
    await go_back(host, IDENTITY)
    values = stored_values(await find_root(host, IDENTITY)).values
    assert (values.version, values.labels) == ("v1.33.4+k3s1", {"team": "a"})
    assert (values.datastore.kind, values.servers, values.persistence.size) == ("sqlite", 1, "7Gi")
    assert _replicas(sandbox) == 1


async def test_an_old_volume_that_is_two_minors_behind_is_not_gone_back_to(host: Host) -> None:
    await create(host, CreateRequest(IDENTITY, load_values("version: v1.31.9+k3s1")))
    await migrate(host, _request("etcd"))
    for version in ("v1.32.5+k3s1", "v1.33.4+k3s1"):
        await upgrade(host, UpgradeRequest(IDENTITY, version=version, backup="skip"))
    (problem,) = (await plan_back(host, IDENTITY, discard=True)).problems
    assert "the old volume is of k3s v1.31.9+k3s1" in problem.problem
    assert not (await plan_back(host, IDENTITY)).problems


async def test_what_was_written_since_can_be_left_behind(host: Host) -> None:
    await _made(host)
    before = await _stored(host)
    await migrate(host, _request("external"))
    await _put(host, "later")
    assert (await plan_back(host, IDENTITY, discard=True)).loses_data
    await go_back(host, IDENTITY, discard=True)
    assert await _stored(host) == before


async def test_going_back_from_what_cannot_be_read_names_the_way_out(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _made(host)
    before = await _stored(host)
    await migrate(host, _request("external"))

    async def broken(*_: Any) -> None:
        raise NotReadyError("the database does not answer")

    monkeypatch.setattr(migrate_back, "dump_database", broken)
    with pytest.raises(
        NotReadyError, match="cannot be brought along: the database does not answer"
    ) as caught:
        await go_back(host, IDENTITY)
    assert "--discard" in caught.value.hint
    await go_back(host, IDENTITY, discard=True)
    assert await _stored(host) == before


async def test_a_confirmed_move_has_no_old_volume_and_no_way_back(sandbox: Sandbox, host: Host) -> None:
    await _made(host)
    await migrate(host, _request("external"))
    assert OLD_CLAIM in _claims(sandbox)
    await confirm(host, IDENTITY)
    assert OLD_CLAIM not in _claims(sandbox)
    with pytest.raises(ConflictError, match="the move is confirmed"):
        await go_back(host, IDENTITY)
    await confirm(host, IDENTITY)


async def test_a_database_that_holds_another_control_plane_is_never_replaced(
    sandbox: Sandbox, host: Host
) -> None:
    await _made(host)
    other = ControlPlaneId("tenants", "other")
    values = load_values("datastore: {kind: external, external: {secret_name: dev}}")
    await create(host, CreateRequest(other, values))
    with pytest.raises(ConflictError, match="records of k3s already"):
        await migrate(host, _request("external"))
    assert _replicas(sandbox) == 1
    assert operation_of(await find_root(host, IDENTITY)) is None


async def test_no_server_starts_on_a_copy_that_is_not_the_same(
    sandbox: Sandbox, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _made(host)
    before = await _stored(host)
    whole = dump_database

    async def lacking(host: Host, external: External, path: Path, progress: Progress) -> Transferred:
        done = await whole(host, external, path, progress)
        _without(path, b"/configmaps/default/before")
        return done

    monkeypatch.setattr(migrate_copy, "dump_database", lacking)
    with pytest.raises(K3kError, match="is not what control plane tenants/dev has stored") as caught:
        await migrate(host, _request("external"))
    assert "configmaps: " in caught.value.message
    assert "--back` starts it on sqlite" in caught.value.hint
    assert _replicas(sandbox) == 0
    assert not (await plan_back(host, IDENTITY)).loses_data
    await go_back(host, IDENTITY)
    assert await _stored(host) == before


async def test_an_etcd_that_does_not_come_up_costs_no_answer_and_is_taken_away_again(
    sandbox: Sandbox, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _made(host)
    before, claims, objects = await _stored(host), _claims(sandbox), objects_of(sandbox, IDENTITY)
    monkeypatch.setattr(moving, "_PREPARE_SECONDS", 0.2)
    nowhere = MigrateRequest(IDENTITY, "etcd", assignments=("datastore.etcd.storage_class=missing",))
    with pytest.raises(NotReadyError) as caught:
        await migrate(host, nowhere)
    assert "The server still runs on sqlite" in caught.value.hint
    assert _replicas(sandbox) == 1
    assert await _stored(host) == before
    await go_back(host, IDENTITY)
    assert await _stored(host) == before
    assert (_claims(sandbox), objects_of(sandbox, IDENTITY)) == (claims, objects)


async def test_a_move_under_way_is_finished_before_anything_else(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _made(host)

    async def stopped(*_: Any) -> None:
        raise K3kError("stopped here")

    with monkeypatch.context() as patched:
        patched.setattr(migrate_copy, "stop", stopped)
        with pytest.raises(K3kError, match="stopped here"):
            await migrate(host, _request("external"))
    with pytest.raises(ConflictError, match="in the middle of migrate"):
        await upgrade(host, UpgradeRequest(IDENTITY, assignments=("servers=1",)))
    with pytest.raises(ConflictError, match="is being moved to external"):
        await migrate(host, _request("etcd"))
    await migrate(host, _request("external"))
    await upgrade(host, UpgradeRequest(IDENTITY, assignments=("servers=2",)))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("persistence: {enabled: false}", "there is no volume to copy it from"),
        ("datastore: {kind: etcd}", "only what is in sqlite can be moved"),
    ],
)
async def test_what_cannot_be_moved_is_refused_untouched(host: Host, values: str, reason: str) -> None:
    await create(host, CreateRequest(IDENTITY, load_values(values), wait=False))
    await _database(host, "dev")
    root = await find_root(host, IDENTITY)
    with pytest.raises(ConflictError, match=reason):
        await migrate(host, _request("external"))
    assert await find_root(host, IDENTITY) == root


@pytest.mark.parametrize("to", ["etcd", "external"])
async def test_a_slower_run_of_the_same_move_does_not_touch_what_the_faster_one_has_done(
    host: Host, monkeypatch: pytest.MonkeyPatch, to: Target
) -> None:
    await _made(host)
    overtaken = False

    async def overtaking(*arguments: Any) -> Any:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            await migrate(host, _request(to))
            await _put(host, "after")
        return await capture(*arguments)

    monkeypatch.setattr(migrate_copy, "capture", overtaking)
    with pytest.raises(ConflictError, match="another run of the same move"):
        await migrate(host, _request(to))
    assert {"before", "after"} <= set(await _stored(host))
    assert operation_of(await find_root(host, IDENTITY)) is None


async def test_what_has_moved_already_has_nothing_to_do(host: Host) -> None:
    await _made(host)
    await migrate(host, _request("external"))
    assert (await plan_migration(host, _request("external"))).nothing_to_do


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_move_that_is_stopped_anywhere_and_repeated_loses_nothing(
    sandbox: Sandbox, kubeconfig: Path, host: Host, answered: bool
) -> None:
    await _made(host)
    before, objects, claims = await _stored(host), objects_of(sandbox, IDENTITY), _claims(sandbox)
    secrets = secrets_of(sandbox, IDENTITY)
    rounds = itertools.count()
    await _database(host, "db0")

    async def verb(host: Host, spare: int) -> None:
        await migrate(host, _request("external", f"db{spare}"))

    async def check(_host: Host, spare: int) -> None:
        assert await _stored(host) == before, spare
        assert (objects_of(sandbox, IDENTITY), _claims(sandbox)) == (objects, claims), spare
        assert secrets_of(sandbox, IDENTITY) == secrets
        assert operation_of(await find_root(host, IDENTITY)) is None
        assert _tasks(sandbox) == set(), spare
        await go_back(host, IDENTITY)
        await _database(host, f"db{spare + EVERY}")
        next(rounds)

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=EVERY)
    assert next(rounds) > 1


async def test_a_way_back_that_is_stopped_anywhere_and_repeated_leaves_nothing_of_the_move(
    sandbox: Sandbox, kubeconfig: Path, host: Host
) -> None:
    await _made(host)
    before, objects, claims = await _stored(host), objects_of(sandbox, IDENTITY), _claims(sandbox)
    await migrate(host, _request("etcd"))

    async def verb(host: Host, _spare: int) -> None:
        # Over, when all but the last answer was lost.
        if not (await plan_back(host, IDENTITY)).problems:
            await go_back(host, IDENTITY)

    async def check(_host: Host, spare: int) -> None:
        assert set(await _stored(host)) == set(before), spare
        assert (objects_of(sandbox, IDENTITY), _claims(sandbox)) == (objects, claims), spare
        await migrate(host, _request("etcd"))

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=True, every=18)
