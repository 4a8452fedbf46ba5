"""A running sandbox, opened like any host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.sandbox import Sandbox


@asynccontextmanager
async def host_of(sandbox: Sandbox, folder: Path) -> AsyncIterator[Host]:
    """Open a running sandbox as a host.

    Args:
        sandbox: the sandbox.
        folder: where its kubeconfig is written.
    """
    path = folder / "sandbox.yaml"
    path.write_text(sandbox.kubeconfig, encoding="utf-8")
    async with open_host(HostOptions(kubeconfig=str(path))) as host:
        yield host
