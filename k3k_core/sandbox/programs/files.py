"""The scripts that carry files (`manifests.scripts`), on simulated volumes."""

from __future__ import annotations

from k3k_core.sandbox.node.tasks import TaskRun

_PIECE = 32 * 1024
_NOT_THERE = 3


async def send(run: TaskRun) -> int:
    """PATH: write a file to the standard output."""
    (path,) = run.arguments
    content = run.files.read(path)
    if content is None:
        await run.complain(f"cat: can't open '{path}': No such file or directory")
        return 1
    for start in range(0, len(content), _PIECE):
        await run.write(content[start : start + _PIECE])
    return 0


async def receive(run: TaskRun) -> int:
    """PATH SIZE [SHA256]: take a file from the standard input; it appears whole or not at all."""
    import hashlib

    path, size, *digest = run.arguments
    content = await run.input.read(int(size))
    if len(content) != int(size):
        await run.complain("only a part arrived")
        return 1
    if digest and hashlib.sha256(content).hexdigest() != digest[0]:
        await run.complain("it arrived damaged")
        return 1
    run.files.write(path, content)
    return 0


async def measure(run: TaskRun) -> int:
    """PATH: the size of a file."""
    (path,) = run.arguments
    content = run.files.read(path)
    if content is None:
        return _NOT_THERE
    await run.write(f"{len(content)}\n".encode())
    return 0


async def remove(run: TaskRun) -> int:
    """PATH...: remove files."""
    for path in run.arguments:
        run.files.remove(path)
    return 0


async def list_folder(run: TaskRun) -> int:
    """FOLDER: the names of what is in a folder."""
    (folder,) = run.arguments
    await run.write("".join(f"{name}\n" for name in run.files.names(folder)).encode())
    return 0
