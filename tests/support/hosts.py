"""Hosts for end-to-end tests: the sandbox, or a real cluster named by K3K_E2E_KUBECONFIG."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.sandbox import Sandbox, SandboxOptions
from tests.support.programs import Finished, run, run_k3k

REAL = os.environ.get("K3K_E2E_KUBECONFIG", "")


@dataclass(slots=True)
class HostUnderTest:
    """A host that a test may use.

    Attributes:
        kubeconfig: path of its kubeconfig.
        sandbox: the sandbox behind it; None for a real cluster.
        namespace: a namespace for this test alone; nobody has made it yet.
    """

    # Its name begins like a test's.
    __test__: ClassVar[bool] = False

    kubeconfig: Path
    sandbox: Sandbox | None
    namespace: str

    async def k3k(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Finished:
        """Run `k3k` against this host."""
        return await run_k3k(*arguments, kubeconfig=self.kubeconfig, stdin=stdin, env=env)

    async def kubectl(self, *arguments: str, stdin: str = "") -> Finished:
        """Run `kubectl` against this host."""
        return await run("kubectl", *arguments, kubeconfig=self.kubeconfig, stdin=stdin)

    def options(self) -> HostOptions:
        """Return how the library reaches this host."""
        return HostOptions(kubeconfig=str(self.kubeconfig))


@asynccontextmanager
async def host_under_test(folder: Path) -> AsyncIterator[HostUnderTest]:
    """A host with a namespace for whoever asks, until the end of the block.

    Args:
        folder: for its kubeconfig.
    """
    namespace = f"e2e-{secrets.token_hex(4)}"
    if REAL:
        real = HostUnderTest(Path(REAL), None, namespace)
        yield real
        await real.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
        return
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        path = folder / "host.yaml"
        path.write_text(sandbox.kubeconfig)
        yield HostUnderTest(path, sandbox, namespace)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[HostUnderTest]:
    """A host of the test's own, with a namespace of its own."""
    async with host_under_test(tmp_path) as made:
        yield made


@pytest.fixture
async def api(host: HostUnderTest) -> AsyncIterator[Host]:
    """The library's own client of the host."""
    async with open_host(host.options()) as opened:
        yield opened
