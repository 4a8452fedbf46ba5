"""The scale subresource: one number of an object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k3k_core.sandbox.api import managedfields, strategies
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import (
    conflict,
    invalid,
    invalid_value,
)
from k3k_core.sandbox.api.writes import Options, Result

Json = dict[str, Any]


def scale(operations: Operations, definition: Definition, namespace: str | None, name: str) -> Json:
    """Return the Scale of an object."""
    return strategies.scale_of(definition, operations.get(definition, namespace, name), operations.crds)


def set_scale(
    operations: Operations,
    definition: Definition,
    namespace: str | None,
    name: str,
    scale: Json,
    options: Options,
) -> Result:
    """Set the wanted number of replicas through the scale subresource."""
    old = operations.get(definition, namespace, name)
    given = scale.get("metadata", {}).get("resourceVersion")
    if given and given != old["metadata"]["resourceVersion"]:
        raise conflict(definition.resource, name)
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        error = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("autoscaling", "Scale", name, [error])
    obj = clone(old)
    path = operations.crds.scale_paths(definition.resource)[0] if definition.custom else ".spec.replicas"
    *parents, last = path.strip(".").split(".")
    target = obj
    for part in parents:
        target = target.setdefault(part, {})
    target[last] = replicas
    managedfields.update(
        operations.objects.type_of(definition),
        old,
        obj,
        # What is written through a Scale is noted without a time.
        replace(operations.writer(definition, options), subresource="scale", now=""),
    )
    if not replicas:
        # A Scale leaves out a zero, so nobody owns it.
        key = (options.manager, "Update", definition.resource.api_version, "scale")
        entries = managedfields.decode(obj)
        entries.pop(key, None)
        obj["metadata"]["managedFields"] = managedfields.encode(entries)
    operations.validate(definition, obj, old)
    stored = obj if options.dry_run else operations.store.update(definition.resource, obj)
    return Result(200, strategies.scale_of(definition, stored, operations.crds))
