"""Taking and restoring backups in tests, in folders of the test's own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from k3k_core.backups.archive import Opened
from k3k_core.backups.keys import KEY_FILE_VARIABLE, ensure_key
from k3k_core.host import HostApi, HostOptions, open_host
from k3k_core.lifecycle.backup import BackedUp, BackupRequest, create_backup
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.restore import Restored, restore
from k3k_core.lifecycle.restore_plan import plan_of
from k3k_core.lifecycle.restore_situation import RestoreRequest, look
from k3k_core.lifecycle.restore_source import SourceRequest, fetched_backup, opened_backup
from k3k_core.names import ControlPlaneId
from k3k_core.resources import CONFIG_MAP
from k3k_core.values import load_values

NOTE = "note"


@dataclass(frozen=True, slots=True)
class Backups:
    """A place for backups, and a key.

    Attributes:
        folder: where they are.
        key_file: holds the key.
    """

    folder: Path
    key_file: Path

    async def take(self, host: HostApi, identity: ControlPlaneId, **more: Any) -> BackedUp:
        """Take one."""
        return await create_backup(host, BackupRequest(identity, **{"to": str(self.folder), **more}))

    async def open(self, host: HostApi, identity: ControlPlaneId, stack: AsyncExitStack, **more: Any) -> Any:
        """Open the newest one."""
        request = SourceRequest(identity, **{"place": str(self.folder), **more})
        fetched = await stack.enter_async_context(fetched_backup(host, request))
        return await stack.enter_async_context(opened_backup(fetched, request.key_file))

    async def restore(
        self, host: HostApi, of: ControlPlaneId, to: ControlPlaneId | None = None, **more: Any
    ) -> Restored:
        """Restore the newest one."""
        async with AsyncExitStack() as stack:
            source = await self.open(host, of, stack)
            return await restore(host, RestoreRequest(to or of, **{"timeout": 60.0, **more}), source)

    async def plan(
        self, host: HostApi, of: ControlPlaneId, to: ControlPlaneId | None = None, **more: Any
    ) -> Plan:
        """Say what restoring the newest one would do."""
        async with AsyncExitStack() as stack:
            source = await self.open(host, of, stack)
            request = RestoreRequest(to or of, **more)
            return plan_of(request, source, await look(host, request, source))

    async def contents(self, host: HostApi, identity: ControlPlaneId) -> Opened:
        """Return what is in the newest one; the datastore's file is gone already."""
        async with AsyncExitStack() as stack:
            source = await self.open(host, identity, stack)
            found: Opened = source.opened
            return found


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backups:
    """A place of the test's own, and a key that is the user's."""
    path = tmp_path / "backup.key"
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
    ensure_key(path)
    return Backups(tmp_path / "backups", path)


async def made(host: HostApi, namespace: str, name: str, *overrides: str) -> ControlPlaneId:
    """Create a control plane with something in it, and wait until it is ready."""
    identity = ControlPlaneId(namespace, name)
    await create(host, CreateRequest(identity, load_values("", overrides=overrides)))
    await put_note(host, identity, "kept")
    return identity


async def put_note(host: HostApi, identity: ControlPlaneId, text: str) -> None:
    """Write something into a control plane."""
    async with open_control_plane(host, identity) as own:
        await own.apply(_note(text))


async def note_of(host: HostApi, identity: ControlPlaneId) -> str:
    """Return what was written into a control plane last."""
    async with open_control_plane(host, identity) as own:
        return str((await own.get(CONFIG_MAP, "default", NOTE))["data"]["text"])


async def note_by(kubeconfig: str, folder: Path) -> str:
    """Return what was written into a control plane last, as whoever has a kubeconfig reads it."""
    path = folder / "own.yaml"
    path.write_text(kubeconfig)
    async with open_host(HostOptions(kubeconfig=str(path)), environ={}) as own:
        return str((await own.get(CONFIG_MAP, "default", NOTE))["data"]["text"])


def _note(text: str) -> dict[str, Any]:
    meta = {"name": NOTE, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"text": text}}
