"""Asking hosts about control planes, and starting jobs on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from textual.app import App

from k3k_core.errors import ConflictError, K3kError
from k3k_core.lifecycle.progress import Progress
from k3k_core.names import ControlPlaneId
from k3k_tui.operations.commands import label
from k3k_tui.services import services
from k3k_tui.widgets.dialogs import waited

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi

T = TypeVar("T")
Ask: TypeAlias = "Callable[[HostApi, ControlPlaneId], Awaitable[T]]"
Do: TypeAlias = "Callable[[HostApi, ControlPlaneId, Progress], Awaitable[str]]"
# Questions asked of one host at the same time.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done to a control plane.

    Attributes:
        key: the control plane.
        error: why, with what to do instead.
    """

    key: FleetKey
    error: K3kError


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What hosts answered about several control planes, in the order they were asked about.

    Attributes:
        known: answer about each that may be worked on.
        refusals: the others.
    """

    known: tuple[tuple[FleetKey, T], ...]
    refusals: tuple[Refusal, ...]


def identity(key: FleetKey) -> ControlPlaneId:
    """Return which control plane of its host a key means.

    Args:
        key: of the fleet.
    """
    return ControlPlaneId(key.namespace, key.name)


async def ask(app: App[Any], title: str, key: FleetKey, question: Ask[T]) -> T:
    """Ask a host about one control plane; a dialog says so when it takes long.

    Args:
        app: the dashboard.
        title: what is being prepared.
        key: the control plane.
        question: asks the host.

    Raises:
        K3kError: the host refuses or does not answer.
        GivenUpError: somebody would not wait any longer.
    """
    return await waited(app, title, f"Asking host {key.host} about {key} ...", _ask(app, key, question))


async def ask_all(
    app: App[Any], title: str, keys: Sequence[FleetKey], question: Ask[T], *, changing: bool = True
) -> Answers[T]:
    """Ask hosts about several control planes at once; what one of them refuses does not keep the others.

    Args:
        app: the dashboard.
        title: what is being prepared.
        keys: the control planes.
        question: asks a host about one of them.
        changing: whether what k3k may only show is refused without asking.

    Raises:
        GivenUpError: somebody would not wait any longer.
    """
    by_host: dict[str, list[FleetKey]] = {}
    for key in keys:
        by_host.setdefault(key.host, []).append(key)

    async def everything() -> dict[FleetKey, T | K3kError]:
        found = await asyncio.gather(
            *(_ask_host(app, name, its, question, changing=changing) for name, its in by_host.items())
        )
        return {key: answer for answers in found for key, answer in answers.items()}

    names = ", ".join(dict.fromkeys(key.host for key in keys))
    answers = await waited(app, title, f"Asking {names} ...", everything())
    in_order = [(key, answers[key]) for key in keys]
    return Answers(
        tuple((key, answer) for key, answer in in_order if not isinstance(answer, K3kError)),
        tuple(Refusal(key, answer) for key, answer in in_order if isinstance(answer, K3kError)),
    )


def begin(app: App[Any], title: str, key: FleetKey, work: Do, *, command: str = "") -> int:
    """Start a job on one control plane and return its number.

    Args:
        app: the dashboard.
        title: what the job does.
        key: the control plane.
        work: does it and returns what came of it, as a sentence.
        command: the `k3k` command that does the same.
    """
    known = services(app)

    async def on_host(progress: Progress) -> str:
        async with known.open_host(key.host) as host:
            return await work(host, identity(key), progress)

    return known.jobs.start(title, label(key), on_host, command=command)


async def _ask_host(
    app: App[Any], name: str, keys: Sequence[FleetKey], question: Ask[T], *, changing: bool
) -> dict[FleetKey, T | K3kError]:
    """Ask one host about several control planes over one connection."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(host: HostApi, key: FleetKey) -> T | K3kError:
        try:
            async with gate:
                return await question(host, identity(key))
        except K3kError as error:
            return error

    found: dict[FleetKey, T | K3kError] = {}
    for key in keys:
        refusal = _read_only(app, key) if changing else None
        if refusal is not None:
            found[key] = refusal
    rest = [key for key in keys if key not in found]
    if not rest:
        return found
    try:
        async with services(app).open_host(name) as host:
            answers = await asyncio.gather(*(one(host, key) for key in rest))
    except K3kError as error:
        return found | dict.fromkeys(rest, error)
    return found | dict(zip(rest, answers, strict=True))


async def _ask(app: App[Any], key: FleetKey, question: Ask[T]) -> T:
    async with services(app).open_host(key.host) as host:
        return await question(host, identity(key))


def _read_only(app: App[Any], key: FleetKey) -> K3kError | None:
    """Return why k3k may not change a control plane, None when it may."""
    row = services(app).fleet.rows.get(key)
    if row is None or not row.control_plane.read_only:
        return None
    made_by = row.control_plane.made_by
    return ConflictError(
        f"{key} was made by {'Helm' if made_by == 'helm' else made_by}; k3k only shows it",
        hint="Change it with what made it.",
    )
