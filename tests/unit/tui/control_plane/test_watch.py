"""When the host is asked again for what its objects say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from k3k_core.errors import UnreachableError
from k3k_core.host import HostApi
from k3k_core.lifecycle import describe as describing
from k3k_tui.screens.control_plane.sheet import SPANS
from k3k_tui.screens.control_plane.subject import Loaded
from k3k_tui.screens.control_plane.watch import ControlPlaneWatch
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import NOW, fleet_row, full_signals
from tests.support.sheets import course, description
from tests.support.tui import dashboard

ROW = fleet_row(signals=full_signals())


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def watched(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, *, slots: int = 240, fails: bool = False
) -> AsyncIterator[ControlPlaneWatch]:
    """Watch a control plane of a fleet that is followed."""

    async def describe(_host: HostApi, *_: Any, **__: Any) -> Any:
        return description(ROW)

    @asynccontextmanager
    async def opened() -> AsyncIterator[HostApi]:
        if fails:
            raise UnreachableError("It timed out.")
        yield None  # type: ignore[misc]  # nothing is asked of it

    monkeypatch.setattr(describing, "describe", describe)
    fleet = FakeFleet(histories={ROW.id: course(slots)})
    fleet.put(ROW)
    services = dashboard(fleet, clock=clock).services
    told = asyncio.Event()
    services.fleet.listen(lambda _change: told.set())
    services.fleet.start()
    known = ControlPlaneWatch(replace(services, open_host=lambda _name: opened()), ROW.id)
    known.start()
    await told.wait()
    yield known
    await known.close()
    await services.fleet.close()


async def test_the_description_is_asked_for_once_and_again_when_it_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    async with watched(monkeypatch, clock) as known:
        assert known.description_due
        await known.load_description()
        assert known.description == Loaded(description(ROW), NOW)
        assert not known.description_due
        clock.now += 20
        assert known.description_due


async def test_it_is_asked_for_at_once_when_the_objects_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch, Clock()) as known:
        await known.load_description()
        plane = replace(ROW.control_plane, servers_ready=0)
        known.subject = replace(known.subject, row=replace(ROW, control_plane=plane))
        assert known.description_due


async def test_after_a_failure_it_is_asked_for_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    async with watched(monkeypatch, clock, fails=True) as known:
        await known.load_description()
        assert known.description.error == "It timed out."
        clock.now += 20
        assert not known.description_due
        clock.now += 20
        assert known.description_due


async def test_nothing_is_asked_of_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch, Clock()) as known:
        known.subject = replace(known.subject, gone_since=NOW)
        assert not known.description_due


@pytest.mark.parametrize(("slots", "span"), [(10, SPANS[0]), (200, SPANS[1]), (900, SPANS[2])])
async def test_plots_look_back_as_far_as_something_is_known(
    monkeypatch: pytest.MonkeyPatch, slots: int, span: float
) -> None:
    async with watched(monkeypatch, Clock(), slots=slots) as known:
        assert known.view().span == span
