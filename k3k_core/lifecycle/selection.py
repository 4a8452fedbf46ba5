"""Which control planes a verb is about that takes several: by namespace and by labels."""

from __future__ import annotations

from datetime import UTC, datetime

from k3k_core.discovery import ControlPlane, list_control_planes
from k3k_core.errors import NotFoundError
from k3k_core.host import HostApi
from k3k_core.label_selector import parse_label_selector
from k3k_core.names import ControlPlaneId


async def select(host: HostApi, *, namespace: str | None, selector: str) -> tuple[ControlPlane, ...]:
    """Return the control planes that k3k may change, by namespace and name.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.
        selector: a label selector as `kubectl get -l` takes it.

    Raises:
        UsageError: the selector is not written so.
        NotFoundError: none has these labels.
        K3kError: the host refuses or does not answer.
    """
    labels = parse_label_selector(selector)
    rows = await list_control_planes(host, namespace=namespace, now=datetime.now(UTC))
    found = tuple(row for row in rows if not row.read_only and labels.matches(row.labels))
    if not found:
        where = f"namespace {namespace}" if namespace is not None else "any namespace"
        raise NotFoundError(
            f"no control plane in {where} of host {host.name} has the labels {selector}",
            hint="`k3k list -A -o json` shows the labels of each.",
        )
    return found


def identity_of(row: ControlPlane) -> ControlPlaneId:
    """Return the identity of a control plane of a list.

    Args:
        row: one of a list.
    """
    return ControlPlaneId(row.namespace, row.name)
