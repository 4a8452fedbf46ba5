"""Deleting objects: preconditions, propagation policies, grace periods, namespaces, CRDs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from k3k_core.resources import POD
from k3k_core.sandbox.api import crds, strategies
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import (
    forbidden,
    invalid,
    not_found,
    precondition_failed,
    unsupported,
)
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.writes import Result

Json = dict[str, Any]

_POLICIES = ("Foreground", "Background", "Orphan")
_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
_PROTECTED_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`meta/v1 DeleteOptions`.

    Attributes:
        policy: propagation policy; None lets the kind decide.
        grace: grace period in seconds; None lets the kind decide.
        uid: refuse when the object has another uid.
        version: refuse when it has another resourceVersion.
        dry_run: store nothing.
    """

    policy: str | None = None
    grace: int | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False


def delete(
    operations: Operations, definition: Definition, namespace: str | None, name: str, options: DeleteOptions
) -> Result:
    """Delete an object, at once or by marking it.

    Returns:
        200 with a Status or the object, whichever the real server answers for this kind and case.
    """
    resource, store = definition.resource, operations.store
    _check_options(options)
    obj = store.get(resource, namespace, name)
    if obj is None:
        raise not_found(resource, name)
    meta = obj["metadata"]
    if options.uid is not None and options.uid != meta["uid"]:
        raise precondition_failed(resource, name, "UID", options.uid, meta["uid"])
    if options.version is not None and options.version != meta["resourceVersion"]:
        raise precondition_failed(resource, name, "ResourceVersion", options.version, meta["resourceVersion"])
    if resource.kind == "Namespace":
        return _delete_namespace(operations, definition, obj, options)
    if resource == crds.CRD:
        gone = "deletionTimestamp" in meta or options.dry_run
        return Result(200, obj if gone else operations.crds.terminate(obj))
    warnings: tuple[str, ...] = ()
    if resource.kind == "Job" and options.policy is None:
        warnings = (_JOB_WARNING,)
    changed = _with_finalizers(definition, obj, options)
    grace = _grace(operations, definition, obj, options)
    if not changed["metadata"].get("finalizers") and grace == 0:
        last = _ended(obj, store) if resource == POD else obj
        if not options.dry_run:
            store.remove(resource, namespace, name)
            operations.crds.after_delete(definition)
        return Result(200, _answer(definition, last), warnings)
    if options.dry_run:
        return Result(200, changed, warnings)
    already = "deletionTimestamp" in meta
    if already and changed == obj and (meta.get("deletionGracePeriodSeconds") or 0) <= grace:
        return Result(200, obj, warnings)
    return Result(200, _mark(operations, definition, changed, grace), warnings)


def _check_options(options: DeleteOptions) -> None:
    if options.policy is not None and options.policy not in _POLICIES:
        error = unsupported("propagationPolicy", options.policy, (*_POLICIES, "nil"))
        raise invalid("meta.k8s.io", "DeleteOptions", "", [error])


def _with_finalizers(definition: Definition, obj: Json, options: DeleteOptions) -> Json:
    """Set the finalizer of the propagation policy, and take away the other one's."""
    changed: Json = clone(obj)
    meta = changed["metadata"]
    old = list(meta.get("finalizers") or ())
    policy = options.policy
    if policy is None:
        present = [name for name, finalizer in _FINALIZERS.items() if finalizer in old]
        policy = present[0] if present else None
        if policy is None and definition.resource.kind in strategies.ORPHANS_BY_DEFAULT:
            policy = "Orphan"
    wanted = _FINALIZERS.get(policy or "")
    finalizers = [item for item in old if item not in _FINALIZERS.values()]
    if wanted:
        finalizers.append(wanted)
    if finalizers != old:
        meta["finalizers"] = finalizers
        if not finalizers:
            del meta["finalizers"]
    return changed


def _grace(operations: Operations, definition: Definition, obj: Json, options: DeleteOptions) -> int:
    """Only pods on a node get time to end; all others are deleted at once."""
    if definition.resource != POD:
        return 0
    spec, status = obj.get("spec", {}), obj.get("status", {})
    if not spec.get("nodeName") or status.get("phase") in {"Failed", "Succeeded"}:
        return 0
    if options.grace is not None:
        return options.grace
    if "deletionGracePeriodSeconds" in obj["metadata"]:
        return int(obj["metadata"]["deletionGracePeriodSeconds"])
    del operations
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _mark(operations: Operations, definition: Definition, changed: Json, grace: int) -> Json:
    """Store finalizers, deletionTimestamp and generation in one write."""
    resource, store = definition.resource, operations.store
    meta = changed["metadata"]
    return store.mark_deleted(
        resource, meta.get("namespace"), meta["name"], grace=grace, finalizers=meta.get("finalizers", [])
    )


def _ended(obj: Json, store: Store) -> Json:
    """Return a pod as it is when its grace period ends at once."""
    gone: Json = clone(obj)
    meta = gone["metadata"]
    began = timestamp(store.now())
    if "deletionTimestamp" in meta:
        grace = timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)
        began = timestamp(datetime.fromisoformat(meta["deletionTimestamp"]) - grace)
    elif "generation" in meta:
        meta["generation"] += 1
    meta |= {"deletionTimestamp": began, "deletionGracePeriodSeconds": 0}
    return gone


def _answer(definition: Definition, obj: Json) -> Json:
    resource = definition.resource
    if not definition.custom and resource.kind in strategies.RETURNS_DELETED:
        return obj
    details = {"name": obj["metadata"]["name"]}
    if resource.group:
        details["group"] = resource.group
    details |= {"kind": resource.plural, "uid": obj["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _delete_namespace(
    operations: Operations, definition: Definition, obj: Json, options: DeleteOptions
) -> Result:
    resource, store, name = definition.resource, operations.store, obj["metadata"]["name"]
    if name in _PROTECTED_NAMESPACES:
        raise forbidden(resource, name, "this namespace may not be deleted")
    if "deletionTimestamp" in obj["metadata"]:
        if obj.get("spec", {}).get("finalizers") or obj["metadata"].get("finalizers"):
            return Result(200, obj)
        if not options.dry_run:
            store.remove(resource, None, name)
        return Result(200, obj)
    if options.dry_run:
        return Result(200, obj)
    return Result(200, store.mark_deleted(resource, None, name, grace=0, phase="Terminating"))
