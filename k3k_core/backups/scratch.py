"""Private folders for what is under way: gone at the end, and after a kill with the next one that is made."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "k3k-scratch-"
# Locked for as long as the process lives; the kernel lets go of it, whatever the process dies of.
_LOCK = ".lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Offer a folder that only its owner can read, for the time of a block.

    What an earlier process was killed over is removed first: it may hold a database in the clear.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    making = folder / f"{_LOCK}.new"
    lock = os.open(making, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Others look at it from when it has its name: by then it is held.
        making.rename(folder / _LOCK)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder that nobody holds; one without a lock is being made at this very moment.

    Raises:
        OSError: somebody holds it, or has removed it.
    """
    lock = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
