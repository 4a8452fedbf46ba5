"""Backups and restores that are stopped after every write and then repeated: they finish, and nothing is left over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import HostError
from k3k_core.host import Host
from k3k_core.lifecycle.backup_catalog import list_backups
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.transfer import Transferred, send_file
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET
from k3k_core.sandbox import Sandbox
from tests.support.backups import Backups, backups, made, note_of, put_note
from tests.support.hosts import REAL
from tests.support.stopping import objects_of, secrets_of, stopped_again_and_again

__all__ = ["backups"]
pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="kills by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

VALUES = ("persistence.enabled=true", "persistence.storage_class=standard")
ONE, TWO = ControlPlaneId("team", "one"), ControlPlaneId("team", "two")


def no_phase() -> str:
    """Every run is stopped one write later than the one before."""
    return ""


async def under_way(api: Host, identity: ControlPlaneId) -> object:
    return operation_of(await api.get(SECRET, identity.namespace, identity.root))


async def workers(api: Host) -> list[str]:
    """Pods that work for a backup."""
    listing = await api.list(POD, "team", labels="app.kubernetes.io/component=backup")
    return [item["metadata"]["name"] for item in listing.items]


@pytest.fixture
async def api(sandbox: Sandbox, kubeconfig: Path) -> object:
    from k3k_core.host import HostOptions, open_host

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await made(host, "team", "one", *VALUES)
        yield host


@pytest.mark.parametrize("cold", [False, True], ids=["online", "cold"])
async def test_a_backup_stopped_after_any_write_is_taken_when_it_is_repeated(
    sandbox: Sandbox, kubeconfig: Path, api: Host, backups: Backups, cold: bool
) -> None:
    before, secrets = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    runs = await stopped_again_and_again(
        sandbox, kubeconfig, lambda host: backups.take(host, ONE, cold=cold), no_phase
    )
    assert runs > 3
    assert len((await list_backups(api, ONE, str(backups.folder))).summaries) >= 1
    assert (await under_way(api, ONE), await workers(api)) == (None, [])
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == (before, secrets)
    assert await note_of(api, ONE) == "kept"


async def test_a_restore_in_place_stopped_after_any_write_is_finished_by_the_next(
    sandbox: Sandbox, kubeconfig: Path, api: Host, backups: Backups
) -> None:
    before, secrets = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    await backups.take(api, ONE)
    await put_note(api, ONE, "a mistake")
    runs = await stopped_again_and_again(
        sandbox, kubeconfig, lambda host: backups.restore(host, ONE), no_phase
    )
    assert runs > 8
    assert await under_way(api, ONE) is None
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == (before, secrets)
    assert await note_of(api, ONE) == "kept"


async def test_a_restore_as_another_stopped_after_any_write_is_finished_by_the_next(
    sandbox: Sandbox, kubeconfig: Path, api: Host, backups: Backups
) -> None:
    await backups.take(api, ONE)
    runs = await stopped_again_and_again(
        sandbox, kubeconfig, lambda host: backups.restore(host, ONE, TWO), no_phase
    )
    assert runs > 8
    assert await under_way(api, TWO) is None
    renamed = {(kind, name.replace(TWO.root, ONE.root)) for kind, name in objects_of(sandbox, TWO)}
    assert renamed == objects_of(sandbox, ONE)
    theirs, ours = secrets_of(sandbox, ONE), secrets_of(sandbox, TWO)
    assert (ours[TWO.pki], ours[TWO.tokens]) == (theirs[ONE.pki], theirs[ONE.tokens])
    assert await note_of(api, TWO) == "kept"


async def test_a_server_that_has_gone_on_while_it_is_talked_to_is_no_failure(
    api: Host, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its init container ends as soon as it has all it needs, and with it any program that runs in it."""

    async def cut_off(*arguments: Any, **more: Any) -> Transferred:
        sent = await send_file(*arguments, **more)
        if str(arguments[4]).endswith("/go"):
            raise HostError("container not created")
        return sent

    await backups.take(api, ONE)
    await put_note(api, ONE, "a mistake")
    monkeypatch.setattr("k3k_core.lifecycle.restore_server.send_file", cut_off)
    await backups.restore(api, ONE)
    assert await under_way(api, ONE) is None
    assert await note_of(api, ONE) == "kept"


async def test_a_server_that_cannot_be_given_its_database_is_not_taken_for_one_that_has_it(
    api: Host, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any, **__: Any) -> Transferred:
        raise HostError("no room")

    await backups.take(api, ONE)
    monkeypatch.setattr("k3k_core.lifecycle.restore_server.send_file", refused)
    monkeypatch.setattr("k3k_core.lifecycle.restore_server._GOING_ON", 0.1)
    with pytest.raises(HostError, match="no room"):
        await backups.restore(api, ONE)
    assert await under_way(api, ONE) is not None
