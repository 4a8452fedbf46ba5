"""Key material for libraries that insist on file names, without leaving it on a disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def private_files(*contents: bytes) -> Iterator[tuple[str | None, ...]]:
    """Offer each content as a file only this process can read, until the block ends.

    Args:
        contents: what the files hold; empty contents get no file.

    Yields:
        File names in the same order, None for empty contents.
    """
    with ExitStack() as stack:
        yield tuple(stack.enter_context(_private_file(content)) if content else None for content in contents)


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    with _in_memory(content) if hasattr(os, "memfd_create") else _in_folder(content) as name:
        yield name


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    with os.fdopen(os.memfd_create("k3k", os.MFD_CLOEXEC), "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


@contextmanager
def _in_folder(content: bytes) -> Iterator[str]:
    # mkdtemp makes the folder with mode 0700.
    with tempfile.TemporaryDirectory(prefix="k3k-") as folder:
        path = Path(folder, "material")
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
