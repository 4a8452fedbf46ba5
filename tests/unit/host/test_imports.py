"""The host room costs nothing until a host is contacted."""

from __future__ import annotations

import subprocess
import sys

import k3k_core.host


def test_its_names_are_the_documented_ones() -> None:
    assert all(getattr(k3k_core.host, name) is not None for name in k3k_core.host.__all__)


def test_waiting_and_listing_contexts_load_no_client() -> None:
    script = (
        "import sys; from k3k_core.host import HostOptions, Reflector, hosts, open_host, wait_for; "
        "heavy = {'aiohttp', 'kubernetes_asyncio', 'yaml', 'cryptography', 'pydantic'} & set(sys.modules); "
        "print(*sorted(heavy))"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("\n", "")
