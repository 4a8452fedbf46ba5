"""`k3k agents`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.lifecycle.agents import Agent, AgentList

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "agents",
    details="The nodes of the control plane itself, asked through its host. A kubelet must not be newer than the "
    "servers and at most three minor versions older; what does not fit is told on standard error.",
    examples=(
        Example("Its nodes with their versions", "k3k agents ci -n team-a"),
        Example("For a script", "k3k agents ci -n team-a -o json"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
def command(session: Session, name: str) -> None:
    """List the nodes of a control plane."""
    from k3k_core.lifecycle.agents import list_agents

    identity = identify(session, name)
    found = on_host(session, lambda host: list_agents(host, identity))
    _show(session, found)
    for agent in found.agents:
        if agent.skew:
            session.console.warn(f"node {agent.name} ({agent.version or 'no version'}): {agent.skew}")


def _show(session: Session, found: AgentList) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data("\n".join(escape(agent.name) for agent in found.agents))
    elif output != "table":
        document = {
            "schema": "k3k.agents/v1",
            "namespace": found.id.namespace,
            "name": found.id.name,
            "version": found.version,
            "items": [agent.to_dict() for agent in found.agents],
        }
        write_document(console, document, output)
    elif found.agents:
        now = datetime.now(UTC)
        headings = ["NAME", "STATUS", "VERSION", "ADDRESS", "AGE"]
        console.data(table(console.out, headings, [_row(agent, now) for agent in found.agents]))
    else:
        console.note(
            f"Control plane {found.id} has no nodes. `k3k join {found.id.name} -n {found.id.namespace}` "
            "prints how one joins."
        )


def _row(agent: Agent, now: datetime) -> list[Cell | str]:
    status = Cell("Ready", "good") if agent.ready else Cell("NotReady", "bad")
    if not agent.schedulable:
        status = Cell(f"{status.text},SchedulingDisabled", "warn")
    age = format_age((now - agent.created).total_seconds()) if agent.created else ""
    version = Cell(agent.version, "warn") if agent.skew else Cell(agent.version)
    return [agent.name, status, version, agent.address, age]
