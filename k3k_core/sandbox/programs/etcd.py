"""The scripts of etcd's pods and restore Jobs, and `snapshot restore`, on simulated volumes."""

from __future__ import annotations

import hashlib
import json

from k3k_core.sandbox.k3s.etcd_bootstrap import RESTORED_DATA, RESTORED_FLAGS, has_data
from k3k_core.sandbox.node.tasks import TaskRun

_DIGEST = hashlib.sha256().digest_size


async def guard(run: TaskRun) -> int:
    """DATA_DIR: let a member start, unless its data is gone though the cluster has formed."""
    (data_dir,) = run.arguments
    volume = run.launch.volume_of(data_dir)
    if volume is not None and has_data(run.around, volume):
        return 0
    pod = run.env.get("POD_NAME", "")
    if not run.env.get("STATE") or pod in run.env.get("JOINING", "").split():
        return 0
    await run.complain(f"{pod} has no data, but its cluster has formed: its volume was lost.")
    await run.complain(
        "Replace it with: k3k etcd replace-member; a cluster of one member needs a restore from a backup."
    )
    return 1


async def await_snapshot(run: TaskRun) -> int:
    """SNAPSHOT RESTORED: wait for a snapshot; what an earlier attempt left is removed."""
    path, restored = run.arguments
    run.files.remove_folder(restored)
    await run.write(f"waiting for {path}\n".encode())
    while run.files.read(path) is None:
        await run.files.changed()
    return 0


async def restore(run: TaskRun) -> int:
    """snapshot restore FILE --FLAG=VALUE...: make a data directory from a snapshot."""
    if run.arguments[:2] != ("snapshot", "restore"):
        await run.complain(f"Error: unknown command {' '.join(run.arguments[:2])!r}")
        return 1
    path = next(word for word in run.arguments[2:] if not word.startswith("--"))
    flags = dict(word[2:].partition("=")[::2] for word in run.arguments[2:] if word.startswith("--"))
    content = run.files.read(path)
    if content is None:
        await run.complain(f"Error: open {path}: no such file or directory")
        return 1
    data, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.sha256(data).digest() != digest:
        await run.complain("Error: expected sha256 differs")
        return 1
    folder = str(flags["data-dir"])
    if run.files.under(folder):
        await run.complain(f'Error: data-dir "{folder}" not empty or could not be read')
        return 1
    run.files.write(f"{folder}/{RESTORED_DATA}", content)
    told = {"attempt": digest.hex(), "bump": int(str(flags.get("bump-revision", 0)))}
    run.files.write(f"{folder}/{RESTORED_FLAGS}", json.dumps(told).encode())
    return 0


async def swap(run: TaskRun) -> int:
    """RESTORED DATA ARRIVALS: put restored data in the place of what was there."""
    restored, data, arrivals = run.arguments
    names = run.files.under(restored)
    if not names:
        return 1
    run.files.remove_folder(data)
    for name in names:
        run.files.rename(f"{restored}/{name}", f"{data}/{name}")
    run.files.remove_folder(arrivals)
    return 0
