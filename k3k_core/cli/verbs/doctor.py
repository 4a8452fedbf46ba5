"""`k3k doctor`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from k3k_core.cli import options, rules_input
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import host_options, run
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session

if TYPE_CHECKING:
    from k3k_core.cli.doctor_output import Diagnosis
    from k3k_core.errors import Issue
    from k3k_core.host import HostApi
    from k3k_core.names import ControlPlaneId
    from k3k_core.telemetry.rules import Rule

FORMATS = ("table", "json", "yaml")
# Seconds between two readings: the usual pace, or what fits into a short watch.
_SLOWEST, _QUICKEST = 15.0, 1.0


@verb(
    "doctor",
    details="Watches for a moment, then tells the rules that fire, since when, with what value, and what to do; "
    "which are fine; which could not be checked, and why. Rules ask what they look at to last: with --for they "
    "get the time. Ends with 0 when it is Healthy, with 1 when it is anything else or could not be measured.",
    examples=(
        Example("What is wrong with it", "k3k doctor ci -n team-a"),
        Example("With the time that most rules ask for", "k3k doctor team-a/ci --for 6m"),
        Example("For a script", "k3k doctor team-a/ci -o json"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option(
    "--for",
    "duration",
    type=options.Duration(),
    default="10s",
    metavar="DURATION",
    help="How long to watch (default 10s).",
)
@rules_input.rules_option
def command(session: Session, name: str, duration: float, rules: str | None) -> None:
    """Explain the state of a control plane."""
    read = rules_input.read_rules(rules)
    diagnosis = run(_watch(session, identify(session, name), duration, read))
    if session.settings.output == "table":
        from k3k_core.cli.doctor_output import diagnosis_text

        session.console.data(diagnosis_text(session.console.out, diagnosis))
    else:
        document = {"schema": "k3k.doctor/v1", **diagnosis.to_dict()}
        write_document(session.console, document, session.settings.output)
    if not diagnosis.healthy:
        raise click.exceptions.Exit(1)


async def _watch(
    session: Session, identity: ControlPlaneId, duration: float, rules: tuple[Rule, ...]
) -> Diagnosis:
    from k3k_core.cli.doctor_output import diagnose
    from k3k_core.cli.fleet_look import follow
    from k3k_core.host import open_host
    from k3k_core.lifecycle.describe import describe

    loop = asyncio.get_running_loop()
    ends, since = loop.time() + duration, time.time()
    window = min(max(duration / 3, _QUICKEST), _SLOWEST)
    async with follow(session, identity, window=window, rules=rules) as followed:
        await asyncio.sleep(ends - loop.time())
        row = followed.row()
    async with open_host(host_options(session)) as host:
        description = await describe(host, identity, now=datetime.now(UTC))
        advice = await _etcd_advice(host, identity) if row.control_plane.datastore == "etcd" else ()
    return diagnose(row, description, rules=rules, since=since, at=time.time(), advice=advice)


async def _etcd_advice(host: HostApi, identity: ControlPlaneId) -> tuple[Issue, ...]:
    """Ask the members themselves: of an alarm, or of a lost volume, their metrics tell nothing."""
    from k3k_core.errors import K3kError
    from k3k_core.lifecycle.etcd_status import etcd_status

    try:
        return (await etcd_status(host, identity)).advice
    except K3kError:
        # Nobody may reach them from here; what the host and the metrics show is told all the same.
        return ()
