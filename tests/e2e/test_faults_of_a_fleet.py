"""Faults that a person asks for with kubectl, seen over the network by everything that watches a fleet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from k3k_core.fleet import Fleet, FleetOptions, FleetRow
from k3k_core.host import Host
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET, Resource
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION
from k3k_core.telemetry.scraper import ScrapeOptions
from k3k_core.telemetry.signals.model import Signals
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="real servers have no faults that can be switched")

VALUES = "servers: 2\ndatastore:\n  kind: etcd\n  etcd:\n    members: 3\n"
PATIENCE = 60.0


@pytest.fixture
async def identity(host: HostUnderTest) -> ControlPlaneId:
    """A control plane with two servers and a dedicated etcd."""
    arguments = ("create", "dev", "-n", host.namespace, "-f", "-", "--wait")
    (await host.k3k(*arguments, stdin=VALUES)).checked()
    return ControlPlaneId(host.namespace, "dev")


@pytest.fixture
async def fleet(host: HostUnderTest, identity: ControlPlaneId) -> AsyncIterator[Fleet]:
    """The fleet, scraped once a second."""
    scrape = ScrapeOptions(interval=1.0, timeout=5.0, backoff_limit=1.0)
    async with Fleet(FleetOptions(hosts=(host.options(),), scrape=scrape)) as watched:
        assert await watched.settled(PATIENCE)
        yield watched


async def annotate(api: Host, resource: Resource, namespace: str, name: str, faults: str | None) -> None:
    await api.patch(resource, namespace, name, {"metadata": {"annotations": {FAULT_ANNOTATION: faults}}})


async def until(fleet: Fleet, holds: Callable[[FleetRow], object]) -> FleetRow:
    """Wait until something is true of the one control plane."""
    async with asyncio.timeout(PATIENCE):
        async for _ in fleet.changes():
            (row,) = fleet.rows.values()
            if holds(row):
                return row
    raise AssertionError("the fleet ended")


def of_signals(holds: Callable[[Signals], object]) -> Callable[[FleetRow], object]:
    return lambda row: row.signals is not None and holds(row.signals)


def _stuck(signals: Signals) -> bool:
    worst = signals.controllers.worst
    return worst is not None and worst.name == "deployment" and worst.depth is not None and worst.depth >= 12


def _expires(signals: Signals, days: float) -> bool:
    """Whether the handshake and the page show a certificate that ends within some days (k3s looks only at times)."""
    soon = {each.source for each in signals.certificates if each.days_left <= days}
    return soon >= {"page", "handshake"}


ROOT_FAULTS: dict[str, Callable[[FleetRow], object]] = {
    "down": lambda row: row.judgement.verdict in {"Down", "Progressing"},
    "unready": lambda row: row.control_plane.servers_ready == 0,
    "check-failing:etcd": of_signals(
        lambda signals: any("etcd-readiness" in server.failing for server in signals.servers)
    ),
    "serving-certificate-expired": of_signals(
        lambda signals: any("expired" in server.error for server in signals.servers)
    ),
    "page-unreadable": of_signals(
        lambda signals: any("500" in server.page_error for server in signals.servers)
    ),
    "certificates-expiring:5": of_signals(lambda signals: _expires(signals, 5.1)),
    "restarting": of_signals(lambda signals: any(process.restarted for process in signals.processes)),
    "queue-stuck": of_signals(_stuck),
    "overloaded": of_signals(lambda signals: (signals.api.rejected_rate or 0) > 1),
    "api-errors": of_signals(lambda signals: (signals.api.error_ratio or 0) > 0.03),
    "etcd-member-down": of_signals(
        lambda signals: signals.datastore.etcd is not None and signals.datastore.etcd.members_up == 2
    ),
    "etcd-no-leader": of_signals(
        lambda signals: signals.datastore.etcd is not None and signals.datastore.etcd.has_leader is False
    ),
}


def well(row: FleetRow) -> bool:
    """Whether nothing is wrong any more."""
    signals = row.signals
    return (
        signals is not None
        and row.control_plane.servers_ready == 2
        and all(server.ready and not server.page_error for server in signals.servers)
        and signals.datastore.etcd is not None
        and signals.datastore.etcd.members_up == 3
        and signals.datastore.etcd.has_leader is True
        and not (signals.api.rejected_rate or signals.api.error_ratio)
        and not _stuck(signals)
        and not _expires(signals, 100)
    )


async def test_what_is_wrong_with_a_control_plane_shows_until_the_annotation_is_gone(
    api: Host, fleet: Fleet, identity: ControlPlaneId
) -> None:
    await until(fleet, well)
    for faults, shows in ROOT_FAULTS.items():
        await annotate(api, SECRET, identity.namespace, identity.root, faults)
        await until(fleet, shows)
        await annotate(api, SECRET, identity.namespace, identity.root, None)
        await until(fleet, well)


async def test_one_server_that_is_down_degrades_a_control_plane_of_two(
    api: Host, fleet: Fleet, identity: ControlPlaneId
) -> None:
    pod = f"{identity.server}-1"
    await annotate(api, POD, identity.namespace, pod, "down")
    row = await until(fleet, lambda row: row.judgement.verdict == "Degraded")
    assert "1 of 2" in row.judgement.reason
    await annotate(api, POD, identity.namespace, pod, None)
    await until(fleet, well)
