"""Verbs that work on several control planes at once: how they are chosen, told about and reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from k3k_core.cli import complete, options
from k3k_core.cli.connect import on_host
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.identity import default_namespace, identify
from k3k_core.cli.option import option
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import Style
from k3k_core.errors import (
    ConflictError,
    ForbiddenError,
    K3kError,
    NotFoundError,
    NotReadyError,
    UnreachableError,
    UsageError,
)
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.bulk import BulkResult, Happening, Outcome
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.progress import Progress, Step

R = TypeVar("R")
Decorated = Callable[..., Any]

_STYLES: dict[str, Style] = {"done": "good", "failed": "bad", "interrupted": "warn", "skipped": "dim"}
_BY_CODE: dict[int, type[K3kError]] = {
    each.exit_code: each
    for each in (NotFoundError, ConflictError, NotReadyError, UnreachableError, ForbiddenError)
}

optional_name_argument = click.argument("name", required=False, shell_complete=complete.control_planes)


def bulk_options(function: Decorated) -> Decorated:
    """`-l`, `-A`, `--max-parallel` and `--stop-after-failures` of verbs that take several."""
    for add in (
        option(
            "--stop-after-failures",
            type=click.IntRange(min=1),
            metavar="N",
            help="With -l: begin no other once N have failed (default: go on).",
        ),
        option(
            "--max-parallel",
            type=click.IntRange(1, 100),
            default=5,
            metavar="N",
            help="With -l: so many at a time (default 5).",
        ),
        options.all_namespaces_option,
        option(
            "-l",
            "--selector",
            metavar="SELECTOR",
            help="Instead of NAME: all with these labels, as in `kubectl get -l`, in the namespace; -A for all.",
        ),
    ):
        function = add(function)
    return function


def one_or_many(session: Session, name: str | None, selector: str | None) -> ControlPlaneId | None:
    """Return the one control plane that is meant; None when a selector chooses them.

    Args:
        session: of the verb.
        name: as typed.
        selector: as typed.

    Raises:
        UsageError: both or neither is given.
    """
    if (name is None) == (selector is None):
        raise UsageError(
            "Name one control plane, or choose several with -l."
            if name is None
            else "Give NAME or -l, not both."
        )
    return None if name is None else identify(session, name)


def chosen(session: Session, selector: str) -> tuple[ControlPlaneId, ...]:
    """Return the control planes that a selector chooses: in the namespace that a name would be looked for in, or all.

    Args:
        session: of the verb.
        selector: as typed.

    Raises:
        NotFoundError: there is none.
    """
    from k3k_core.lifecycle.selection import identity_of, select

    namespace = None if session.settings.all_namespaces else default_namespace(session)
    rows = on_host(session, lambda host: select(host, namespace=namespace, selector=selector))
    return tuple(identity_of(row) for row in rows)


def show_plans(
    session: Session,
    identities: Sequence[ControlPlaneId],
    make: Callable[[HostApi, ControlPlaneId], Awaitable[Plan]],
    verb: str,
) -> None:
    """Write what a verb would do to each; the command fails afterwards when one may not be done.

    Args:
        session: of the verb.
        identities: the control planes.
        make: makes the plan of one.
        verb: its name.

    Raises:
        K3kError: one or more are refused.
    """
    from k3k_core.cli.planned import plan_lines
    from k3k_core.lifecycle.bulk import run_many

    async def look(host: HostApi) -> BulkResult[ControlPlaneId, Plan]:
        return await run_many(identities, lambda each: make(host, each), max_parallel=8)

    result = on_host(session, look)
    output, console = session.settings.output, session.console
    if output in {"json", "yaml"}:
        plans = [
            each.result.to_dict() if each.result is not None else _failure(each.item, each.error)
            for each in result.outcomes
        ]
        write_document(console, {"schema": f"k3k.{verb.replace(' ', '-')}-plans/v1", "plans": plans}, output)
    for each in result.outcomes:
        if each.result is None:
            console.warn(f"{each.item}: {each.error}")
        elif output == "name":
            console.data(str(each.item))
        elif output not in {"json", "yaml"}:
            console.data("\n".join(plan_lines(each.result)))
            for warning in each.result.warnings:
                console.warn(f"{each.item}: {warning}")
    refused = [each for each in result.outcomes if each.result is None or each.result.problems]
    if refused:
        raise ConflictError(f"{len(refused)} of {len(identities)} control planes would be refused.")


def agree_to_many(
    session: Session, identities: Sequence[ControlPlaneId], verb: str, *, yes: bool, detail: str = ""
) -> None:
    """Have a person agree that a verb is done to several control planes.

    Args:
        session: of the verb.
        identities: the control planes.
        verb: its name.
        yes: whether nobody is to be asked.
        detail: what to know before, one sentence.

    Raises:
        UsageError: there is no terminal to ask on.
        K3kError: the person does not agree.
    """
    if yes:
        return
    console, count = session.console, f"{len(identities)} control plane{'' if len(identities) == 1 else 's'}"
    if not console.can_ask():
        raise UsageError(
            f"`k3k {verb}` of {count} has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would happen.",
        )
    console.note("\n".join(f"  {each}" for each in identities))
    if detail:
        console.warn(detail)
    if console.ask(f"`k3k {verb}` of these {count}? [y/N] ").lower() not in {"y", "yes"}:
        raise K3kError("Nothing was changed.")


def carried_out_on_many(
    session: Session,
    identities: Sequence[ControlPlaneId],
    work: Callable[[HostApi, ControlPlaneId, Progress], Awaitable[R]],
    *,
    max_parallel: int,
    stop_after_failures: int | None,
) -> BulkResult[ControlPlaneId, R]:
    """Carry a verb out on several control planes of the session's host, telling about each on standard error.

    Args:
        session: of the verb.
        identities: the control planes.
        work: the verb.
        max_parallel: how many at a time.
        stop_after_failures: failures after which no other is begun; None for however many.
    """
    from k3k_core.cli.progress import reporting
    from k3k_core.lifecycle.bulk import run_many

    async def visit(host: HostApi) -> BulkResult[ControlPlaneId, R]:
        async with reporting(session.console) as report:
            return await run_many(
                identities,
                lambda each: work(host, each, _of_one(report, each)),
                max_parallel=max_parallel,
                stop_after_failures=stop_after_failures,
                progress=teller(report),
            )

    return on_host(session, visit)


def write_results(
    session: Session,
    verb: str,
    result: BulkResult[ControlPlaneId, R],
    *,
    to_dict: Callable[[R], Mapping[str, Any]],
    detail: Callable[[R], str],
) -> None:
    """Write what became of each control plane, and fail when not all is done.

    Args:
        session: of the verb.
        verb: its name.
        result: what became of them.
        to_dict: the machine-readable form of one result.
        detail: one short sentence about one result.

    Raises:
        K3kError: one or more failed or were not begun; of one class when all failed alike.
    """
    console, output = session.console, session.settings.output
    if output in {"json", "yaml"}:
        document = {
            "schema": f"k3k.{verb.replace(' ', '-')}-many/v1",
            "stopped": result.stopped,
            "elapsedSeconds": round(result.elapsed, 3),
            "results": [_document(each, to_dict) for each in result.outcomes],
        }
        write_document(console, document, output)
    elif output == "name":
        console.data("".join(f"{each.item}\n" for each in result.of("done")))
    elif not console.quiet:
        rows = [_row(each, detail) for each in result.outcomes]
        console.data(table(console.out, ("NAMESPACE", "NAME", "RESULT", "TOOK", "DETAIL"), rows))
    _fail(verb, result)


def _of_one(report: Progress, identity: ControlPlaneId) -> Progress:
    """Return a progress that passes on the warnings of one control plane, with its name before them."""
    from k3k_core.lifecycle.progress import Step

    def tell(step: Step) -> None:
        if step.state == "warning":
            report(Step(str(identity), "warning", step.message, step.subject))

    return tell


def teller(report: Progress) -> Callable[[Happening[ControlPlaneId, R]], None]:
    """Return what tells about each control plane of a run as a step of its own.

    Args:
        report: told about the steps.
    """
    from k3k_core.lifecycle.progress import Step

    def tell(happening: Happening[ControlPlaneId, R]) -> None:
        name, outcome = str(happening.item), happening.outcome
        if outcome is None:
            report(Step(name, "started", f"working on {name}"))
        elif outcome.state == "done":
            report(Step(name, "done", "done"))
        elif outcome.state == "skipped":
            report(Step(name, "skipped", "not begun: too many failed"))
        else:
            # Its line may still stand as one that goes on.
            text = str(outcome.error).partition("\n")[0] if outcome.error is not None else "interrupted"
            report(Step(name, "skipped", f"{outcome.state}: {text}"))

    return tell


def _document(
    outcome: Outcome[ControlPlaneId, R], to_dict: Callable[[R], Mapping[str, Any]]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "namespace": outcome.item.namespace,
        "name": outcome.item.name,
        "state": outcome.state,
        "elapsedSeconds": round(outcome.elapsed, 3),
    }
    if outcome.result is not None:
        document |= to_dict(outcome.result)
    if outcome.error is not None:
        document["error"] = {"message": outcome.error.message, "hint": outcome.error.hint}
    return document


def _failure(identity: ControlPlaneId, error: K3kError | None) -> dict[str, Any]:
    said = {} if error is None else {"message": error.message, "hint": error.hint}
    return {"namespace": identity.namespace, "name": identity.name, "error": said}


def _row(outcome: Outcome[ControlPlaneId, R], detail: Callable[[R], str]) -> list[Cell | str]:
    text = ""
    if outcome.result is not None:
        text = detail(outcome.result)
    elif outcome.error is not None:
        text = outcome.error.message.partition("\n")[0]
    return [
        outcome.item.namespace,
        outcome.item.name,
        Cell(outcome.state, _STYLES[outcome.state]),
        format_elapsed(outcome.elapsed) if outcome.state != "skipped" else "",
        text,
    ]


def _fail(verb: str, result: BulkResult[ControlPlaneId, R]) -> None:
    failed, skipped = result.of("failed"), result.of("skipped")
    if not failed and not skipped:
        return
    text = f"`k3k {verb}` failed for {len(failed)} of {len(result.outcomes)} control planes"
    if skipped:
        text += f"; {len(skipped)} were not begun"
    codes = {each.error.exit_code for each in failed if each.error is not None}
    kind = _BY_CODE.get(codes.pop(), K3kError) if len(codes) == 1 else K3kError
    hint = next((each.error.hint for each in failed if each.error is not None and each.error.hint), "")
    lines = "".join(f"\n  {each.item}: {each.error}" for each in failed)
    raise kind(f"{text}{lines}", hint=hint or "The same command, run again, goes on.")
