"""A client of a control plane that reads and writes all the time and remembers how it went."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

_PATH = "/api/v1/namespaces/default/configmaps"
_NAME = "steady"


@dataclass(slots=True)
class SteadyClient:
    """What became of its calls.

    Attributes:
        calls: how many it has made, reading or writing.
        retried: those that went well at the second attempt.
        failed: why those failed that did not.
        versions: what servers said they are, in the order in which it first changed.
    """

    calls: int = 0
    retried: int = 0
    failed: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    async def call(self, session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
        """Make a call; after a failure once more, as every client of Kubernetes does."""
        self.calls += 1
        problem = ""
        for attempt in range(2):
            try:
                async with session.request(method, url, json=body) as response:
                    if response.status < 400:
                        self.retried += attempt
                        return json.loads(await response.text())
                    problem = f"{method}: {response.status}"
            except aiohttp.ClientError as error:
                problem = f"{method}: {error!r}"
        self.failed.append(problem)
        return {}


@asynccontextmanager
async def steady_client(kubeconfig: str, *, pause: float = 0.02) -> AsyncIterator[SteadyClient]:
    """Have a client read and write through the address of a kubeconfig for the time of a block.

    Args:
        kubeconfig: its text.
        pause: seconds between two rounds of a write and a read.
    """
    document = yaml.safe_load(kubeconfig)
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    client = SteadyClient()
    async with aiohttp.ClientSession(
        base_url=cluster["server"], connector=aiohttp.TCPConnector(ssl=_tls(cluster, user))
    ) as session:
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _NAME}, "data": {"n": "0"}}
        await client.call(session, "POST", _PATH, manifest)
        over = asyncio.Event()
        task = asyncio.create_task(_work(client, session, manifest, over, pause))
        try:
            yield client
        finally:
            over.set()
            await task


async def _work(
    client: SteadyClient,
    session: aiohttp.ClientSession,
    manifest: dict[str, Any],
    over: asyncio.Event,
    pause: float,
) -> None:
    number = 0
    while not over.is_set():
        number += 1
        await client.call(session, "PUT", f"{_PATH}/{_NAME}", {**manifest, "data": {"n": str(number)}})
        found = await client.call(session, "GET", f"{_PATH}/{_NAME}")
        if found.get("data", {}).get("n") != str(number):
            client.failed.append(f"what was written is not what was read: {found.get('data')}")
        version = (await client.call(session, "GET", "/version")).get("gitVersion", "")
        if version and version not in client.versions[-1:]:
            client.versions.append(version)
        await asyncio.sleep(pause)


def _tls(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_text(cluster["certificate-authority-data"]))
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        pair.write_text(_text(user["client-certificate-data"]) + _text(user["client-key-data"]))
        context.load_cert_chain(pair)
    return context


def _text(data: str) -> str:
    return base64.b64decode(data).decode()
