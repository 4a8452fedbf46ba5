"""The user's own kubeconfig file, changed as carefully as something of somebody else's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from k3k_core.cli.private_file import write_private
from k3k_core.errors import K3kError, UsageError

_BACKUP = ".before-k3k"


@dataclass(frozen=True, slots=True)
class MergedFile:
    """A kubeconfig file with one control plane more.

    Attributes:
        path: the file.
        context: name of the context that leads to the control plane.
        replaced: whether that context was there before.
        backup: copy of the file as it was; None when there was none.
    """

    path: Path
    context: str
    replaced: bool
    backup: Path | None


def default_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file kubectl would change: the first of `KUBECONFIG`, or `~/.kube/config`.

    Args:
        environ: the environment.
    """
    parts = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return Path(parts[0] if parts else "~/.kube/config").expanduser()


def merge_into(path: Path, document: str, *, context: str = "") -> MergedFile:
    """Put a kubeconfig into a file, in one step; the file as it was is kept beside it.

    Both are readable by their owner alone afterwards.

    Args:
        path: the file; its folder is made when it is not there.
        document: a kubeconfig of one context.
        context: name of the context in the file; empty for the one it has.

    Raises:
        ConflictError: the name is taken by another cluster.
        UsageError: the file is no kubeconfig.
        K3kError: it cannot be read or written.
    """
    from k3k_core.lifecycle.merging import merge_kubeconfig

    before = _read(path)
    merged = merge_kubeconfig(before or "", document, context=context, source=str(path))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise K3kError(f"The folder {path.parent} cannot be made: {error.strerror}.") from None
    backup = None
    if before is not None:
        backup = path.with_name(f"{path.name}{_BACKUP}")
        write_private(backup, before)
    write_private(path, merged.text)
    return MergedFile(path, merged.context, merged.replaced, backup)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file; nothing was written.") from None
    except OSError as error:
        raise K3kError(f"{path} cannot be read: {error.strerror}.") from None
