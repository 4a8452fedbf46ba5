"""Verbs that plan first: `--dry-run` shows the plan, a person agrees to it, `--yes` goes on without asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from k3k_core.cli.connect import on_host
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import HostApi

if TYPE_CHECKING:
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.progress import Progress

T = TypeVar("T")
Decorated = Callable[..., Any]


def plan_options(function: Decorated) -> Decorated:
    """`--dry-run` and `--yes`, as every verb takes them that changes a control plane."""
    for add in (
        option("-y", "--yes", is_flag=True, help="Do not ask."),
        option("--dry-run", is_flag=True, help="Change nothing: show what would happen, and whether it may."),
    ):
        function = add(function)
    return function


def agreed(
    session: Session,
    make: Callable[[HostApi], Awaitable[Plan]],
    *,
    yes: bool,
    dry_run: bool,
    question: str,
    ask: bool = True,
) -> bool:
    """Make the plan, show it where it is asked for, and tell whether to carry it out.

    Args:
        session: of the verb.
        make: makes the plan.
        yes: whether nobody is to be asked.
        dry_run: whether the plan is all that is wanted.
        question: e.g. "Pause it?".
        ask: whether a person has to agree at all; verbs that lose nothing and can be undone need not ask.

    Raises:
        ConflictError: the plan is refused.
        UsageError: a person has to agree and there is no terminal to ask on.
        K3kError: the person does not agree.
    """
    return agreed_to(session, on_host(session, make), yes=yes, dry_run=dry_run, question=question, ask=ask)


def agreed_to(
    session: Session, plan: Plan, *, yes: bool, dry_run: bool, question: str, ask: bool = True
) -> bool:
    """Show a plan where it is asked for, and tell whether to carry it out.

    Args:
        session: of the verb.
        plan: the plan.
        yes: whether nobody is to be asked.
        dry_run: whether the plan is all that is wanted.
        question: e.g. "Pause it?".
        ask: whether a person has to agree at all.

    Raises:
        ConflictError: the plan is refused.
        UsageError: a person has to agree and there is no terminal to ask on.
        K3kError: the person does not agree.
    """
    if dry_run:
        write_plan(session, plan)
    plan.refuse()
    if dry_run:
        return False
    if plan.nothing_to_do:
        session.console.note(f"{plan.id}: {plan.summary}")
        return False
    if not yes and (ask or plan.loses_data):
        _ask(session, plan, question)
    elif plan.loses_data:
        # `--yes` may have been written into a script long before.
        for warning in plan.warnings:
            session.console.warn(str(warning))
    return True


def carried_out(session: Session, work: Callable[[HostApi, Progress], Awaitable[T]]) -> T:
    """Carry a verb out on the session's host, showing its progress.

    Args:
        session: of the verb.
        work: the verb.
    """
    from k3k_core.cli.progress import reporting

    async def visit(host: HostApi) -> T:
        async with reporting(session.console) as progress:
            return await work(host, progress)

    return on_host(session, visit)


def plan_lines(plan: Plan) -> list[str]:
    """Return the lines that tell a person what a verb would do.

    Args:
        plan: of the verb.
    """
    refused = ", refused" if plan.problems else ""
    lines = [escape(f"{plan.id}: {plan.summary}{refused}")]
    if plan.steps:
        lines.append("What happens:")
        lines += [f"  {number}. {escape(step)}" for number, step in enumerate(plan.steps, 1)]
    return lines


def write_plan(session: Session, plan: Plan) -> None:
    """Write a plan: what would happen on standard output, warnings on standard error.

    Args:
        session: of the verb.
        plan: the plan.
    """
    console, output = session.console, session.settings.output
    if output in {"json", "yaml"}:
        schema = f"k3k.{plan.verb.replace(' ', '-')}-plan/v1"
        write_document(console, {"schema": schema, **plan.to_dict()}, output)
    elif output == "name":
        console.data(str(plan.id))
    else:
        console.data("\n".join(plan_lines(plan)))
    for warning in plan.warnings:
        console.warn(str(warning))


def _ask(session: Session, plan: Plan, question: str) -> None:
    console = session.console
    if not console.can_ask():
        raise UsageError(
            f"`k3k {plan.verb}` of {plan.id} has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would happen.",
        )
    console.note("\n".join(plan_lines(plan)))
    for warning in plan.warnings:
        console.warn(str(warning))
    if plan.loses_data:
        answer = console.ask(f"Type the name {plan.id.name!r} to go on and lose data: ")
        if answer == plan.id.name:
            return
    elif console.ask(f"{question} [y/N] ").lower() in {"y", "yes"}:
        return
    raise K3kError("Nothing was changed.")
