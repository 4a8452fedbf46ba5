"""The recorded pages, and what a k3s of today would serve, joined from two of them."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Final, Literal

DATA: Final = Path(__file__).parent.parent / "data" / "metrics"

Time = Literal["t0", "t1"]

RECORDED: Final = (
    "k3s-1.21.3-agentless",
    "kube-apiserver-1.36.2",
    "kube-controller-manager-1.36.2",
    "etcd-3.6.8",
)

MODERN_K3S: Final = "k3s-1.36-joined"
"""The families of kube-apiserver and of kube-controller-manager 1.36 in one page, as one process serves them."""

SECONDS_APART: Final = 15.0


@cache
def recorded(name: str, time: Time) -> bytes:
    """Return the text of a recorded page, or of the joined one."""
    if name == MODERN_K3S:
        return joined(
            recorded("kube-apiserver-1.36.2", time), recorded("kube-controller-manager-1.36.2", time)
        )
    return gzip.decompress((DATA / f"{name}-{time}.txt.gz").read_bytes())


def joined(first: bytes, second: bytes) -> bytes:
    """Join two pages into that of one process: work queues of both, anything else of the first that has it."""
    families = _families(first)
    for name, lines in _families(second).items():
        known = families.setdefault(name, lines[:2])
        if known is not lines and (name.startswith(b"workqueue_") or len(known) == 2):
            known_series = {line.rpartition(b" ")[0] for line in known}
            known.extend(line for line in lines[2:] if line.rpartition(b" ")[0] not in known_series)
    return b"".join(line for lines in families.values() for line in lines)


def _families(page: bytes) -> dict[bytes, list[bytes]]:
    """Split a page whose families each begin with a `# HELP` line and a `# TYPE` line."""
    families: dict[bytes, list[bytes]] = {}
    current: list[bytes] = []
    for line in page.splitlines(keepends=True):
        if line.startswith(b"# HELP "):
            current = families.setdefault(line.split(b" ", 3)[2], [])
        current.append(line)
    return families
