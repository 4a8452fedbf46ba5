"""Operations whose plan is a list of steps: shown, agreed to, then carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import ConflictError
from k3k_tui.operations.asking import nothing_left
from k3k_tui.operations.bulk import Intent, confirmation, count
from k3k_tui.operations.commands import command
from k3k_tui.operations.hosts import Ask, Do, ask_all, begin
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import Confirm, ConfirmByName

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.names import ControlPlaneId


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be done to control planes.

    Attributes:
        title: of the dialog and the job, e.g. "Pause".
        command: the verb of the `k3k` command that does the same.
        options: what follows the name there.
    """

    title: str
    command: str
    options: tuple[str, ...] = ()


async def offer_plan(
    app: App[Any], targets: tuple[FleetKey, ...], offer: Offer, make: Ask[Plan], work: Do
) -> None:
    """Show what would happen to control planes, and begin it when that is agreed to.

    Args:
        app: the dashboard.
        targets: the control planes.
        offer: what is to be done.
        make: makes the plan of one.
        work: carries it out on one.
    """

    async def plan_that_may(host: HostApi, identity: ControlPlaneId) -> Plan:
        plan = await make(host, identity)
        _refuse(plan)
        return plan

    answers = await ask_all(app, offer.title, targets, plan_that_may)
    if await nothing_left(app, offer.title, answers):
        return
    steps = len(answers.known) == 1
    intents = [Intent(key, tuple(plan_lines(plan, steps=steps))) for key, plan in answers.known]
    lines = confirmation(intents, answers.refusals, services(app).look.glyphs)
    losing = any(plan.loses_data for _, plan in answers.known)
    keys = tuple(key for key, _ in answers.known)
    if await app.push_screen_wait(_question(offer, keys, lines, losing=losing)):
        for key in keys:
            same = command(services(app), key, offer.command, *offer.options)
            begin(app, offer.title, key, work, command=same)


def plan_lines(plan: Plan, *, steps: bool) -> Iterator[Line]:
    """Yield what a plan comes to.

    Args:
        plan: of one control plane.
        steps: whether each step is told, not only what they come to.
    """
    yield (Cell(plan.summary),)
    for warning in plan.warnings:
        yield (Cell(str(warning), "bad" if plan.loses_data else "warn"),)
    if steps:
        for number, step in enumerate(plan.steps, 1):
            yield (Cell(f"{number}. ", "muted"), Cell(step))


def _refuse(plan: Plan) -> None:
    """Count those with nothing to do, and those that may not, among what is left alone."""
    if plan.nothing_to_do:
        raise ConflictError(plan.summary)
    if plan.problems:
        first = plan.problems[0]
        raise ConflictError(first.problem, hint=first.remedy)


def _question(offer: Offer, keys: tuple[FleetKey, ...], lines: Iterable[Line], *, losing: bool) -> Confirm:
    only = keys[0] if len(keys) == 1 else None
    title = f"{offer.title} {only}" if only is not None else f"{offer.title} {count(len(keys))}"
    if losing:
        word = only.name if only is not None else f"{offer.title.lower()} {len(keys)}"
        return ConfirmByName(title, list(lines), word=word, label=offer.title)
    return Confirm(title, list(lines), label=offer.title)
