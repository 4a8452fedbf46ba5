"""The demonstration without a dashboard: a fleet on a sandbox in this process, printed once."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.private_file import write_private
from k3k_core.cli.rows import control_plane_table
from k3k_core.cli.session import Session
from k3k_core.host import HostApi, HostOptions

if TYPE_CHECKING:
    from k3k_core.fleet import Fleet
    from k3k_core.sandbox.demo_fleet import Member

_TIMEOUT = 120.0
# Seconds between two readings of a control plane; the second one gives rates.
_INTERVAL = 2.0
_SETTLED = 60.0
_AGE = timedelta(minutes=45)


async def print_fleet(session: Session, *, clusters: int, seed: int, healthy: bool) -> int:
    """Provision a fleet on a sandbox, print it with what is measured of it, and end.

    Args:
        session: says what is done, and takes the table.
        clusters: how many control planes.
        seed: of everything that is random.
        healthy: whether the troubles are left out.

    Returns:
        How many control planes could not be made.
    """
    from k3k_core.fleet import Fleet, FleetOptions
    from k3k_core.host import open_host
    from k3k_core.sandbox import Sandbox, SandboxOptions
    from k3k_core.telemetry.scraper import ScrapeOptions

    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="k3k-demo-") as folder:
        kubeconfig = Path(folder) / "kubeconfig.yaml"
        async with Sandbox.start(SandboxOptions(seed=seed)) as sandbox:
            write_private(kubeconfig, sandbox.kubeconfig)
            session.console.note(f"Sandbox host (simulated) at {sandbox.url}")
            options = HostOptions(kubeconfig=str(kubeconfig))
            async with open_host(options) as host:
                # Servers of a young control plane that are not ready count as starting.
                with sandbox.dated_back(_AGE):
                    failed, made = await _provision(session, host, clusters, seed)
                if not healthy:
                    await _go_wrong(session, host, made, seed)
            scrape = ScrapeOptions(interval=_INTERVAL)
            async with Fleet(FleetOptions(hosts=(options,), scrape=scrape)) as fleet:
                await fleet.settled(_SETTLED)
                session.console.data(_table(session, fleet))
    return failed


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a request to end cancel the show, so that nothing of it is left behind."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        if task is not None:
            task.cancel()

    signals = (signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        if not told:
            raise
        raise SystemExit(128 + told[0]) from None
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _provision(
    session: Session, host: HostApi, clusters: int, seed: int
) -> tuple[int, tuple[Member, ...]]:
    """Make the fleet and return how many failed, and those that did not."""
    from k3k_core.sandbox.demo_fleet import provision, recipe

    members = recipe(clusters, seed)
    began = asyncio.get_running_loop().time()
    failed: list[Member] = []

    def tell(member: Member, error: Exception | None) -> None:
        if error is None:
            session.console.note(f"created {member.id}")
        else:
            failed.append(member)
            session.console.warn(f"{member.id}: {error}")

    await provision(host, members, timeout=_TIMEOUT, made=tell)
    took = asyncio.get_running_loop().time() - began
    session.console.note(f"{len(members) - len(failed)} control planes in {format_elapsed(took)}")
    return len(failed), tuple(member for member in members if member not in failed)


async def _go_wrong(session: Session, host: HostApi, made: Sequence[Member], seed: int) -> None:
    """Let some of the fleet be in trouble, and say which."""
    from k3k_core.sandbox.demo_fleet import cause, troubles

    wrong = troubles(made, seed)
    await cause(host, wrong)
    for trouble in wrong:
        session.console.note(f"in trouble, on purpose: {trouble.id}, {trouble.what}")


def _table(session: Session, fleet: Fleet) -> str:
    rows = fleet.rows.values()
    return control_plane_table(
        session.console.out,
        [row.control_plane for row in rows],
        now=datetime.now(UTC),
        wide=True,
        measured={(row.id.host, row.id.namespace, row.id.name): row for row in rows},
    )
