"""Sandboxes that run as processes of their own: how they are found and stopped.

Each holds a lock on a file as long as it lives; the file says where it listens. A lock cannot go stale,
whatever the process dies of.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from k3k_core.errors import ConflictError, K3kError, NotFoundError, UsageError

_LOCK = "sandbox.lock"
_STOP_TIMEOUT = 15.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A running sandbox.

    Attributes:
        pid: its process.
        url: where it listens.
        kubeconfig: path of its kubeconfig.
        lock: path of its lock file.
    """

    pid: int
    url: str
    kubeconfig: str
    lock: str = ""

    @classmethod
    def of_this_process(cls, url: str, kubeconfig: Path) -> Running:
        """Describe a sandbox in this process.

        Args:
            url: where it listens.
            kubeconfig: where its kubeconfig was written.
        """
        return cls(os.getpid(), url, str(kubeconfig.resolve()))


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one sandbox among those that run.

    Attributes:
        lock: its open, locked file.
        kubeconfig: where its kubeconfig goes unless the user says otherwise.
    """

    lock: IO[str]
    kubeconfig: Path

    def announce(self, running: Running) -> None:
        """Say where the sandbox listens.

        Args:
            running: what to say.
        """
        self.lock.seek(0)
        self.lock.truncate()
        json.dump(asdict(running), self.lock)
        self.lock.flush()


def _state_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_state_dir("k3k"))


@contextmanager
def claim(folder: Path | None) -> Iterator[Slot]:
    """Take the place of a sandbox and keep it while it runs.

    Args:
        folder: where it keeps its state; created if need be. None for one that forgets.

    Raises:
        ConflictError: another sandbox runs on the same folder.
        K3kError: the folder cannot be used.
    """
    home = folder if folder is not None else _state_folder()
    name = _LOCK if folder is not None else f"sandbox-{os.getpid()}.lock"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _open_private(home / name)
    except OSError as error:
        hint = "" if folder is not None else "With --data DIR the sandbox uses another folder."
        raise K3kError(f"The folder {home} cannot be used: {error.strerror}.", hint=hint) from None
    with lock:
        if not _take(lock):
            raise ConflictError(
                f"A sandbox already runs on {home}.",
                hint=f"`k3k sandbox down --data {shlex.quote(str(home))}` stops it.",
            )
        lock.truncate(0)
        kubeconfig = home / ("kubeconfig.yaml" if folder is not None else f"sandbox-{os.getpid()}.yaml")
        try:
            yield Slot(lock, kubeconfig)
        finally:
            _forget(home / name, lock)


def find_running(folder: Path | None, port: int | None) -> Running:
    """Find the one sandbox that is meant.

    Args:
        folder: where it keeps its state; None for those that forget.
        port: where it listens; None for any.

    Raises:
        NotFoundError: none runs.
        UsageError: several run.
    """
    locks = [folder / _LOCK] if folder is not None else sorted(_state_folder().glob("sandbox-*.lock"))
    running = [found for lock in locks if (found := _look(lock)) is not None]
    running = [found for found in running if port is None or urlsplit(found.url).port == port]
    if not running:
        place = f" on {folder}" if folder is not None else ""
        place += f" at port {port}" if port is not None else ""
        if folder is None:
            hint = "One that was started with --data is found with the same --data."
        else:
            hint = "`k3k sandbox up` starts one."
        raise NotFoundError(f"No sandbox is running{place}.", hint=hint)
    if len(running) > 1:
        places = ", ".join(found.url for found in running)
        raise UsageError(f"Several sandboxes are running: {places}.", hint="Name one with --port.")
    return running[0]


def stop(running: Running) -> None:
    """Ask a sandbox to stop and wait until it has.

    Args:
        running: as found.

    Raises:
        K3kError: it may not be stopped, or does not.
    """
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise K3kError(f"Process {running.pid} belongs to somebody else and cannot be stopped.") from None
    deadline = time.monotonic() + _STOP_TIMEOUT
    while _look(Path(running.lock)) is not None:
        if time.monotonic() > deadline:
            raise K3kError(f"The sandbox at {running.url} (process {running.pid}) does not stop.")
        time.sleep(_POLL)


def _open_private(path: Path) -> IO[str]:
    """Open for the owner alone, whatever the umask: who writes to it decides which process is stopped."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+", encoding="utf-8")


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget(path: Path, lock: IO[str]) -> None:
    """Clear a lock file that this process holds.

    The one in a state folder stays, empty: whoever opened it a moment ago must lock the one the next finds.
    """
    lock.truncate(0)
    if path.name != _LOCK:
        path.unlink(missing_ok=True)


def _look(path: Path) -> Running | None:
    """Return the sandbox that holds a lock, None when nobody does; what a dead one left is cleared away."""
    try:
        lock = path.open("r+", encoding="utf-8")
    except OSError:
        return None
    with lock:
        if _take(lock):
            _forget(path, lock)
            return None
        with suppress(ValueError, TypeError, KeyError):
            said = json.load(lock)
            return Running(int(said["pid"]), str(said["url"]), str(said["kubeconfig"]), str(path))
    return None
