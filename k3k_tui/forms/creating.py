"""Creating what was filled in: asking the host beforehand, then the job."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from k3k_core.lifecycle.progress import Progress
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.saving import command
from k3k_tui.services import Services

if TYPE_CHECKING:
    from k3k_core.lifecycle.comparison import ObjectDiff
    from k3k_core.values import LoadedValues


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host says to a create that has not been done.

    Attributes:
        diffs: what it would do, one for each object.
        manifests: the objects, with all that is secret in them.
    """

    diffs: tuple[ObjectDiff, ...]
    manifests: tuple[Mapping[str, Any], ...]


async def ask_host(known: Services, draft: Draft, loaded: LoadedValues) -> Answer:
    """Have the host check every object of a create; nothing is stored.

    Args:
        known: opens the host.
        draft: where it goes.
        loaded: its checked values.

    Raises:
        K3kError: the host refuses something or does not answer.
    """
    from k3k_core.lifecycle.diff import dry_run
    from k3k_core.lifecycle.render import render
    from k3k_core.names import ControlPlaneId

    identity = ControlPlaneId(draft.namespace, draft.name)
    manifests = await asyncio.to_thread(render, identity, loaded, secrets="inline", now=datetime.now(UTC))
    async with known.open_host(draft.host) as host:
        return Answer(await dry_run(host, identity, loaded), manifests)


def start_create(known: Services, draft: Draft, loaded: LoadedValues) -> int:
    """Begin to create a control plane in the background; return the number of the job.

    The draft stays until the control plane is there.

    Args:
        known: runs the job.
        draft: where it goes.
        loaded: its checked values.
    """

    async def work(progress: Progress) -> str:
        from k3k_core.cli.durations import format_elapsed
        from k3k_core.lifecycle.create import CreateRequest, create
        from k3k_core.names import ControlPlaneId

        request = CreateRequest(ControlPlaneId(draft.namespace, draft.name), loaded)
        async with known.open_host(draft.host) as host:
            created = await create(host, request, progress)
        if known.drafts.create == draft:
            known.drafts.create = None
        state = "was there already" if created.existed else "is there"
        return f"{created.id} {state}, ready after {format_elapsed(created.elapsed)}: {created.endpoint}"

    target = f"{draft.host}/{draft.namespace}/{draft.name}"
    return known.jobs.start("Create", target, work, command=command(draft, known.hosts.get(draft.host)))
