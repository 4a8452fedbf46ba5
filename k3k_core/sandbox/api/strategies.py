"""What the API server does per kind around a write: normalising, preparing creates and updates, built-in admission."""

from __future__ import annotations

import base64
from typing import Any

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, SERVICE_ACCOUNT, Resource
from k3k_core.sandbox.api import certificates
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import ApiError, forbidden
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

STORAGE_CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
PRIORITY_CLASS = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_NOT_UNCONDITIONAL = frozenset(
    {
        "APIService",
        "CustomResourceDefinition",
        "FlowSchema",
        "Lease",
        "MutatingWebhookConfiguration",
        "PodDisruptionBudget",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "ServiceAccount",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
# Kinds whose immediate deletion is answered with the object instead of a Status.
RETURNS_DELETED = frozenset(
    {
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodTemplate",
        "ResourceQuota",
        "Service",
        "ServiceAccount",
        "StorageClass",
    }
)
# Kinds whose dependents stay when a delete states no policy.
ORPHANS_BY_DEFAULT = frozenset({"Job", "ReplicationController"})


def unconditional_update(definition: Definition) -> bool:
    """Whether a PUT may leave out the resourceVersion."""
    return not definition.custom and definition.resource.kind not in _NOT_UNCONDITIONAL


def namespace_terminating(resource: Resource, name: str, namespace: str) -> ApiError:
    """The refusal of new objects in a namespace that is going away."""
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    detail = f"unable to create new content in namespace {namespace} because it is being terminated"
    return forbidden(resource, name, detail, causes=[cause])


def normalize(kind: str, obj: Json) -> None:
    """Conversions that happen when an object is read."""
    if kind == "Secret" and obj.get("stringData"):
        data = obj.setdefault("data", {})
        for key, value in obj.pop("stringData").items():
            data[key] = base64.b64encode(value.encode()).decode()


def prepare_create(definition: Definition, obj: Json, store: Store, user: Json) -> None:
    """Set what a new object starts with, and drop what clients cannot set."""
    kind = definition.resource.kind
    if definition.custom or "status" in definition.subresources:
        _reset_status(definition, obj)
    if kind == "PersistentVolume":
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": obj["metadata"]["creationTimestamp"]}
    elif kind == "Namespace":
        finalizers = obj.setdefault("spec", {}).setdefault("finalizers", [])
        if "kubernetes" not in finalizers:
            finalizers.append("kubernetes")
    elif kind == "CustomResourceDefinition":
        stored = [v["name"] for v in obj["spec"].get("versions") or () if v.get("storage")]
        obj["status"] = {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": stored,
        }
    elif kind == "CertificateSigningRequest":
        certificates.prepare_create(obj, user)
    elif kind == "ClusterRole" and obj.get("aggregationRule") and not obj.get("rules"):
        # The controller fills them in.
        obj.pop("rules", None)
    elif kind == "Job" and not obj["spec"].get("manualSelector"):
        _job_selector(obj)
    del store


def _job_selector(obj: Json) -> None:
    uid, name = obj["metadata"]["uid"], obj["metadata"].get("name", "")
    labels = obj["spec"]["template"]["metadata"].setdefault("labels", {})
    labels |= {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    obj["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}


def _reset_status(definition: Definition, obj: Json) -> None:
    if "status" in definition.subresources:
        obj.pop("status", None)


def prepare_update(definition: Definition, obj: Json, old: Json, subresource: str, now: str = "") -> None:
    """Take over from the stored object what this operation cannot change.

    Args:
        definition: its resource type.
        obj: as it is to be, changed in place.
        old: as stored.
        subresource: that the request is about, or empty.
        now: the current time, as objects hold it.
    """
    meta, stored = obj["metadata"], old["metadata"]
    for name in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        if name in stored:
            meta[name] = stored[name]
        else:
            meta.pop(name, None)
    meta.pop("selfLink", None)
    meta["resourceVersion"] = stored["resourceVersion"]
    if definition.resource.kind == "CertificateSigningRequest":
        certificates.prepare_update(obj, old, subresource, now)
    elif subresource == "status":
        _keep_all_but_status(definition, obj, old)
    elif "status" in definition.subresources:
        obj.pop("status", None)
        if "status" in old:
            obj["status"] = clone(old["status"])
    if definition.resource.kind == "Namespace" and subresource != "finalize":
        obj.setdefault("spec", {})["finalizers"] = clone(old.get("spec", {}).get("finalizers", []))
        if not obj["spec"]["finalizers"]:
            del obj["spec"]["finalizers"]


def _keep_all_but_status(definition: Definition, obj: Json, old: Json) -> None:
    meta, stored = obj["metadata"], old["metadata"]
    if definition.custom:
        fields = meta.get("managedFields")
        obj["metadata"] = clone(stored)
        obj["metadata"].pop("managedFields", None)
        if fields:
            obj["metadata"]["managedFields"] = fields
    elif "labels" in stored:
        meta["labels"] = stored["labels"]
    else:
        meta.pop("labels", None)
    for name in [name for name in obj if name not in {"metadata", "status", "kind", "apiVersion"}]:
        del obj[name]
    for name, value in old.items():
        if name not in {"metadata", "status"}:
            obj[name] = clone(value)


# Admission plugins that are on by default


def admit(operation: str, definition: Definition, obj: Json, old: Json | None, store: Store) -> list[str]:
    """Run the built-in admission of a kind; returns warnings.

    Raises:
        ApiError: 403.
    """
    resource = definition.resource
    if operation != "CREATE" or old is not None:
        return []
    if resource == POD:
        _admit_pod(obj, store)
    elif resource == PERSISTENT_VOLUME_CLAIM:
        _protect(obj, "kubernetes.io/pvc-protection")
        _default_storage_class(obj, store)
    elif resource.kind == "PersistentVolume":
        _protect(obj, "kubernetes.io/pv-protection")
    elif resource.kind == "CertificateSigningRequest":
        certificates.admit(obj)
    return []


def _protect(obj: Json, finalizer: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def _default_storage_class(obj: Json, store: Store) -> None:
    spec = obj["spec"]
    annotations = obj["metadata"].get("annotations") or {}
    if "storageClassName" in spec or "volume.beta.kubernetes.io/storage-class" in annotations:
        return
    mark = "storageclass.kubernetes.io/is-default-class"
    classes = [
        item
        for item in store.list(STORAGE_CLASS)
        if (item["metadata"].get("annotations") or {}).get(mark) == "true"
    ]
    if classes:
        newest = max(
            classes, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"])
        )
        spec["storageClassName"] = newest["metadata"]["name"]


def _admit_pod(obj: Json, store: Store) -> None:
    spec, meta = obj["spec"], obj["metadata"]
    _priority(obj, store)
    _tolerations(spec)
    account = spec.get("serviceAccountName") or "default"
    found = store.get(SERVICE_ACCOUNT, meta.get("namespace"), account)
    if found is None:
        where = f"{meta.get('namespace')}/{account}"
        detail = f'error looking up service account {where}: serviceaccount "{account}" not found'
        raise forbidden(POD, meta.get("name", ""), detail)
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    if found.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = clone(found["imagePullSecrets"])
    wanted = spec.get("automountServiceAccountToken", found.get("automountServiceAccountToken"))
    if wanted is not False:
        _mount_token(obj)


def _priority(obj: Json, store: Store) -> None:
    spec, meta = obj["spec"], obj["metadata"]
    name = spec.get("priorityClassName")
    if name:
        builtin = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
        found = store.get(PRIORITY_CLASS, None, name)
        if found is None and name not in builtin:
            raise forbidden(POD, meta.get("name", ""), f"no PriorityClass with name {name} was found")
        spec["priority"] = found["value"] if found else builtin[name]
        spec["preemptionPolicy"] = (found or {}).get("preemptionPolicy", "PreemptLowerPriority")
    else:
        spec.setdefault("priority", 0)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _tolerations(spec: Json) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        covered = any(
            item.get("key", key) == key and item.get("effect", "NoExecute") == "NoExecute"
            for item in tolerations
        )
        if not covered:
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )


def _mount_token(obj: Json) -> None:
    spec = obj["spec"]
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    volume = next(
        (item["name"] for item in spec.get("volumes") or () if item["name"].startswith("kube-api-access-")),
        None,
    )
    missing = [
        container
        for container in containers
        if not any(mount.get("mountPath") == _ACCOUNT_PATH for mount in container.get("volumeMounts") or ())
    ]
    if not missing:
        return
    if volume is None:
        volume = f"kube-api-access-{_suffix(obj['metadata'].get('uid', ''))}"
        spec.setdefault("volumes", []).append({"name": volume, "projected": _token_sources()})
    for container in missing:
        container.setdefault("volumeMounts", []).append(
            {"name": volume, "readOnly": True, "mountPath": _ACCOUNT_PATH}
        )


def _suffix(uid: str) -> str:
    letters = "bcdfghjklmnpqrstvwxz2456789"
    digits = uid.replace("-", "") or "0"
    number = int(digits, 16)
    return "".join(letters[(number >> (7 * shift)) % len(letters)] for shift in range(5))


def _token_sources() -> Json:
    """What the recorded server projects, the CA bundle of its distribution included."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
            {
                "configMap": {
                    "name": "openshift-service-ca.crt",
                    "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}],
                }
            },
        ],
        "defaultMode": 420,
    }


# Scale


def scale_of(definition: Definition, obj: Json, custom: Any) -> Json:
    """Return the `autoscaling/v1` Scale of an object with a scale subresource."""
    meta = {
        key: obj["metadata"][key]
        for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if key in obj["metadata"]
    }
    if definition.custom:
        spec_path, status_path, selector_path = custom.scale_paths(definition.resource)
        wanted, current = dig(obj, spec_path), dig(obj, status_path)
        selector = dig(obj, selector_path) if selector_path else ""
    else:
        wanted, current = obj.get("spec", {}).get("replicas"), obj.get("status", {}).get("replicas")
        selector = selector_text(obj.get("spec", {}).get("selector") or {})
    spec = {"replicas": wanted} if wanted else {}
    status: Json = {"replicas": current or 0}
    if selector:
        status["selector"] = selector
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}


def dig(obj: Any, path: str) -> Any:
    """Return the value at a simple JSON path such as `.spec.replicas`."""
    for part in path.strip(".").split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def selector_text(selector: Json) -> str:
    """Write a label selector as text, e.g. `app=a,tier in (x,y)`."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for item in selector.get("matchExpressions") or ():
        key, operator = item["key"], item["operator"]
        values = ",".join(sorted(item.get("values") or ()))
        text = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }[operator]
        parts.append((key, text))
    return ",".join(text for _, text in sorted(parts))
