"""Asking servers over real sockets: what goes out, and what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from k3k_core.errors import UnreachableError
from k3k_core.telemetry.observation import Probe
from k3k_core.telemetry.scanner import ScanLimits
from k3k_core.telemetry.scraper import ControlPlaneTarget, ScrapeOptions, ServerTarget
from k3k_core.telemetry.scraper.client import ControlPlaneClient
from k3k_core.telemetry.scraper.failure import TargetError
from k3k_core.telemetry.scraper.raw import fetch_page
from tests.support.hostile_behaviours import GZIP, PAGE, bomb, good, in_turn, page, raw
from tests.support.hostile_stage import TOKEN, Behaviour, Exchange, Manners, Stage, stage
from tests.support.tls import TestAuthority
from tests.support.virtual_time import run_virtually

Result = TypeVar("Result")

NOT_READY = b"[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: reason withheld\n"


def with_client(
    manners: Manners, use: Callable[[ControlPlaneClient, ControlPlaneTarget], Awaitable[Result]]
) -> Result:
    """Run something with a client and the server that it is for."""

    async def main() -> Result:
        async with stage() as theatre:
            target = await theatre.target("plane", manners)
            client = ControlPlaneClient(target)
            try:
                return await use(client, target)
            finally:
                await client.aclose()

    return run_virtually(main())


async def probe(client: ControlPlaneClient, target: ControlPlaneTarget) -> Probe:
    return await client.probe(target.servers[0], deadline=asyncio.get_running_loop().time() + 5)


async def fetch(client: ControlPlaneClient, server: ServerTarget) -> bytes:
    deadline = asyncio.get_running_loop().time() + 5
    async with client.get(server, "/metrics", deadline=deadline) as answer:
        answer.check_page()
        return b"".join([part async for part in answer.body(10_000_000)])


def recording(seen: list[str], behaviour: Behaviour = good) -> Behaviour:
    """Remember from which local port of the scraper each request comes."""

    async def behave(exchange: Exchange) -> None:
        seen.append(str(exchange.writer.get_extra_info("peername")[1]))
        await behaviour(exchange)

    return behave


def test_a_ready_server_is_ready_and_shows_when_its_certificate_ends() -> None:
    answer = with_client(Manners(good), probe)

    assert answer.ready
    assert answer.failing == ()
    assert answer.certificate_expires_at is not None


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_a_server_that_is_not_ready_says_which_checks_fail(status: str) -> None:
    answer = with_client(Manners(good, readyz=page(NOT_READY, status=status)), probe)

    assert not answer.ready
    assert answer.failing == ("etcd", "poststarthook/x")


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "418 Teapot"])
def test_a_server_that_does_not_say_is_no_probe(status: str) -> None:
    with pytest.raises(TargetError) as refusal:
        with_client(Manners(good, readyz=page(b"", status=status)), probe)

    assert refusal.value.kind == "status"
    assert status[:3] in str(refusal.value)


def test_one_connection_serves_all_requests() -> None:
    ports: list[str] = []

    async def use(client: ControlPlaneClient, target: ControlPlaneTarget) -> None:
        for _ in range(3):
            await probe(client, target)
            await fetch(client, target.servers[0])

    with_client(Manners(recording(ports), readyz=recording(ports)), use)

    assert len(ports) == 6
    assert len(set(ports)) == 1


def test_a_connection_that_the_server_closed_between_rounds_is_made_anew() -> None:
    async def leave(exchange: Exchange) -> None:
        await good(exchange)
        exchange.writer.close()

    async def use(client: ControlPlaneClient, target: ControlPlaneTarget) -> list[bytes]:
        pages = []
        for _ in range(3):
            pages.append(await fetch(client, target.servers[0]))
            await asyncio.sleep(15)
        return pages

    pages = with_client(Manners(leave), use)

    assert len(pages) == 3


def test_a_request_that_crosses_the_close_of_a_kept_connection_is_repeated() -> None:
    ports: list[str] = []

    async def hang_up(exchange: Exchange) -> None:
        exchange.writer.close()

    async def use(client: ControlPlaneClient, target: ControlPlaneTarget) -> bytes:
        await fetch(client, target.servers[0])
        return await fetch(client, target.servers[0])

    assert with_client(Manners(recording(ports, in_turn(good, hang_up, good))), use)
    assert len(ports) == 3


def test_the_token_is_sent_and_nothing_is_asked_for_but_text_and_gzip() -> None:
    heads: list[bytes] = []

    async def main() -> None:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        async with stage() as theatre:
            context = theatre.context("good")
            server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
            async with server:
                port = server.sockets[0].getsockname()[1]
                target = replace(
                    await theatre.target("plane", Manners(good)),
                    servers=(ServerTarget("server-0", f"https://127.0.0.1:{port}"),),
                )
                client = ControlPlaneClient(target)
                await fetch(client, target.servers[0])
                await client.aclose()

    run_virtually(main())

    headers = heads[0].decode().lower()
    assert f"authorization: bearer {TOKEN}" in headers
    assert "accept-encoding: gzip\r\n" in headers
    assert "accept: text/plain;version=0.0.4\r\n" in headers


def test_an_etcd_member_without_tls_gets_no_token() -> None:
    heads: list[bytes] = []

    async def main() -> bytes:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup 1\n")
            writer.close()

        async with stage() as theatre:
            server = await asyncio.start_server(listen, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                client = ControlPlaneClient(await theatre.target("plane", Manners(good)))
                try:
                    return await fetch(client, ServerTarget("etcd-0", f"http://127.0.0.1:{port}"))
                finally:
                    await client.aclose()

    assert run_virtually(main()) == b"up 1\n"
    assert b"authorization" not in heads[0].lower()


def test_a_certificate_may_be_for_a_name_other_than_the_address() -> None:
    async def use(client: ControlPlaneClient, target: ControlPlaneTarget) -> bytes:
        server = replace(target.servers[0], tls_server_name="elsewhere.example")
        return await fetch(client, server)

    assert with_client(Manners(good, trust="other name"), use)


def open_files() -> list[str]:
    """Return what this process has open, as the kernel names it."""
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list open files in /proc")
def test_a_client_certificate_is_shown_and_left_in_no_file() -> None:
    files: list[list[str]] = []

    async def main() -> Probe:
        async with stage() as theatre:
            clients = TestAuthority("clients")
            theatre.client_authority = clients
            target = await theatre.target("plane", Manners(good, trust="mutual"))
            mine = clients.issue("monitor")
            client = ControlPlaneClient(
                replace(
                    target,
                    token="",
                    client_certificate=mine.certificate.decode(),
                    client_key=mine.key.decode(),
                )
            )
            try:
                return await probe(client, target)
            finally:
                files.append(open_files())
                await client.aclose()

    assert run_virtually(main()).ready
    assert not any("memfd:k3k" in name for name in files[0])


@pytest.mark.parametrize("authority", ["", "  \n", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_without_a_usable_authority_nobody_is_trusted(authority: str) -> None:
    async def use(_: ControlPlaneClient, target: ControlPlaneTarget) -> None:
        client = ControlPlaneClient(replace(target, ca_pem=authority))
        await probe(client, target)

    with pytest.raises(TargetError) as refusal:
        with_client(Manners(good), use)

    assert refusal.value.kind == "tls"
    assert "authority" in str(refusal.value)


def test_a_proxy_from_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert with_client(Manners(good), probe).ready


def test_nobody_at_the_address_is_said_plainly() -> None:
    async def use(client: ControlPlaneClient, _: ControlPlaneTarget) -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        await fetch(client, ServerTarget("gone", f"https://127.0.0.1:{port}"))

    with pytest.raises(TargetError, match="it refuses connections"):
        with_client(Manners(good), use)


def test_an_address_that_is_none_is_said_plainly() -> None:
    async def use(client: ControlPlaneClient, _: ControlPlaneTarget) -> None:
        await fetch(client, ServerTarget("odd", "https://[::1"))

    with pytest.raises(TargetError, match="its address is not usable"):
        with_client(Manners(good), use)


async def _collect(theatre: Stage, behaviour: Behaviour, options: ScrapeOptions) -> tuple[bool, str, bytes]:
    target = await theatre.target("plane", Manners(behaviour))
    async with fetch_page(target, target.servers[0], options) as page_:
        return page_.gzip, page_.content_type, b"".join([chunk async for chunk in page_.chunks])


def passed_through(behaviour: Behaviour, options: ScrapeOptions | None = None) -> tuple[bool, str, bytes]:
    async def main() -> tuple[bool, str, bytes]:
        async with stage() as theatre:
            return await _collect(theatre, behaviour, options or ScrapeOptions())

    return run_virtually(main())


def test_a_page_is_passed_through_as_it_comes() -> None:
    plain = page(PAGE, kind="application/openmetrics-text; version=1.0.0")

    assert passed_through(plain) == (False, "application/openmetrics-text; version=1.0.0", PAGE)
    gzipped, kind, body = passed_through(good)
    assert (gzipped, kind) == (True, "text/plain; version=0.0.4")
    assert body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (page(b"", status="403 Forbidden"), "403"),
        (page(b"<html>", kind="text/html"), "something else"),
        (page(b"no gzip at all", GZIP), "not valid gzip"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nup 1\n"), "broke off"),
    ],
)
def test_a_page_that_cannot_be_passed_through_is_an_error_that_says_why(
    behaviour: Behaviour, why: str
) -> None:
    with pytest.raises(UnreachableError, match=why) as refusal:
        passed_through(behaviour)

    assert "server-0 of hostile/plane" in refusal.value.message


def test_what_is_passed_through_is_bounded_by_its_size_after_decompression() -> None:
    options = ScrapeOptions(limits=ScanLimits(page_bytes=1024 * 1024))

    with pytest.raises(UnreachableError, match="larger than allowed"):
        passed_through(page(bomb(b"x" * 1024, 4 * 1024 * 1024), GZIP), options)
