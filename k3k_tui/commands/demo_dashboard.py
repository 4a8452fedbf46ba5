"""The dashboard on the host of the demonstration."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from k3k_core.cli.settings import Settings
from k3k_tui.commands.demo_host import DemoHost
from k3k_tui.launch import Launch, chosen, fleet_opener, make_app, run_app
from k3k_tui.terminal import check, detect, prepare

if TYPE_CHECKING:
    from k3k_tui.jobs.runner import Jobs
    from k3k_tui.source import FleetSource

# Seconds between two readings of a control plane, unless the user says otherwise: nobody waits for a demonstration.
_REFRESH = 5.0


def show(host: DemoHost, settings: Settings, launch: Launch) -> int:
    """Run the dashboard until it is left; rows appear while the host is still being set up.

    Args:
        host: of the demonstration, started.
        settings: the user's.
        launch: what the command line says about the dashboard.

    Returns:
        The exit code.

    Raises:
        UsageError: the terminal cannot show it.
    """
    check(os.environ)
    config, notes = chosen(launch)
    profile = detect(os.environ, remote=launch.remote, no_color=settings.no_color, mouse=config.mouse)
    prepare(profile, os.environ)
    hosts = {host.name: host.options()}
    open_known = fleet_opener(settings, hosts, launch.refresh or _REFRESH)
    jobs: list[Jobs] = []
    provisioning: list[int] = []

    @asynccontextmanager
    async def open_fleet() -> AsyncIterator[FleetSource]:
        if not provisioning:
            provisioning.append(jobs[0].start("Set up the demonstration", host.name, host.provision))
        await host.listening()
        async with open_known() as fleet:
            yield fleet

    app = make_app(fleet=open_fleet, hosts=hosts, config=config, profile=profile, launch=launch, notes=notes)
    jobs.append(app.services.jobs)
    return run_app(app, profile)
