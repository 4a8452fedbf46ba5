"""Verbs that change one control plane that is named, or all that a selector chooses, in the same way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from k3k_core.cli import bulk, planned
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.names import ControlPlaneId

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[R]):
    """What a verb does to a control plane, as its options ask for it, and how that is told.

    Attributes:
        verb: its name, e.g. "rotate tokens".
        question: what a person is asked about one, e.g. "Pause it?".
        plan: makes the plan of one.
        work: carries it out on one.
        to_dict: the machine-readable form of a result.
        detail: a result among others, in a few words.
        sentence: the result of the one that was named.
        always_ask: whether a person has to agree to one also when its plan loses nothing.
        command: the verb as a person is asked about several; empty for its name.
        work_on_named: carries it out on the one that was named; None for `work`.
    """

    verb: str
    question: str
    plan: Callable[[HostApi, ControlPlaneId], Awaitable[Plan]]
    work: Callable[[HostApi, ControlPlaneId, Progress], Awaitable[R]]
    to_dict: Callable[[R], Mapping[str, Any]]
    detail: Callable[[R], str]
    sentence: Callable[[R], str]
    always_ask: bool = False
    command: str = ""
    work_on_named: Callable[[HostApi, ControlPlaneId, Progress], Awaitable[R]] | None = None


def change_one_or_many(
    session: Session,
    change: Change[R],
    name: str | None,
    *,
    selector: str | None,
    max_parallel: int,
    stop_after_failures: int | None,
    yes: bool,
    dry_run: bool,
) -> R | None:
    """Plan a change, have it agreed to, carry it out and write what became of it.

    Args:
        session: of the verb.
        change: what to do.
        name: the control plane as typed; None when a selector chooses them.
        selector: as typed.
        max_parallel: of several: how many at a time.
        stop_after_failures: of several: failures after which no other is begun; None for however many.
        yes: whether nobody is to be asked.
        dry_run: whether plans are all that is wanted.

    Returns:
        The result of the one that was named; None of several, and where nothing was done.

    Raises:
        UsageError: name and selector do not go together, or there is no terminal to ask on.
        K3kError: the person does not agree, or the change is refused or fails.
    """
    identity = bulk.one_or_many(session, name, selector)
    if identity is not None:
        return change_one(session, change, identity, yes=yes, dry_run=dry_run)
    identities = bulk.chosen(session, selector or "")
    if dry_run:
        bulk.show_plans(session, identities, change.plan, change.verb)
        return None
    bulk.agree_to_many(session, identities, change.command or change.verb, yes=yes)
    result = bulk.carried_out_on_many(
        session, identities, change.work, max_parallel=max_parallel, stop_after_failures=stop_after_failures
    )
    bulk.write_results(session, change.verb, result, to_dict=change.to_dict, detail=change.detail)
    return None


def change_one(
    session: Session, change: Change[R], identity: ControlPlaneId, *, yes: bool, dry_run: bool
) -> R | None:
    """Plan a change of one control plane, have it agreed to, carry it out and write what became of it.

    Args:
        session: of the verb.
        change: what to do.
        identity: the control plane.
        yes: whether nobody is to be asked.
        dry_run: whether the plan is all that is wanted.

    Returns:
        The result; None where nothing was done.

    Raises:
        UsageError: a person has to agree and there is no terminal to ask on.
        K3kError: the person does not agree, or the change is refused or fails.
    """
    if not planned.agreed(
        session,
        lambda host: change.plan(host, identity),
        yes=yes,
        dry_run=dry_run,
        question=change.question,
        ask=change.always_ask,
    ):
        return None
    work = change.work_on_named or change.work
    result = planned.carried_out(session, lambda host, progress: work(host, identity, progress))
    _write(session, change, identity, result)
    return result


def _write(session: Session, change: Change[R], identity: ControlPlaneId, result: R) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(identity))
    elif output != "table":
        schema = f"k3k.{change.verb.replace(' ', '-')}/v1"
        head = {"schema": schema, "namespace": identity.namespace, "name": identity.name}
        write_document(console, {**head, **change.to_dict(result)}, output)
    elif not console.quiet:
        console.data(escape(change.sentence(result)))
