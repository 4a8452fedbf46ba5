"""The `k3k` command that does what an operation does."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from k3k_tui.services import Services

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


def arguments(services: Services, key: FleetKey, verb: str, *rest: str) -> tuple[str, ...]:
    """Return the arguments of `k3k` for a verb on one control plane.

    Args:
        services: of the dashboard.
        key: the control plane.
        verb: of the command, one word or two.
        rest: what follows.
    """
    options = services.hosts.get(key.host)
    made = [*verb.split(), key.name, "-n", key.namespace]
    if options is not None and options.context:
        made += ["--context", options.context]
    if options is not None and options.kubeconfig:
        made += ["--kubeconfig", options.kubeconfig]
    return (*made, *rest)


def command(services: Services, key: FleetKey, verb: str, *rest: str) -> str:
    """Return the command line for a shell; see `arguments`.

    Args:
        services: of the dashboard.
        key: the control plane.
        verb: of the command.
        rest: what follows.
    """
    return shlex.join(("k3k", *arguments(services, key, verb, *rest)))


def label(key: FleetKey) -> str:
    """Return how a control plane is named where several hosts are about.

    Args:
        key: the control plane.
    """
    return f"{key.host}/{key.namespace}/{key.name}"
