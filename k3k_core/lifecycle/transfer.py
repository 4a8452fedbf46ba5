"""Files into containers and out of them, through the host's API: whole or not at all.

They travel on the standard input and output of small scripts (`manifests.scripts`), so that the k3s image is enough.
Nothing depends on the end of an input being passed on, which hosts before Kubernetes 1.30 do not do.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k3k_core.errors import K3kError, NotFoundError, UnreachableError
from k3k_core.host.redaction import redact
from k3k_core.manifests.scripts import command

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.host.api import ExecResult

# Told how many bytes have gone over so far.
Bytes = Callable[[int], None]
Sink = Callable[[bytes], Awaitable[None]]

_PIECE = 256 * 1024
# Seconds a large file may take.
_PATIENCE = 3600.0
_QUICK = 60.0
# Seconds without a byte after which a transfer counts as stuck; at its end a large file is digested meanwhile.
_STALLED = 180.0
_NOT_THERE = 3
_AGAIN = "Run the same command again."


@dataclass(frozen=True, slots=True)
class Transferred:
    """A file that went over whole.

    Attributes:
        size: in bytes.
        sha256: digest of its content, in hexadecimal digits.
    """

    size: int
    sha256: str


async def send_file(
    host: HostApi,
    namespace: str,
    pod: str,
    container: str | None,
    path: str,
    data: AsyncIterable[bytes] | bytes,
    size: int | None = None,
    *,
    sha256: str = "",
    progress: Bytes | None = None,
    timeout: float = _PATIENCE,
) -> Transferred:
    """Write a file in a container; it appears under its name when all of it is there, and only then.

    Args:
        host: an open host.
        namespace: of the pod.
        pod: its name.
        container: its name; None for the only one of the pod.
        path: absolute; missing folders are made.
        data: the content.
        size: of the content, in bytes; not needed for `bytes`.
        sha256: digest of the content, compared at the far end; empty to leave that out.
        progress: told how many bytes have gone over.
        timeout: seconds.

    Raises:
        UnreachableError: not all of it arrived.
        K3kError: the host refuses, or the file cannot be written.
    """
    if size is None:
        if not isinstance(data, bytes):
            raise TypeError("the size of a stream must be given")
        size = len(data)
    meter = _Meter(progress)
    running = host.exec(
        namespace,
        pod,
        command("receive", path, str(size), *((sha256,) if sha256 else ())),
        container=container,
        stdin=meter.measured(_pieces(data), size),
        timeout=timeout,
    )
    try:
        result = await meter.moving(running, f"write {path}", namespace, pod)
    finally:
        # Whatever broke off, the file behind it is closed now and not when somebody comes across it.
        if isinstance(data, AsyncGenerator):
            await data.aclose()
    _check(result, f"write {path}", namespace, pod)
    return meter.done()


async def fetch_file(
    host: HostApi,
    namespace: str,
    pod: str,
    container: str | None,
    path: str,
    sink: Sink,
    *,
    sha256: str = "",
    progress: Bytes | None = None,
    timeout: float = _PATIENCE,
) -> Transferred:
    """Read a file of a container, piece by piece.

    Args:
        host: an open host.
        namespace: of the pod.
        pod: its name.
        container: its name; None for the only one of the pod.
        path: absolute; nobody may write to it meanwhile.
        sink: takes the content.
        sha256: digest it must have; empty for any.
        progress: told how many bytes have come over.
        timeout: seconds.

    Raises:
        NotFoundError: there is no such file.
        UnreachableError: not all of it arrived, or it has another digest.
        K3kError: the host refuses, or the file cannot be read.
    """
    size = await file_size(host, namespace, pod, container, path)
    meter = _Meter(progress)

    async def take(piece: bytes) -> None:
        meter.count(piece)
        await sink(piece)

    running = host.exec(
        namespace, pod, command("send", path), container=container, stdout=take, timeout=timeout
    )
    result = await meter.moving(running, f"read {path}", namespace, pod)
    _check(result, f"read {path}", namespace, pod)
    # Hosts are known to lose the end of an output: https://github.com/kubernetes/kubernetes/issues/60140.
    if meter.size != size:
        raise UnreachableError(f"Only {meter.size} of {size} bytes of {path} arrived.", hint=_AGAIN)
    done = meter.done()
    if sha256 and done.sha256 != sha256:
        raise UnreachableError(f"{path} of Pod {pod} in namespace {namespace} arrived damaged.", hint=_AGAIN)
    return done


async def fetch_bytes(
    host: HostApi,
    namespace: str,
    pod: str,
    container: str | None,
    path: str,
    *,
    limit: int = 16 * 2**20,
    timeout: float = _PATIENCE,
) -> bytes:
    """Return a small file of a container.

    Args:
        host: an open host.
        namespace: of the pod.
        pod: its name.
        container: its name; None for the only one of the pod.
        path: absolute.
        limit: bytes it may have at most.
        timeout: seconds.

    Raises:
        NotFoundError: there is no such file.
        K3kError: it is larger, or cannot be read.
    """
    content = bytearray()

    async def take(piece: bytes) -> None:
        if len(content) + len(piece) > limit:
            raise K3kError(f"{path} of Pod {pod} in namespace {namespace} is larger than {limit >> 20} MiB.")
        content.extend(piece)

    await fetch_file(host, namespace, pod, container, path, take, timeout=timeout)
    return bytes(content)


async def file_size(host: HostApi, namespace: str, pod: str, container: str | None, path: str) -> int:
    """Return the size of a file of a container, in bytes.

    Raises:
        NotFoundError: there is no such file.
        K3kError: the host refuses, or does not answer.
    """
    result = await host.exec(namespace, pod, command("measure", path), container=container, timeout=_QUICK)
    if result.exit_code == _NOT_THERE:
        raise NotFoundError(f"Pod {pod} in namespace {namespace} has no file {path}.")
    _check(result, f"read {path}", namespace, pod)
    text = result.stdout.decode(errors="replace").strip()
    if not text.isdecimal():
        raise UnreachableError(
            f"Pod {pod} in namespace {namespace} did not tell the size of {path}.", hint=_AGAIN
        )
    return int(text)


async def list_files(
    host: HostApi, namespace: str, pod: str, container: str | None, folder: str
) -> list[str]:
    """Return the names of the files in a folder of a container, in order; none when there is no such folder.

    What is on its way there is left out.

    Raises:
        K3kError: the host refuses, or does not answer.
    """
    result = await host.exec(namespace, pod, command("list", folder), container=container, timeout=_QUICK)
    _check(result, f"list {folder}", namespace, pod)
    names = result.stdout.decode(errors="replace").splitlines()
    return sorted(name for name in names if name and not name.endswith(".part"))


async def remove_files(host: HostApi, namespace: str, pod: str, container: str | None, *paths: str) -> None:
    """Remove files of a container; those that are gone already are no failure.

    Raises:
        K3kError: the host refuses, or a file cannot be removed.
    """
    if not paths:
        return
    result = await host.exec(namespace, pod, command("remove", *paths), container=container, timeout=_QUICK)
    _check(result, f"remove {', '.join(paths)}", namespace, pod)


class _Meter:
    """Counts what goes by, and its digest."""

    def __init__(self, progress: Bytes | None) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._progress = progress

    def count(self, piece: bytes) -> None:
        self.size += len(piece)
        self._digest.update(piece)
        if self._progress is not None:
            self._progress(self.size)

    async def measured(self, pieces: AsyncIterable[bytes], expected: int) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.count(piece)
            yield piece
        if self.size != expected:
            # A program that is fed by size would wait for the rest.
            raise UnreachableError(
                f"Only {self.size} of {expected} bytes were there to be sent.", hint=_AGAIN
            )

    async def moving(
        self, running: Coroutine[Any, Any, ExecResult], doing: str, namespace: str, pod: str
    ) -> ExecResult:
        """Return how a program ended; give it up when nothing goes by for long."""
        task = asyncio.ensure_future(running)
        try:
            while True:
                before = self.size
                await asyncio.wait((task,), timeout=_STALLED)
                if task.done():
                    return task.result()
                if self.size == before:
                    raise UnreachableError(
                        f"Pod {pod} in namespace {namespace} could not {doing}: nothing moved for {_STALLED:g} s.",
                        hint=f"Look at the pod and its volume with `kubectl describe pod -n {namespace} {pod}`.",
                    )
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def done(self) -> Transferred:
        return Transferred(self.size, self._digest.hexdigest())


async def _pieces(data: AsyncIterable[bytes] | bytes) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]
        return
    async for piece in data:
        yield piece


def _check(result: ExecResult, doing: str, namespace: str, pod: str) -> None:
    if not result.exit_code:
        return
    said = redact(result.stderr) or f"exit code {result.exit_code}"
    if "only a part arrived" in said or "arrived damaged" in said:
        raise UnreachableError(f"Pod {pod} in namespace {namespace} could not {doing}: {said}.", hint=_AGAIN)
    raise K3kError(
        f"Pod {pod} in namespace {namespace} could not {doing}: {said}.",
        hint="Look at the volume: it may be full, or not mounted where it should be.",
    )
