"""`k3k list --watch`: a table that is redrawn, sentences, or documents, until somebody has seen enough."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from k3k_core.ages import format_age
from k3k_core.cli.connect import host_options
from k3k_core.cli.narration import Narrator, counted
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.discovery import ControlPlane
    from k3k_core.discovery.control_plane import Verdict
    from k3k_core.fleet import ChangeSet, Fleet, FleetKey, FleetOptions, FleetRow, HostState
    from k3k_core.telemetry.rules import Rule

FORMATS = ("table", "wide", "json")
# Verdicts in the order in which somebody wants to hear of them.
_WORST_FIRST: tuple[Verdict, ...] = (
    "Down",
    "Degraded",
    "Unknown",
    "Expired",
    "Progressing",
    "Paused",
    "Healthy",
)
# Control planes that are worth a process of their own.
_PER_WORKER = 150


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched, and how it is told.

    Attributes:
        contexts: hosts, as they were asked for.
        size: how many control planes there are about.
        keep: tells which of them are shown.
        plain: tell sentences, also on a terminal.
        rules: what verdicts are made by; None to read no metrics.
    """

    contexts: Sequence[str | None]
    size: int
    keep: Callable[[ControlPlane], bool]
    plain: bool
    rules: tuple[Rule, ...] | None


async def watch(session: Session, wanted: Watch) -> None:
    """Show what becomes of a fleet until `q`, Ctrl-C or a signal to stop.

    Args:
        session: of the verb.
        wanted: what is watched, and how it is told.
    """
    from k3k_core.cli.stopping import until_stopped

    await until_stopped(_follow(session, wanted))


async def _follow(session: Session, wanted: Watch) -> None:
    from k3k_core.fleet import Fleet

    async with Fleet(_options(session, wanted)) as fleet:
        if session.settings.output == "json":
            await _documents(session, fleet, wanted)
        elif session.console.out.interactive and not wanted.plain:
            await _table(session, fleet, wanted)
        else:
            await _sentences(session, fleet, wanted)


def _options(session: Session, wanted: Watch) -> FleetOptions:
    from k3k_core.fleet import FleetOptions
    from k3k_core.telemetry.rules import load_rules
    from k3k_core.telemetry.scraper import ScrapeOptions

    settings = session.settings
    workers = min(wanted.size // _PER_WORKER, os.cpu_count() or 1)
    return FleetOptions(
        hosts=tuple(host_options(session, context) for context in wanted.contexts),
        namespace=None if settings.all_namespaces else settings.namespace,
        scrape=ScrapeOptions() if wanted.rules is not None else None,
        workers=workers if workers > 1 else 0,
        rules=wanted.rules if wanted.rules is not None else load_rules(),
        history=False,
    )


async def _sentences(session: Session, fleet: Fleet, wanted: Watch) -> None:
    narrator = Narrator(wanted.keep, time.time)
    async for change in fleet.changes():
        for sentence in narrator.tell(change):
            session.console.data(sentence)
        sys.stdout.flush()


async def _documents(session: Session, fleet: Fleet, wanted: Watch) -> None:
    async for change in fleet.changes():
        for document in documents(change, wanted.keep):
            session.console.data(json.dumps(document))
        sys.stdout.flush()


def documents(change: ChangeSet, keep: Callable[[ControlPlane], bool]) -> Iterator[dict[str, Any]]:
    """Yield what happened as documents for programs.

    Args:
        change: of the fleet.
        keep: tells which control planes are shown.
    """
    schema = {"schema": "k3k.list.watch/v1"}
    for state in change.hosts:
        # Before either, not even its name is known for certain.
        if state.connected or state.error:
            yield {**schema, "type": "HOST", "host": _host_document(state)}
    for key in change.removed:
        gone = {"host": key.host, "namespace": key.namespace, "name": key.name}
        yield {**schema, "type": "REMOVED", "item": gone}
    for row in change.changed:
        if keep(row.control_plane):
            yield {**schema, "type": "CHANGED", "item": row.to_dict()}


def _host_document(state: HostState) -> dict[str, Any]:
    return {
        "name": state.name,
        "connected": state.connected,
        "error": state.error,
        "hint": state.hint,
        "controlPlanes": state.control_planes,
    }


async def _table(session: Session, fleet: Fleet, wanted: Watch) -> None:
    import shutil

    from k3k_core.cli.live import show_until_quit

    async def draw() -> str:
        return text(session, fleet, wanted, width=shutil.get_terminal_size().columns)

    try:
        await show_until_quit(draw)
    finally:
        # The screen is gone afterwards; a whole fleet would push away what was there before.
        session.console.data("\n".join(_heading(fleet, wanted)))


def text(session: Session, fleet: Fleet, wanted: Watch, *, width: int) -> str:
    """Return the fleet as it is now: what is wrong with hosts, figures of all of it, and a table, the worst first.

    Args:
        session: of the verb.
        fleet: as it is watched.
        wanted: what is shown of it.
        width: columns of the screen; `-o wide` goes beyond them.
    """
    from k3k_core.cli.rows import control_plane_table

    lines, rows = _heading(fleet, wanted), _kept(fleet, wanted)
    if not rows:
        return "\n".join(lines)
    wide = session.settings.output == "wide"
    measured = {(row.id.host, row.id.namespace, row.id.name): row for row in rows}
    table = control_plane_table(
        session.console.out,
        [row.control_plane for row in sorted(rows, key=_badness)],
        now=datetime.now(UTC),
        hosts=len(fleet.hosts) > 1,
        wide=wide,
        measured=measured if wanted.rules is not None else None,
        width=None if wide else width,
    )
    return "\n".join((*lines, "", table))


def _kept(fleet: Fleet, wanted: Watch) -> list[FleetRow]:
    return [row for row in fleet.rows.values() if wanted.keep(row.control_plane)]


def _heading(fleet: Fleet, wanted: Watch) -> list[str]:
    hosts = tuple(fleet.hosts.values())
    return [*_troubles(hosts), _summary(_kept(fleet, wanted), hosts)]


def _badness(row: FleetRow) -> tuple[int, FleetKey]:
    return _WORST_FIRST.index(row.judgement.verdict), row.id


def _summary(rows: Sequence[FleetRow], hosts: Sequence[HostState]) -> str:
    counts = Counter(row.judgement.verdict for row in rows)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _WORST_FIRST if counts[verdict])
    told = counted(len(rows))
    told = f"{told[:1].upper()}{told[1:]}{f': {verdicts}' if verdicts else ''}."
    waiting = [state.name for state in hosts if not state.settled]
    return escape(f"{told} Waiting for {', '.join(waiting)}." if waiting else told)


def _troubles(hosts: Sequence[HostState]) -> Iterator[str]:
    for state in hosts:
        if state.error:
            past = format_age(time.time() - state.since)
            yield escape(
                f"Host {state.name} has not been followed for {past}: {state.error} {state.hint}".rstrip()
            )
