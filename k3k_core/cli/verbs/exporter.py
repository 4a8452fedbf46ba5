"""`k3k exporter`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.cli import complete, options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import host_options, run
from k3k_core.cli.option import option
from k3k_core.cli.rules_input import read_rules
from k3k_core.cli.session import Session
from k3k_core.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from k3k_core.exporter.fleet_view import FleetView
    from k3k_core.fleet import FleetOptions
    from k3k_core.host import HostOptions

DEFAULT_LISTEN = "127.0.0.1:9809"
DEFAULT_INTERVAL = 15.0
_SHORTEST_INTERVAL = 1.0
# `--once` waits for two rounds: no longer than it must, but long enough for something to happen between them.
_ONCE_INTERVAL = 5.0
_LONGEST_TIMEOUT = 10.0
_MAX_WORKERS = 64
_AUTO_WORKERS = 4
_STALE_AFTER = 300.0
_STALE_ROUNDS = 4
_SERVING = "Serving"
_SCRAPING = "Asking control planes"


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the verb's own options came to.

    Attributes:
        listen: HOST:PORT.
        interval: seconds between two rounds; None when nothing was said.
        once: print one page and end.
        shard: which part of the fleet; None for all.
        workers: number of processes, or "auto".
        rules: file with verdict rules.
        web_config: Prometheus' web configuration file.
        raw_token_file: file with the bearer token of `/raw`.
    """

    listen: str
    interval: float | None
    once: bool
    shard: str | None
    workers: str
    rules: str | None
    web_config: str | None
    raw_token_file: str | None


@verb(
    "exporter",
    details="Watches every control plane of one or more hosts, asks each at its interval, and answers at /metrics. "
    "/probe asks one control plane at once, /sd lists them for Prometheus' HTTP service discovery, /healthz and "
    "/readyz are for probes. A host that cannot be reached later on is a metric, k3k_host_up, and no reason to end.",
    examples=(
        Example("For a Prometheus on this machine", "k3k exporter"),
        Example("In a pod, with TLS and passwords", "k3k exporter --listen :9809 --web-config web.yaml"),
        Example("The second of three parts of a large fleet", "k3k exporter --shard 2/3 --all-contexts"),
        Example("Look at the metrics", "k3k exporter --once -n team-a"),
    ),
    common=(
        options.list_namespace_option,
        options.all_namespaces_option,
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    many_hosts=True,
)
@option(
    "--listen",
    metavar="HOST:PORT",
    default=DEFAULT_LISTEN,
    section=_SERVING,
    help=f"Where to serve, [::]:PORT or :PORT for every address (default {DEFAULT_LISTEN}).",
)
@option(
    "--web-config",
    metavar="FILE",
    shell_complete=complete.files,
    section=_SERVING,
    help="Prometheus' web configuration: TLS, passwords.",
)
@option(
    "--raw-token-file",
    metavar="FILE",
    shell_complete=complete.files,
    section=_SERVING,
    help="Pass control planes' own pages on at /raw, to clients that bear the token in FILE.",
)
@option("--once", is_flag=True, section=_SERVING, help="Print one page and end, without serving.")
@option(
    "--interval",
    type=options.Duration(),
    metavar="DURATION",
    section=_SCRAPING,
    help="Time between two rounds over a control plane (default 15s).",
)
@option(
    "--shard", metavar="I/N", section=_SCRAPING, help="Only part I of N of the fleet, for several exporters."
)
@option(
    "--workers",
    metavar="N|auto",
    default="auto",
    section=_SCRAPING,
    help="Processes that ask, 0 for none but this one (default auto: by processors).",
)
@option(
    "--rules",
    metavar="FILE",
    shell_complete=complete.files,
    section=_SCRAPING,
    help="Verdict rules of your own.",
)
def command(
    session: Session,
    listen: str,
    web_config: str | None,
    raw_token_file: str | None,
    once: bool,
    interval: float | None,
    shard: str | None,
    workers: str,
    rules: str | None,
) -> None:
    """Serve the metrics of a fleet."""
    choices = _Choices(listen, interval, once, shard, workers, rules, web_config, raw_token_file)
    run(_once(session, choices) if once else _serve(session, choices))


async def _serve(session: Session, choices: _Choices) -> None:
    from contextlib import ExitStack

    from k3k_core.cli.stopping import stop_signals
    from k3k_core.exporter.raw import TokenFile
    from k3k_core.exporter.server import ServerOptions, serving
    from k3k_core.exporter.web.listener import Address, bind
    from k3k_core.exporter.web.live import LiveWebConfig
    from k3k_core.fleet import Fleet

    fleet_options, interval = _fleet_options(session, choices, DEFAULT_INTERVAL)
    live = LiveWebConfig(_path(choices.web_config), session.console.note)
    token = TokenFile(Path(choices.raw_token_file)) if choices.raw_token_file is not None else None
    serve = ServerOptions(live, token, stale_after=_stale_after(interval))
    sockets = bind(Address.parse(choices.listen))
    with ExitStack() as stack, stop_signals() as stopped:
        for each in sockets:
            stack.enter_context(each)
        places = [Address(*each.getsockname()[:2]) for each in sockets]
        async with Fleet(fleet_options) as fleet, serving(fleet, sockets, serve):
            for place in places:
                session.console.note(f"Serving metrics at {live.scheme}://{place}/metrics (Ctrl-C stops).")
            if await _started(fleet, stopped):
                _tell_hosts(session, fleet)
            await stopped.wait()
            session.console.note("Stopping.")


async def _once(session: Session, choices: _Choices) -> None:
    from k3k_core.exporter.once import export_once, unanswered
    from k3k_core.fleet import Fleet

    fleet_options, interval = _fleet_options(session, choices, _ONCE_INTERVAL)
    timeout = session.settings.request_timeout + 2 * interval + 2 * _LONGEST_TIMEOUT
    async with Fleet(fleet_options) as fleet:
        page = await export_once(fleet, timeout=timeout, stale_after=_stale_after(interval))
        missed = unanswered(fleet)
        _tell_hosts(session, fleet)
    session.console.data(page)
    if missed:
        raise UnreachableError(missed, hint="`k3k doctor NAME` says what is known of a control plane.")


async def _started(fleet: FleetView, stopped: asyncio.Event) -> bool:
    """Wait until every host has answered or failed, or the verb is told to stop.

    Raises:
        UnreachableError: every host failed.
    """
    contact, stop = asyncio.ensure_future(_contact(fleet)), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((contact, stop), return_when=asyncio.FIRST_COMPLETED)
        if contact.done():
            contact.result()
        return contact.done()
    finally:
        contact.cancel()
        stop.cancel()


async def _contact(fleet: FleetView) -> None:
    from k3k_core.exporter.once import raise_if_all_hosts_failed

    async for _ in fleet.changes():
        if all(state.settled for state in fleet.hosts.values()):
            break
    raise_if_all_hosts_failed(fleet)


def _tell_hosts(session: Session, fleet: FleetView) -> None:
    for state in fleet.hosts.values():
        if state.error:
            session.console.warn(f"host {state.name}: {state.error}")


def _fleet_options(session: Session, choices: _Choices, usual: float) -> tuple[FleetOptions, float]:
    from k3k_core.fleet import FleetOptions, Shard
    from k3k_core.telemetry.scraper import ScrapeOptions

    settings = session.settings
    interval = choices.interval if choices.interval is not None else usual
    if interval < _SHORTEST_INTERVAL:
        raise UsageError(
            f"An --interval of less than {_SHORTEST_INTERVAL:g} s asks too much of the control planes.",
            hint="15s is usual.",
        )
    made = FleetOptions(
        hosts=_hosts(session),
        namespace=None if settings.all_namespaces else settings.namespace,
        shard=Shard.parse(choices.shard) if choices.shard is not None else None,
        scrape=ScrapeOptions(interval=interval, timeout=min(interval, _LONGEST_TIMEOUT)),
        workers=_workers(choices),
        rules=read_rules(choices.rules),
        history=False,
    )
    return made, interval


def _hosts(session: Session) -> tuple[HostOptions, ...]:
    """Return the hosts that are meant; a wrong name is told before anything is started."""
    import os

    from k3k_core.host import HostOptions, hosts
    from k3k_core.host.connection import find_connection

    settings = session.settings
    contexts: list[str | None] = list(dict.fromkeys(settings.contexts)) or [None]
    if settings.all_contexts:
        contexts = [context.name for context in hosts(HostOptions(settings.kubeconfig))]
        if not contexts:
            raise UsageError(
                "There is no context to use: no kubeconfig was found.", hint="Give --kubeconfig FILE."
            )
    chosen = tuple(host_options(session, context) for context in contexts)
    for each in chosen:
        find_connection(each, os.environ)
    return chosen


def _workers(choices: _Choices) -> int:
    import os

    if choices.workers == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # One processor is for this process, which judges and serves; each worker costs memory of its own.
        return 0 if choices.once else min(cores - 1, _AUTO_WORKERS)
    if not choices.workers.isdecimal() or int(choices.workers) > _MAX_WORKERS:
        raise UsageError(
            f"{choices.workers!r} is no number of workers.", hint=f"Write 0 to {_MAX_WORKERS}, or auto."
        )
    return int(choices.workers)


def _stale_after(interval: float) -> float:
    return max(_STALE_AFTER, _STALE_ROUNDS * interval)


def _path(file: str | None) -> Path | None:
    return Path(file) if file is not None else None
