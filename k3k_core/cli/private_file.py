"""Files with credentials in them: 0600 from the first byte, whole or not at all, never over another's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k3k_core.errors import K3kError, UsageError

_LARGEST = 1 << 20


def check_target(path: Path, context: str, *, force: bool) -> None:
    """See that a kubeconfig may be written to a path, before any work is done for it.

    Args:
        path: where it is to go.
        context: name of the only context the kubeconfig has; a file with just that one may be replaced.
        force: replace whatever file is there.

    Raises:
        UsageError: the folder does not exist, or something else is there.
    """
    target = path.resolve()
    if not target.parent.is_dir():
        raise UsageError(f"The folder {target.parent} does not exist.", hint="Create it first.")
    if not target.exists():
        return
    if not target.is_file():
        raise UsageError(f"{path} is not a file; nothing was written.")
    if not force and not _is_kubeconfig_of(target, context):
        raise UsageError(
            f"{path} exists and is no kubeconfig of {context!r}; it was left alone.",
            hint="Name another file, or replace it with --force.",
        )


def _is_kubeconfig_of(path: Path, context: str) -> bool:
    import yaml

    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
        content = yaml.safe_load(text) if text.strip() else None
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return False
    if content is None:
        return not text.strip()
    return (
        isinstance(content, dict)
        and content.get("kind") == "Config"
        and _names(content, "contexts") == [context]
        and len(_names(content, "clusters")) == 1
    )


def _names(content: Mapping[str, Any], key: str) -> list[Any]:
    items = content.get(key)
    if not isinstance(items, list):
        return []
    return [item.get("name") if isinstance(item, dict) else None for item in items]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: readers see the old content or the new.

    Args:
        path: a symbolic link is followed, not replaced.
        text: the content.

    Raises:
        K3kError: it cannot be written.
    """
    target = path.resolve()
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise K3kError(f"{path} cannot be written: {error.strerror}.") from None
