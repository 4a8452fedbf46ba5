"""The scripts for the files of a k3s server (`manifests.server_scripts`), on simulated volumes.

What a simulated server is given before its start it reads from its mounts, so nothing is copied here but a restore.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

from k3k_core.sandbox.node.tasks import TaskRun

_DATABASE = "state.db"
_NOBODY = 3


async def prepare_server(run: TaskRun) -> int:
    """Wait for what is restored, if anything is, and put it in the place of what there is."""
    wanted = run.env.get("RESTORE", "")
    server, sent = PurePosixPath(run.env["SERVER_DIR"]), PurePosixPath(run.env["RESTORE_DIR"])
    marker = str(server / ".k3k-restored")
    if wanted and _text(run, marker) != wanted:
        await run.write(f"waiting for what is restored: {wanted}\n".encode())
        while _text(run, str(sent / "go")) != wanted:
            await run.files.changed()
        if run.files.read(str(sent / _DATABASE)) is not None:
            for name in ("db", "tls", "cred"):
                run.files.remove_folder(str(server / name))
            run.files.rename(str(sent / _DATABASE), str(server / "db" / _DATABASE))
        run.files.write(marker, wanted.encode())
        run.files.remove_folder(str(sent))
    return 0


async def copy_database(run: TaskRun) -> int:
    """DATABASE FOLDER SECONDS: copy a sqlite database; a simulated one has no write-ahead log."""
    database, folder, _seconds = run.arguments
    content = run.files.read(database)
    if content is None:
        await run.complain(f"no process has {database} open")
        return _NOBODY
    run.files.write(f"{folder}/{_DATABASE}", content)
    return 0


async def wait(run: TaskRun) -> int:  # noqa: ARG001, a program's signature
    """Do nothing until somebody asks for the end."""
    await asyncio.get_running_loop().create_future()
    return 0


def _text(run: TaskRun, path: str) -> str:
    return (run.files.text(path) or "").strip()
