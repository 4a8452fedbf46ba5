"""What is made of servers that do not show the control plane's certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from k3k_core.fleet.trying import Trouble, try_servers
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget, TargetId
from tests.support.loopback import serve
from tests.support.tls import Certificate, TestAuthority, server_context

NAME = "ci-k3k.team-a.svc"
OURS, OTHERS = TestAuthority("ours"), TestAuthority("somebody else's")


def target() -> ControlPlaneTarget:
    """A control plane that is known by our authority."""
    return ControlPlaneTarget(TargetId("prod", "team-a", "ci"), (), OURS.pem.decode(), "token")


@pytest.mark.parametrize(
    ("certificate", "trouble"),
    [
        (OURS.issue(names=(NAME,)), ""),
        (OTHERS.issue(names=(NAME,)), "authority"),
        (OURS.issue(names=("other.team-a.svc",)), "certificate"),
    ],
    ids=["ours", "another authority", "another server"],
)
async def test_a_certificate_that_is_not_ours_is_told_by_what_is_wrong_with_it(
    tmp_path: Path, certificate: Certificate, trouble: Trouble
) -> None:
    async with serve(web.Response(text="ok"), tls=server_context(tmp_path, certificate)) as server:
        attempt = await try_servers(target(), [ServerTarget("s", server.url, NAME)])
    assert (attempt.works, attempt.trouble) == (not trouble, trouble)


async def test_a_connection_that_is_closed_during_the_handshake_is_silence() -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        attempt = await try_servers(target(), [ServerTarget("s", f"https://127.0.0.1:{port}", NAME)])
    assert (attempt.works, attempt.trouble) == (False, "silent")
