"""`k3k list --watch --plain` in a pipe, as a screen reader's user would have it."""

from __future__ import annotations

import asyncio
import signal

from tests.support.hosts import HostUnderTest
from tests.support.programs import K3K, start


async def test_a_watch_tells_in_sentences_what_there_is_and_what_becomes_of_it(host: HostUnderTest) -> None:
    (await host.k3k("create", "one", "-n", host.namespace)).checked()
    watch = (K3K, "list", "-n", host.namespace, "--watch", "--plain", "--no-signals")
    process = await start(watch, kubeconfig=host.kubeconfig)
    assert process.stdout is not None

    async def heard(words: str) -> str:
        """Read until a sentence has these words."""
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            if words in line:
                return line
        raise AssertionError(f"never heard: {words}")

    try:
        async with asyncio.timeout(60):
            assert f"one in {host.namespace} on " in await heard(
                "is Healthy, 1 of 1 servers ready, version v1"
            )
            (await host.k3k("delete", "one", "-n", host.namespace, "--yes")).checked()
            await heard(" is gone.")
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
