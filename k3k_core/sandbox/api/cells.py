"""The cells of table rows, per built-in kind, as kube-apiserver prints them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k3k_core.sandbox.api.cell_texts import NONE, UNKNOWN, UNSET, Json, age, age_of, duration, name_of
from k3k_core.sandbox.api.network_cells import (
    endpoint_slice_cells,
    endpoints_cells,
    ingress_cells,
    network_policy_cells,
    service_cells,
)
from k3k_core.sandbox.api.pod_cells import pod_cells
from k3k_core.sandbox.api.workload_cells import (
    budget_cells,
    controller_revision_cells,
    cron_job_cells,
    daemon_set_cells,
    deployment_cells,
    job_cells,
    replica_set_cells,
    stateful_set_cells,
)


def _config_map(obj: Json, now: float) -> list[Any]:
    count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [name_of(obj), count, age_of(obj, now)]


def _secret(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or ()), age_of(obj, now)]


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(modes: Any) -> str:
    present = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in present)


def _claim(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "")
    volume = spec.get("volumeName", "")
    capacity = (status.get("capacity") or {}).get("storage", "") if volume else ""
    modes = _modes(status.get("accessModes")) if volume else ""
    return [
        name_of(obj),
        phase,
        volume,
        capacity,
        modes,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or UNSET,
        age_of(obj, now),
        spec.get("volumeMode", UNSET),
    ]


def _volume(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "")
    reference = spec.get("claimRef")
    claim = f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""
    return [
        name_of(obj),
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        claim,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age_of(obj, now),
        spec.get("volumeMode", UNSET),
    ]


def _storage_class(obj: Json, now: float) -> list[Any]:
    marks = obj["metadata"].get("annotations") or {}
    name = name_of(obj)
    if marks.get("storageclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    return [
        name,
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", ""),
        bool(obj.get("allowVolumeExpansion", False)),
        age_of(obj, now),
    ]


def _plain(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), age_of(obj, now)]


def _dated(obj: Json, now: float) -> list[Any]:
    del now
    return [name_of(obj), obj["metadata"].get("creationTimestamp")]


def _binding(obj: Json, now: float) -> list[Any]:
    subjects = obj.get("subjects") or ()
    users = ", ".join(item["name"] for item in subjects if item.get("kind") == "User")
    groups = ", ".join(item["name"] for item in subjects if item.get("kind") == "Group")
    accounts = ", ".join(
        f"{item.get('namespace', '')}/{item['name']}"
        for item in subjects
        if item.get("kind") == "ServiceAccount"
    )
    reference = obj["roleRef"]
    return [
        name_of(obj),
        f"{reference['kind']}/{reference['name']}",
        age_of(obj, now),
        users,
        groups,
        accounts,
    ]


def _lease(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity", ""), age_of(obj, now)]


def _event(obj: Json, now: float) -> list[Any]:
    about = obj.get("involvedObject") or {}
    series = obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    source = obj.get("source") or {}
    reporter = (obj.get("reportingComponent"), obj.get("reportingInstance"))
    named = (source.get("component"), source.get("host"))
    origin = ", ".join(part for part in (named if source.get("component") else reporter) if part)
    count = series.get("count") or obj.get("count") or 1
    return [
        age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        origin,
        str(obj.get("message", "")).strip(),
        age(first, now),
        count,
        name_of(obj),
    ]


def _namespace(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("status") or {}).get("phase", ""), age_of(obj, now)]


def _node(obj: Json, now: float) -> list[Any]:
    status = obj.get("status") or {}
    conditions = {item["type"]: item.get("status") for item in status.get("conditions") or ()}
    words = [
        {"True": "Ready"}.get(conditions.get("Ready", ""), "NotReady") if "Ready" in conditions else "Unknown"
    ]
    if (obj.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    labels = obj["metadata"].get("labels") or {}
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key[len(prefix) :] for key in labels if key.startswith(prefix))
    info = status.get("nodeInfo") or {}
    addresses = {item["type"]: item["address"] for item in reversed(status.get("addresses") or ())}
    return [
        name_of(obj),
        ",".join(words),
        ",".join(roles) or NONE,
        age_of(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _priority_class(obj: Json, now: float) -> list[Any]:
    return [
        name_of(obj),
        obj.get("value", 0),
        bool(obj.get("globalDefault", False)),
        age_of(obj, now),
        obj.get("preemptionPolicy", ""),
    ]


def _signing_request(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    types = [item["type"] for item in status.get("conditions") or ()]
    state = "Pending"
    if "Denied" in types:
        state = "Denied"
    elif "Approved" in types:
        state = "Approved"
    if "Failed" in types:
        state += ",Failed"
    if status.get("certificate"):
        state += ",Issued"
    seconds = spec.get("expirationSeconds")
    wanted = duration(seconds) if seconds else NONE
    return [
        name_of(obj),
        age_of(obj, now),
        spec.get("signerName", ""),
        spec.get("username", ""),
        wanted,
        state,
    ]


Cells = Callable[[Json, float], list[Any]]
CELLS: dict[str, Cells] = {
    "CertificateSigningRequest": _signing_request,
    "ClusterRole": _dated,
    "ClusterRoleBinding": _binding,
    "ConfigMap": _config_map,
    "ControllerRevision": controller_revision_cells,
    "CronJob": cron_job_cells,
    "DaemonSet": daemon_set_cells,
    "Deployment": deployment_cells,
    "EndpointSlice": endpoint_slice_cells,
    "Endpoints": endpoints_cells,
    "Event": _event,
    "Ingress": ingress_cells,
    "Job": job_cells,
    "Lease": _lease,
    "Namespace": _namespace,
    "NetworkPolicy": network_policy_cells,
    "Node": _node,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "Pod": pod_cells,
    "PodDisruptionBudget": budget_cells,
    "PriorityClass": _priority_class,
    "ReplicaSet": replica_set_cells,
    "Role": _dated,
    "RoleBinding": _binding,
    "Secret": _secret,
    "Service": service_cells,
    "ServiceAccount": _plain,
    "StatefulSet": stateful_set_cells,
    "StorageClass": _storage_class,
}
