"""Asking the hosts of the settings what they have, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.cli.connect import host_options
from k3k_core.cli.session import Session
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import HostOptions

if TYPE_CHECKING:
    from k3k_core.discovery import ControlPlane


@dataclass(frozen=True, slots=True)
class Answer:
    """What one host said.

    Attributes:
        context: as it was asked for; None for the current one.
        host: name of its context, empty for the current one before it has been reached.
        rows: its control planes.
        error: why it said nothing; None also while it has not said anything yet.
    """

    context: str | None
    host: str
    rows: tuple[ControlPlane, ...] = ()
    error: K3kError | None = None


async def ask_all(session: Session) -> list[Answer]:
    """Return what every host says, in the order of the settings.

    Args:
        session: of the verb.

    Raises:
        UsageError: there is no host to ask.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(session, context)) for context in contexts_of(session)]
    return [task.result() for task in tasks]


async def ask_until_one(session: Session) -> list[Answer]:
    """Return what the hosts say as soon as one has said what it has: the others need not be waited for.

    Args:
        session: of the verb.

    Raises:
        UsageError: there is no host to ask.
    """
    asked = {asyncio.ensure_future(_ask(session, context)): context for context in contexts_of(session)}
    waiting = set(asked)
    try:
        while waiting:
            answered, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if any(task.result().error is None for task in answered):
                break
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return [
        Answer(context, context or "") if task in waiting else task.result()
        for task, context in asked.items()
    ]


def all_failed(answers: Sequence[Answer]) -> BaseException | None:
    """Return what to raise when no host has said what it has; None when one has, or still may.

    Args:
        answers: of all hosts.
    """
    errors = [answer.error for answer in answers if answer.error is not None]
    if len(errors) < len(answers):
        return None
    return errors[0] if len(errors) == 1 else ExceptionGroup("no host answered", errors)


def contexts_of(session: Session) -> list[str | None]:
    """Return the contexts of the settings; None stands for the current one.

    Args:
        session: of the verb.

    Raises:
        UsageError: there is none.
    """
    from k3k_core.host import hosts

    settings = session.settings
    if not settings.all_contexts:
        return list(dict.fromkeys(settings.contexts)) or [None]
    found = hosts(HostOptions(settings.kubeconfig))
    if not found:
        raise UsageError(
            "There is no context to use: no kubeconfig was found.", hint="Give --kubeconfig FILE."
        )
    return [context.name for context in found]


async def _ask(session: Session, context: str | None) -> Answer:
    from k3k_core.discovery import list_control_planes
    from k3k_core.host import open_host

    settings = session.settings
    namespace = None if settings.all_namespaces else settings.namespace
    try:
        async with open_host(host_options(session, context)) as host:
            rows = await list_control_planes(host, namespace=namespace, now=datetime.now(UTC))
            return Answer(context, host.name, rows)
    except K3kError as error:
        return Answer(context, context or "", error=error)
