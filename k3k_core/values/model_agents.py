"""The values of agents that run as pods of the host."""

from __future__ import annotations

from pydantic import Field

from k3k_core.values import fields as f
from k3k_core.values.block import Block


class Agents(Block):
    """Agents as pods of the host cluster. Off by default: they are privileged, and nothing else of k3k is."""

    replicas: f.Count = Field(
        default=0,
        description="Number of agents. More than 0 needs `allow_privileged`.",
    )
    allow_privileged: bool = Field(
        default=False,
        description="Whether privileged pods are wanted: an agent runs containers, and who runs pods on it can take "
        "over the node of the host it is on. Give agents a node pool of their own.",
    )
    node_selector: dict[f.QualifiedName, f.LabelValue] = Field(
        default_factory=dict,
        description="Labels that a node of the host must have.",
        examples=[{"node-pool": "k3k-agents"}],
    )
