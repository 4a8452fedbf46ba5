"""How the control plane sits in the host cluster: Service, resources, scheduling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.amounts import parse_quantity
from k3k_core.values.rules.rule import Finding, Given, error, rule, warning

if TYPE_CHECKING:
    from k3k_core.values.model import Values

# An idle server takes 380-454 MiB just after its start.
_MEMORY_AT_WORK = "512Mi"


@rule("service", "loadbalancer.enabled")
def _service_or_load_balancer(values: Values, given: Given) -> Iterator[Finding]:
    if values.service.node_port is not None and values.service.type != "NodePort":
        yield error(
            "service.node_port",
            f"a Service of type {values.service.type} has no port on the nodes",
            "set `service.type: NodePort`, or take `node_port` out",
        )
    if values.loadbalancer.enabled and given.has("service"):
        yield warning(
            "service",
            "has no effect, for `loadbalancer.enabled` is true",
            "set `loadbalancer.enabled: false`, or take the block out",
        )


@rule("loadbalancer")
def _unused_load_balancer(values: Values, _: Given) -> Iterator[Finding]:
    balancer = values.loadbalancer
    if balancer.enabled:
        return
    for name in ("class_name", "ip", "source_ranges"):
        if getattr(balancer, name):
            yield warning(
                f"loadbalancer.{name}",
                "has no effect, for `loadbalancer.enabled` is false",
                "set `loadbalancer.enabled: true`, or take it out",
            )


@rule("resources")
def _limits_below_requests(values: Values, given: Given) -> Iterator[Finding]:
    for name in ("cpu", "memory"):
        limit = getattr(values.resources.limits, name)
        request = getattr(values.resources.requests, name)
        if limit is not None and parse_quantity(limit) < parse_quantity(request):
            origin = "" if given.has(f"resources.requests.{name}") else ", its default"
            yield error(
                f"resources.limits.{name}",
                f"{limit} is less than `resources.requests.{name}`, {request}{origin}",
                f"raise the limit to {request} or more, or lower the request",
            )


@rule("resources.limits.memory")
def _little_memory(values: Values, _: Given) -> Iterator[Finding]:
    limit = values.resources.limits.memory
    if limit is not None and parse_quantity(limit) < parse_quantity(_MEMORY_AT_WORK):
        yield warning(
            "resources.limits.memory",
            f"{limit} is less than a server takes: it would be killed again and again",
            f"use {_MEMORY_AT_WORK} or more",
        )


@rule("scheduling.tolerations")
def _tolerations(values: Values, _: Given) -> Iterator[Finding]:
    for index, one in enumerate(values.scheduling.tolerations):
        path = f"scheduling.tolerations[{index}]"
        if not one.key and one.operator != "Exists":
            yield error(path, "has no key", "give `key`, or `operator: Exists` to tolerate every taint")
        if one.operator == "Exists" and one.value:
            yield error(
                f"{path}.value", "has no meaning with `operator: Exists`", "take `value` or `operator` out"
            )
        if one.toleration_seconds is not None and one.effect != "NoExecute":
            yield error(
                f"{path}.toleration_seconds",
                "has a meaning only with `effect: NoExecute`",
                "set `effect: NoExecute`, or take it out",
            )
