"""From a command line to the running dashboard; what is heavy is imported after the first frame."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from k3k_core.cli.settings import Settings, config_path, load_config
from k3k_core.errors import UsageError
from k3k_tui.config import TuiConfig, parse_config
from k3k_tui.hang_up import end_when_hung_up, is_hung_up, leave
from k3k_tui.places import Place
from k3k_tui.terminal import Profile, check, detect, prepare

if TYPE_CHECKING:
    from k3k_core.host import HostApi, HostOptions
    from k3k_tui.app import K3kApp
    from k3k_tui.source import FleetSource, OpenFleet

# Seconds one reading of a control plane may take.
_LONGEST_READING = 10.0
# Pages are scanned in a process of their own, so that they never delay a key.
_WORKERS = 1
# Seconds in which changes are gathered: rows appear soon, and the screens gather them again to their own pace.
_PACE = 0.2


@dataclass(frozen=True, slots=True)
class Launch:
    """What the command line says about the dashboard itself.

    Attributes:
        read_only: leave out everything that changes something.
        remote: whether the line is slow; None finds out.
        theme: instead of the configured one; empty for that one.
        keymap: instead of the configured one; empty for that one.
        refresh: seconds between two readings of a control plane; None for what is configured.
        place: where to open.
    """

    read_only: bool = False
    remote: bool | None = None
    theme: str = ""
    keymap: str = ""
    refresh: float | None = None
    place: Place | None = None


def run_dashboard(settings: Settings, launch: Launch) -> int:
    """Run the dashboard until it is left.

    Args:
        settings: hosts and namespace.
        launch: everything else.

    Returns:
        The exit code.

    Raises:
        UsageError: the terminal cannot show it, or a host that was named does not exist.
    """
    check(os.environ)
    config, notes = chosen(launch)
    profile = detect(os.environ, remote=launch.remote, no_color=settings.no_color, mouse=config.mouse)
    prepare(profile, os.environ)
    hosts = chosen_hosts(settings)
    app = make_app(
        fleet=fleet_opener(settings, hosts, config.refresh),
        hosts=hosts,
        config=config,
        profile=profile,
        launch=launch,
        notes=notes,
    )
    return run_app(app, profile)


def run_app(app: K3kApp, profile: Profile) -> int:
    """Run an app to its end; what rooms below log would spoil the screen and is not shown.

    Args:
        app: the dashboard.
        profile: what the terminal can carry.

    Returns:
        The exit code.

    Raises:
        Exception: what ended it unexpectedly.
    """
    from k3k_tui.pasting import guard_pastes

    guard_pastes()
    for room in ("k3k_core", "k3k_tui"):
        logging.getLogger(room).addHandler(logging.NullHandler())
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        left = runner.run(_run(app, mouse=profile.mouse))
    if is_hung_up():
        leave()
    if app.failure is not None:
        raise app.failure
    return left or 0


async def _run(app: K3kApp, *, mouse: bool) -> int | None:
    loop = asyncio.get_running_loop()
    # Whoever ends it from elsewhere gets the terminal back as it was, and nothing is left running.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        loop.add_signal_handler(number, app.exit, 128 + number)
    watch = asyncio.create_task(end_when_hung_up(app.exit), name="terminal")
    try:
        left = await app.run_async(mouse=mouse)
        task = asyncio.current_task()
        # The app ends well when it is cancelled, by SIGINT for one.
        return 128 + signal.SIGINT if task is not None and task.cancelling() else left
    finally:
        await app.services.fleet.close()
        watch.cancel()


def chosen(launch: Launch) -> tuple[TuiConfig, tuple[str, ...]]:
    """Return the user's choices, those of the command line first, and what is wrong with them.

    Args:
        launch: the command line.
    """
    content = load_config(config_path(os.environ), required=False)
    config, notes = parse_config(content.get("tui"))
    given: dict[str, Any] = {
        "theme": launch.theme,
        "keymap": launch.keymap,
        "refresh": launch.refresh,
    }
    return replace(config, **{name: value for name, value in given.items() if value}), notes


def chosen_hosts(settings: Settings) -> Mapping[str, HostOptions]:
    """Return how the hosts that are meant are reached, by name.

    Args:
        settings: contexts, or all of them.

    Raises:
        UsageError: one that was named does not exist. That there is none at all is no mistake: the dashboard says
            so, and what to do.
    """
    from k3k_core.host import HostOptions, hosts
    from k3k_core.host.connection import find_connection

    contexts: list[str | None] = list(dict.fromkeys(settings.contexts)) or [None]
    if settings.all_contexts:
        contexts = [context.name for context in hosts(HostOptions(settings.kubeconfig))] or [None]
    found: dict[str, HostOptions] = {}
    for context in contexts:
        options = HostOptions(settings.kubeconfig, context, settings.request_timeout)
        try:
            name = find_connection(options, os.environ).name
        except UsageError:
            if settings.contexts or settings.kubeconfig:
                raise
        else:
            # Spelled out, so that the host has one name from the first moment on.
            found[name] = replace(options, context=name)
    return found


def fleet_opener(settings: Settings, hosts: Mapping[str, HostOptions], refresh: float) -> OpenFleet:
    """Return what opens the fleet.

    Args:
        settings: the namespace.
        hosts: its hosts by name.
        refresh: seconds between two readings of a control plane.
    """

    @asynccontextmanager
    async def open_fleet() -> AsyncIterator[FleetSource]:
        fleet_module, scraper, _ = await _imported(
            "k3k_core.fleet", "k3k_core.telemetry.scraper", "k3k_core.host.client"
        )
        reached = hosts or chosen_hosts_or_raise(settings)
        options = fleet_module.FleetOptions(
            hosts=tuple(reached.values()),
            namespace=None if settings.all_namespaces else settings.namespace,
            scrape=scraper.ScrapeOptions(interval=refresh, timeout=min(refresh, _LONGEST_READING)),
            workers=_WORKERS,
            pace=_PACE,
        )
        async with fleet_module.Fleet(options) as fleet:
            yield fleet

    return open_fleet


def chosen_hosts_or_raise(settings: Settings) -> Mapping[str, HostOptions]:
    """Return the hosts that are there now, though none was there at first.

    Args:
        settings: of the command line.

    Raises:
        UsageError: there is still none.
    """
    from k3k_core.host import HostOptions
    from k3k_core.host.connection import find_connection

    options = HostOptions(settings.kubeconfig, None, settings.request_timeout)
    name = find_connection(options, os.environ).name
    return {name: replace(options, context=name)}


def make_app(
    *,
    fleet: OpenFleet,
    hosts: Mapping[str, HostOptions],
    config: TuiConfig,
    profile: Profile,
    launch: Launch,
    notes: tuple[str, ...] = (),
    clock: Callable[[], float] = time.time,
) -> K3kApp:
    """Make the dashboard over real hosts.

    Args:
        fleet: opens the fleet.
        hosts: how they are reached, by name.
        config: the user's choices.
        profile: what the terminal can carry.
        launch: read-only or not, and where to open.
        notes: what is wrong with the choices.
        clock: seconds since 1970.
    """
    from k3k_tui.app import K3kApp
    from k3k_tui.feed import FleetFeed
    from k3k_tui.jobs.runner import Jobs
    from k3k_tui.look.look import Look
    from k3k_tui.services import Services

    def open_host_named(name: str) -> AbstractAsyncContextManager[HostApi]:
        from k3k_core.host import open_host

        if name not in hosts:
            raise UsageError(f"The host {name!r} is not one of this dashboard's.")
        return open_host(hosts[name])

    services = Services(
        fleet=FleetFeed(fleet),
        hosts=hosts,
        open_host=open_host_named,
        jobs=Jobs(clock),
        look=Look(),
        profile=profile,
        config=config,
        read_only=launch.read_only,
        clock=clock,
    )
    return K3kApp(services, launch.place, notes)


async def _imported(*names: str) -> list[Any]:
    """Import modules in a thread: it takes most of a second, and keys are answered meanwhile."""
    from importlib import import_module

    return await asyncio.to_thread(lambda: [import_module(name) for name in names])
