"""One round over the servers of a control plane."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from k3k_core.telemetry.scanner import LayoutTable, ScanLimits
from k3k_core.telemetry.scraper import ControlPlaneTarget, ScrapeOptions, ServerTarget, visit
from k3k_core.telemetry.scraper.turn import Turn
from k3k_core.telemetry.scraper.visit import Ask, HttpVisitor, Round
from tests.support.hostile_behaviours import GZIP, PAGE, WANTED, bomb, good, page, raw, silent
from tests.support.hostile_stage import Manners, Stage, stage
from tests.support.virtual_time import run_virtually

Result = TypeVar("Result")

OPTIONS = ScrapeOptions(timeout=10.0, limits=ScanLimits(page_bytes=8 * 1024 * 1024))
NOWHERE = ServerTarget("gone", "https://127.0.0.1:1")


def with_visitor(
    use: Callable[[HttpVisitor, ControlPlaneTarget, Stage], Awaitable[Result]], manners: Manners | None = None
) -> Result:
    """Run something with a visitor and a control plane with one server, a good one unless told otherwise."""

    async def main() -> Result:
        async with stage() as theatre:
            target = await theatre.target("plane", manners or Manners(good))
            visitor = HttpVisitor(target, OPTIONS, LayoutTable(), Turn(), wall=lambda: 1000.0)
            try:
                return await use(visitor, target, theatre)
            finally:
                await visitor.aclose()

    return run_virtually(main())


def test_a_round_brings_probe_and_page_of_each_server() -> None:
    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, theatre: Stage) -> Round:
        other = replace((await theatre.target("other", Manners(good))).servers[0], server="server-1")
        described = replace(target, datastore="etcd", authorities=(("server", 5.0),))
        return await visitor.visit(described, [Ask(target.servers[0]), Ask(other)])

    made = with_visitor(use)

    assert [server.server for server in made.observation.servers] == ["server-0", "server-1"]
    assert all(server.probe is not None and server.probe.ready for server in made.observation.servers)
    assert all(server.page is not None and WANTED in server.page for server in made.observation.servers)
    assert (made.observation.at, made.observation.servers[0].page_at) == (1000.0, 1000.0)
    assert (made.observation.datastore, made.observation.authorities) == ("etcd", (("server", 5.0),))
    assert made.received > 0


def test_servers_are_asked_together_and_a_dead_one_costs_the_others_nothing() -> None:
    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, theatre: Stage) -> tuple[Round, float]:
        hanging = [
            replace((await theatre.target(name, Manners(good, connected=silent))).servers[0], server=name)
            for name in ("hanging-1", "hanging-2")
        ]
        began = asyncio.get_running_loop().time()
        made = await visitor.visit(target, [Ask(server) for server in (*target.servers, NOWHERE, *hanging)])
        return made, asyncio.get_running_loop().time() - began

    made, took = with_visitor(use)

    answered = [reply.observation.page is not None for reply in made.replies]
    assert answered == [True, False, False, False]
    assert [reply.probe.kind for reply in made.replies if reply.probe] == ["connect", "timeout", "timeout"]
    assert took <= OPTIONS.timeout


def test_a_server_that_cannot_be_connected_to_is_not_asked_for_its_page_as_well() -> None:
    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, _: Stage) -> Round:
        return await visitor.visit(target, [Ask(NOWHERE)])

    (reply,) = with_visitor(use).replies

    assert reply.observation.probe_error == reply.observation.page_error == "it refuses connections"


def test_an_etcd_member_is_asked_for_its_page_only() -> None:
    etcd_page = b"# TYPE etcd_server_has_leader gauge\netcd_server_has_leader 1\n"

    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, _: Stage) -> Round:
        return await visitor.visit(target, [Ask(target.servers[0], etcd=True, probe=False)])

    made = with_visitor(use, Manners(page(etcd_page), readyz=silent))

    assert made.observation.servers == ()
    (member,) = made.observation.etcd
    assert member.probe is None
    assert member.page is not None
    assert "etcd_server_has_leader" in member.page


def test_what_is_not_asked_keeps_what_was_said_of_it() -> None:
    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, _: Stage) -> Round:
        ask = Ask(target.servers[0], page=False, page_error="it was too large")
        return await visitor.visit(target, [ask])

    (reply,) = with_visitor(use).replies

    assert reply.page is None
    assert reply.observation.probe is not None
    assert reply.observation.page_error == "it was too large"


def test_a_first_page_keeps_no_family_that_later_ones_are_not_asked_for() -> None:
    newer, older = "apiserver_request_sli_duration_seconds", "apiserver_request_duration_seconds"
    both = "".join(
        f'# TYPE {name} histogram\n{name}_bucket{{le="+Inf"}} 1\n{name}_sum 1\n{name}_count 1\n'
        for name in (newer, older)
    )

    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, _: Stage) -> list[Round]:
        return [await visitor.visit(target, [Ask(target.servers[0])]) for _ in range(2)]

    for made in with_visitor(use, Manners(page(both.encode()))):
        found = made.observation.servers[0].page
        assert found is not None
        assert set(found.families) == {newer}


def test_others_get_their_turn_while_a_huge_page_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "_PATIENCE", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, _: Stage) -> Round:
        await visitor.visit(target, [Ask(target.servers[0], page=False)])
        counting = asyncio.create_task(count())
        made = await visitor.visit(target, [Ask(target.servers[0], probe=False)])
        counting.cancel()
        return made

    huge = bomb(f'{WANTED}{{verb="GET"}} 1\n'.encode(), 6 * 1024 * 1024)
    made = with_visitor(use, Manners(page(huge, GZIP)))

    # All of it is a few KiB on the wire, but it is scanned 256 KiB at a time.
    assert made.observation.servers[0].page is not None
    assert turns > 6 * 1024 * 1024 // (256 * 1024)


def test_a_page_that_waits_for_its_server_keeps_no_other_from_being_scanned() -> None:
    half = GZIP.encode() + b"\r\nContent-Length: 99999\r\n\r\n"

    async def use(visitor: HttpVisitor, target: ControlPlaneTarget, theatre: Stage) -> tuple[Round, float]:
        stuck = raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + half + PAGE[:9], close=False)
        slow = replace((await theatre.target("slow", Manners(stuck))).servers[0], server="slow")
        waiting = asyncio.create_task(visitor.visit(target, [Ask(slow)]))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        made = await visitor.visit(target, [Ask(target.servers[0])])
        took = asyncio.get_running_loop().time() - began
        await waiting
        return made, took

    made, took = with_visitor(use)

    assert made.observation.servers[0].page is not None
    assert took < 1.0
