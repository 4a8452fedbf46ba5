"""Agents as pods: only when privileges are asked for by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.rules.rule import Finding, Given, error, rule, warning

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@rule("agents")
def _privileges(values: Values, _: Given) -> Iterator[Finding]:
    agents = values.agents
    if not agents.replicas:
        if agents.allow_privileged:
            yield warning(
                "agents.allow_privileged",
                "has no effect, for `agents.replicas` is 0",
                "set `agents.replicas`, or take it out",
            )
        return
    if not agents.allow_privileged:
        yield error(
            "agents.replicas",
            "agents are privileged pods: whoever runs pods on one can take over the node of the host it is on",
            "set `agents.allow_privileged: true` if that is wanted, or take `agents` out and use `k3k join`",
        )
        return
    own = "" if agents.node_selector else ", and `agents.node_selector` keeps them off no node"
    yield warning(
        "agents.allow_privileged",
        f"PRIVILEGED PODS: {agents.replicas} agent{'s' if agents.replicas != 1 else ''} will run as root with all "
        f"rights over their nodes of the host{own}",
        "give them nodes of their own with `agents.node_selector` and a taint",
    )


@rule("agents.replicas", "k3s.disable")
def _network(values: Values, _: Given) -> Iterator[Finding]:
    if values.agents.replicas and values.k3s.disable.flannel:
        yield warning(
            "k3s.disable.flannel",
            "agents stay NotReady until somebody installs a network (CNI) for their pods",
            "set `k3s.disable.flannel: false`, or install one",
        )
