"""Every verb that changes a control plane, on a host that gets into trouble meanwhile.

It ends: done, or with one error that says what to do. The same again, when the trouble is over, is done, and leaves
nothing under way. The strategies of an upgrade have walks of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import ConflictError, K3kError, NotFoundError
from k3k_core.host import Backoff, Host, HostOptions, client, open_host
from k3k_core.lifecycle.backup_verify import verify
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.etcd_maintenance import defragment, disarm
from k3k_core.lifecycle.etcd_replace import ReplaceRequest, replace_member
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migrate import migrate
from k3k_core.lifecycle.migrate_back import go_back
from k3k_core.lifecycle.migrate_plan import MigrateRequest
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.pause import PauseRequest, pause, paused_at, resume
from k3k_core.lifecycle.protect import protect
from k3k_core.lifecycle.prune import PruneRequest, plan_prune, prune
from k3k_core.lifecycle.readiness import wait_until_ready
from k3k_core.lifecycle.restart import restart
from k3k_core.lifecycle.rollback import RollbackRequest, rollback
from k3k_core.lifecycle.rotate_ca import rotate_ca
from k3k_core.lifecycle.rotate_certificates import rotate_certificates
from k3k_core.lifecycle.rotate_tokens import rotate_tokens
from k3k_core.lifecycle.ttl import TtlChange, set_ttl
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.controllers.pods import is_ready
from k3k_core.values import load_values
from tests.support.backups import Backups
from tests.support.hosts import REAL
from tests.support.stopping import objects_of
from tests.support.troubles import TROUBLES, Trouble, counted

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("team", "one")
# Seconds a verb is given in trouble, and when it is over.
SHORT, LONG = 2.0, 60.0
ETCD = ("datastore.kind=etcd", "datastore.etcd.members=3")

Run = Callable[[Host, float], Awaitable[Any]]


async def _nothing(_: Host, __: float) -> None:
    return


@dataclass(frozen=True)
class Verb:
    """A verb and what it needs.

    Attributes:
        name: of it.
        run: runs it, given the host and the seconds it has.
        prepare: brings the control plane to where it has something to do.
        values: `path=value` texts the control plane is created with.
        leaves: "ready", "paused" or "nothing".
    """

    name: str
    run: Run
    prepare: Run = _nothing
    values: tuple[str, ...] = ()
    leaves: str = "ready"


_versions = itertools.count(2)


async def _create(host: Host, seconds: float, *values: str) -> None:
    loaded = load_values("", overrides=("version=v1.36.1+k3s1", *values))
    await create(host, CreateRequest(ONE, loaded, timeout=seconds, address_timeout=min(seconds, 0.5)))


async def _delete(host: Host, seconds: float) -> None:
    try:
        await delete(host, DeleteRequest(ONE, timeout=seconds))
    except NotFoundError:
        return


async def _another_version(host: Host, seconds: float) -> None:
    request = UpgradeRequest(ONE, version=f"v1.36.{next(_versions)}+k3s1", backup="skip", timeout=seconds)
    await upgrade(host, request)


async def _upgrade(host: Host, seconds: float) -> None:
    """The newest version there is; said again, it is the same."""
    newest = load_values("", overrides=("version=v1.36.90+k3s1",))
    await upgrade(host, UpgradeRequest(ONE, values=newest, backup="skip", timeout=seconds))


async def _older(host: Host, seconds: float) -> None:
    older = UpgradeRequest(ONE, version="v1.36.1+k3s1", allow_downgrade=True, backup="skip", timeout=seconds)
    await upgrade(host, older)


async def _rollback(host: Host, seconds: float) -> None:
    options = UpgradeRequest(ONE, backup="skip", timeout=seconds)
    await rollback(host, RollbackRequest(ONE, options=options))


async def _pause(host: Host, seconds: float) -> None:
    await pause(host, PauseRequest(ONE, timeout=seconds))


async def _resume(host: Host, seconds: float) -> None:
    await resume(host, ONE, timeout=seconds)


async def _ttl(host: Host, _: float) -> None:
    await set_ttl(host, ONE, TtlChange("set", 3600.0), now=datetime.now(UTC))


async def _ended(host: Host, seconds: float) -> None:
    await _create(host, seconds)
    await set_ttl(host, ONE, TtlChange("set", 60.0), now=datetime.now(UTC) - timedelta(hours=1))


async def _prune(host: Host, seconds: float) -> None:
    request, now = PruneRequest(ONE.namespace), datetime.now(UTC)
    result = await prune(host, request, await plan_prune(host, request, now=now), now=now, timeout=seconds)
    for outcome in result.outcomes:
        if outcome.error is not None:
            raise outcome.error


async def _migrate_back(host: Host, seconds: float) -> None:
    try:
        await go_back(host, ONE, timeout=seconds)
    except ConflictError:
        # It was not moved yet.
        return


async def _rotate_ca(host: Host, seconds: float) -> None:
    await rotate_ca(host, ONE, timeout=seconds)


async def _finish_rotation(host: Host, seconds: float) -> None:
    await rotate_ca(host, ONE, finish_overlap=True, timeout=seconds)


VERBS = (
    Verb("create", _create, _delete),
    Verb("upgrade", _upgrade, _older),
    Verb("rollback", _rollback, _another_version),
    Verb("restart", lambda host, seconds: restart(host, ONE, timeout=seconds)),
    Verb("pause", _pause, _resume, leaves="paused"),
    Verb("resume", _resume, _pause),
    Verb("ttl", _ttl),
    Verb("protect", lambda host, _: protect(host, ONE), lambda host, _: protect(host, ONE, on=False)),
    Verb("prune", _prune, _ended, leaves="nothing"),
    Verb("delete", _delete, _create, leaves="nothing"),
    Verb("rotate tokens", lambda host, seconds: rotate_tokens(host, ONE, timeout=seconds)),
    Verb(
        "rotate certificates",
        lambda host, seconds: rotate_certificates(host, ONE, force=True, timeout=seconds),
    ),
    Verb("rotate ca", _rotate_ca, _finish_rotation),
    Verb(
        "migrate",
        lambda host, seconds: migrate(host, MigrateRequest(ONE, "etcd", timeout=seconds)),
        _migrate_back,
    ),
    Verb("etcd defrag", lambda host, seconds: defragment(host, ONE, timeout=seconds), values=ETCD),
    Verb("etcd disarm", lambda host, seconds: disarm(host, ONE, timeout=seconds), values=ETCD),
    Verb(
        "etcd replace-member",
        lambda host, seconds: replace_member(host, ReplaceRequest(ONE, 1, timeout=seconds)),
        values=ETCD,
    ),
)


def _backup_verbs(backups: Backups) -> tuple[Verb, ...]:
    async def take(host: Host, _: float) -> None:
        await backups.take(host, ONE)

    async def put_back(host: Host, seconds: float) -> None:
        await backups.restore(host, ONE, timeout=seconds)

    async def check(host: Host, seconds: float) -> None:
        async with AsyncExitStack() as stack:
            await verify(host, await backups.open(host, ONE, stack), timeout=seconds)

    return (
        Verb("backup create", take),
        Verb("backup restore", put_back, take),
        Verb("backup verify", check, take),
    )


@pytest.fixture
async def host(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox as a host whom nobody gives time to recover."""
    quick = partial(Backoff, first=0.001, limit=0.01)
    monkeypatch.setattr(client, "Backoff", quick)
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


async def _walk(sandbox: Sandbox, host: Host, verb: Verb) -> None:
    """Run a verb in each trouble, then again without."""
    if verb.prepare is not _delete:
        await _create(host, LONG, *verb.values)
    await verb.prepare(host, LONG)
    with counted(sandbox) as requests:
        await verb.run(host, LONG)
        length = requests()
    await _check(sandbox, host, verb, "without any trouble")
    for number, trouble in enumerate(TROUBLES, start=1):
        await verb.prepare(host, LONG)
        at = max(1, length * number // (len(TROUBLES) + 1))
        where = f"{verb.name}, when the host {trouble.name} from request {at} of {length} on"
        error = await _failure(sandbox, host, verb, trouble, at)
        if error is not None:
            assert not trouble.passes, f"{where}: {error}"
            assert error.message, where
            assert error.hint, f"{where}: {type(error).__name__} without a hint: {error}"
            await _again(host, verb, where)
        await _check(sandbox, host, verb, where)


async def _failure(sandbox: Sandbox, host: Host, verb: Verb, trouble: Trouble, at: int) -> K3kError | None:
    """Run a verb in trouble; return the error it ended with, None when it was done all the same."""
    with trouble.begin(sandbox, ONE, at):
        try:
            await verb.run(host, LONG if trouble.passes else SHORT)
        except K3kError as error:
            return error
    return None


async def _again(host: Host, verb: Verb, where: str) -> None:
    try:
        await verb.run(host, LONG)
    except K3kError as error:
        pytest.fail(f"{where}, and then again: {error} ({error.hint})")


async def _check(sandbox: Sandbox, host: Host, verb: Verb, where: str) -> None:
    if verb.leaves == "nothing":
        assert objects_of(sandbox, ONE) == set(), where
        return
    root = await find_root(host, ONE)
    assert operation_of(root) is None, where
    assert (paused_at(root) is not None) == (verb.leaves == "paused"), where
    pods = sandbox.store.list(POD, ONE.namespace)
    if verb.leaves == "paused":
        assert pods == [], where
        return
    await wait_until_ready(host, ONE, servers=1, timeout=LONG, progress=lambda _: None)
    assert [is_ready(pod) for pod in sandbox.store.list(POD, ONE.namespace)], where


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_in_any_trouble_a_verb_is_done_or_says_what_to_do_and_done_when_it_is_over(
    sandbox: Sandbox, host: Host, verb: Verb
) -> None:
    await _walk(sandbox, host, verb)


@pytest.mark.parametrize("number", range(3), ids=["backup create", "backup restore", "backup verify"])
async def test_in_any_trouble_a_backup_is_taken_and_restored_or_says_what_to_do(
    sandbox: Sandbox, host: Host, backups: Backups, number: int
) -> None:
    await _walk(sandbox, host, _backup_verbs(backups)[number])
