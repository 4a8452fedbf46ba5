"""The values of agents that run as pods of the host."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from k3k_core.values import fields as f
from k3k_core.values.block import Block


class AgentRequests(Block):
    """What the host sets aside for each agent and the pods that run in it."""

    cpu: f.Cpu = Field(default="250m", description="Cores set aside for each agent.")
    memory: f.Size = Field(default="512Mi", description="Memory set aside for each agent.")


class AgentToleration(Block):
    """One toleration, as in a pod."""

    key: f.OptionalQualifiedName = Field(default="", description="Key of the taint. Empty, with Exists: all.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How to compare.")
    value: f.LabelValue = Field(default="", description="Value of the taint, only with Equal.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="Effect of the taint. Empty: every effect."
    )


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
        description="Labels that a node of the host must have; instead of those in `scheduling`.",
        examples=[{"node-pool": "k3k-agents"}],
    )
    tolerations: list[AgentToleration] = Field(
        default_factory=list,
        description="Taints of the host's nodes that do not matter; instead of those in `scheduling`.",
        examples=[[{"key": "k3k-agents", "operator": "Exists"}]],
    )
    requests: AgentRequests = Field(default_factory=AgentRequests)
