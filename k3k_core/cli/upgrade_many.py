"""Upgrading many control planes: their plans, and the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk
from k3k_core.cli.connect import on_host
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.errors import ConflictError
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.bulk import BulkResult
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan, UpgradeRequest

Requests = Mapping[ControlPlaneId, "UpgradeRequest"]


def plan_many(session: Session, requests: Requests) -> None:
    """Write what an upgrade would do to each control plane.

    Args:
        session: of the verb.
        requests: what is asked for of each.

    Raises:
        ConflictError: one or more would be refused.
    """
    from k3k_core.cli.upgrade_output import plan_lines
    from k3k_core.lifecycle.bulk import run_many
    from k3k_core.lifecycle.upgrade import plan_upgrade

    async def look(host: HostApi) -> BulkResult[ControlPlaneId, UpgradePlan]:
        return await run_many(
            tuple(requests), lambda each: plan_upgrade(host, requests[each]), max_parallel=8
        )

    result, output, console = on_host(session, look), session.settings.output, session.console
    if output in {"json", "yaml"}:
        plans = [
            each.result.to_dict()
            if each.result is not None
            else {
                "namespace": each.item.namespace,
                "name": each.item.name,
                "error": {"message": str(each.error)},
            }
            for each in result.outcomes
        ]
        write_document(console, {"schema": "k3k.upgrade-plans/v1", "plans": plans}, output)
    refused = 0
    for each in result.outcomes:
        refused += each.result is None or each.result.refused
        if each.result is None:
            console.warn(f"{each.item}: {each.error}")
        elif output == "name":
            console.data(str(each.item))
        elif output == "table":
            console.data("\n".join(plan_lines(session, each.result, objects=False)))
            for problem in each.result.problems:
                console.warn(f"{each.item}: {problem}")
    if refused:
        raise ConflictError(f"{refused} of {len(requests)} control planes would be refused.")


def upgrade_many(
    session: Session,
    requests: Requests,
    *,
    max_parallel: int,
    stop_after_failures: int | None,
    canary: bool,
) -> None:
    """Upgrade control planes, so many at a time, and write what became of each.

    Args:
        session: of the verb.
        requests: what is asked for of each.
        max_parallel: how many at a time.
        stop_after_failures: failures after which no other is begun; None for however many.
        canary: whether the first goes alone, and the others only when it is done.

    Raises:
        K3kError: one or more failed or were not begun.
    """
    from k3k_core.lifecycle.bulk import BulkResult, Outcome

    result: BulkResult[ControlPlaneId, Upgraded] | None = None
    left = tuple(requests)
    if canary and len(left) > 1:
        result = _run(session, requests, left[:1], max_parallel=1, stop_after_failures=1)
        left = left[1:]
    if result is None or not result.of("failed"):
        others = _run(
            session, requests, left, max_parallel=max_parallel, stop_after_failures=stop_after_failures
        )
        result = others if result is None else _joined(result, others)
    else:
        never: tuple[Outcome[ControlPlaneId, Upgraded], ...] = tuple(
            Outcome(each, "skipped") for each in left
        )
        result = BulkResult((*result.outcomes, *never), result.elapsed)
    bulk.write_results(session, "upgrade", result, to_dict=_document, detail=_detail)


def _run(
    session: Session,
    requests: Requests,
    identities: tuple[ControlPlaneId, ...],
    *,
    max_parallel: int,
    stop_after_failures: int | None,
) -> BulkResult[ControlPlaneId, Upgraded]:
    from k3k_core.lifecycle.upgrade import upgrade

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Upgraded:
        return await upgrade(host, requests[each], progress)

    return bulk.carried_out_on_many(
        session, identities, work, max_parallel=max_parallel, stop_after_failures=stop_after_failures
    )


def _joined(
    first: BulkResult[ControlPlaneId, Upgraded], others: BulkResult[ControlPlaneId, Upgraded]
) -> BulkResult[ControlPlaneId, Upgraded]:
    from k3k_core.lifecycle.bulk import BulkResult

    return BulkResult((*first.outcomes, *others.outcomes), first.elapsed + others.elapsed)


def _document(upgraded: Upgraded) -> dict[str, Any]:
    return {
        "fromVersion": upgraded.from_version,
        "version": upgraded.version,
        "revision": upgraded.revision,
        "changed": upgraded.changed,
        "ready": upgraded.ready,
    }


def _detail(upgraded: Upgraded) -> str:
    if upgraded.from_version != upgraded.version:
        return f"{upgraded.from_version} -> {upgraded.version}, revision {upgraded.revision}"
    return f"{upgraded.version}, revision {upgraded.revision}"
