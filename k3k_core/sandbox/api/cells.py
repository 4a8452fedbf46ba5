"""The cells of table rows, per built-in kind, as kube-apiserver prints them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from k3k_core.sandbox.api.strategies import selector_text

Json = dict[str, Any]

_NONE = "<none>"
_UNKNOWN = "<unknown>"
_UNSET = "<unset>"


def duration(seconds: float) -> str:
    """Write a duration the way kubectl does: 59s, 2m5s, 3h10m, 2d, 1y20d."""
    if seconds < -1:
        return "<invalid>"
    total = max(int(seconds), 0)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days % 365 and days < 2920 else f"{days // 365}y"


def seconds_of(text: str) -> float:
    """Read an RFC 3339 time as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def age(text: str | None, now: float) -> str:
    """Return the time since a timestamp."""
    return duration(now - seconds_of(text)) if text else _UNKNOWN


def _name(obj: Json) -> str:
    return str(obj["metadata"].get("name", ""))


def _created(obj: Json, now: float) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _containers(spec: Json) -> tuple[str, str]:
    items = spec.get("containers") or ()
    return ",".join(item["name"] for item in items), ",".join(item.get("image", "") for item in items)


def _template(obj: Json) -> tuple[str, str]:
    return _containers(obj["spec"]["template"].get("spec") or {})


def _selector(selector: Json | None) -> str:
    return selector_text(selector) or _NONE if selector else _NONE


def _config_map(obj: Json, now: float) -> list[Any]:
    count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [_name(obj), count, _created(obj, now)]


def _secret(obj: Json, now: float) -> list[Any]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or ()), _created(obj, now)]


def _service(obj: Json, now: float) -> list[Any]:
    spec = obj["spec"]
    address = spec.get("clusterIP") or _NONE
    return [
        _name(obj),
        spec.get("type", ""),
        address,
        _external(obj),
        _service_ports(spec.get("ports") or ()) or _NONE,
        _created(obj, now),
        _selector(spec.get("selector")),
    ]


def _external(obj: Json) -> str:
    spec = obj["spec"]
    given = spec.get("externalIPs") or []
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind != "LoadBalancer":
        return ",".join(given) or _NONE
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    found = sorted({entry.get("ip") or entry.get("hostname") or "" for entry in entries})
    return ",".join([*found, *given]) or "<pending>"


def _service_ports(ports: Any) -> str:
    parts = []
    for port in ports:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port['port']}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(parts)


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
        _name(obj),
        phase,
        volume,
        capacity,
        modes,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or _UNSET,
        _created(obj, now),
        spec.get("volumeMode", _UNSET),
    ]


def _volume(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "")
    reference = spec.get("claimRef")
    claim = f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""
    return [
        _name(obj),
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        claim,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or _UNSET,
        status.get("reason", ""),
        _created(obj, now),
        spec.get("volumeMode", _UNSET),
    ]


def _storage_class(obj: Json, now: float) -> list[Any]:
    marks = obj["metadata"].get("annotations") or {}
    name = _name(obj)
    if marks.get("storageclass.kubernetes.io/is-default-class") == "true":
        name += " (default)"
    return [
        name,
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", ""),
        bool(obj.get("allowVolumeExpansion", False)),
        _created(obj, now),
    ]


def _stateful_set(obj: Json, now: float) -> list[Any]:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return [_name(obj), f"{ready}/{obj['spec'].get('replicas', 0)}", _created(obj, now), *_template(obj)]


def _deployment(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        _name(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        _created(obj, now),
        *_template(obj),
        _selector(spec.get("selector")),
    ]


def _replica_set(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        _name(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        _created(obj, now),
        *_template(obj),
        _selector(spec.get("selector")),
    ]


def _daemon_set(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        _name(obj),
        *(status.get(name, 0) for name in names),
        _selector(spec["template"].get("spec", {}).get("nodeSelector")),
        _created(obj, now),
        *_template(obj),
        _selector(spec.get("selector")),
    ]


def _job(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    wanted = spec.get("completions")
    done = (
        f"{status.get('succeeded', 0)}/{wanted}" if wanted is not None else f"{status.get('succeeded', 0)}/1"
    )
    start, end = status.get("startTime"), status.get("completionTime")
    took = duration((seconds_of(end) if end else now) - seconds_of(start)) if start else ""
    true = {item["type"] for item in status.get("conditions") or () if item.get("status") == "True"}
    state = "Running"
    for condition, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        if condition in true:
            state = word
            break
    return [
        _name(obj),
        state,
        done,
        took,
        _created(obj, now),
        *_template(obj),
        _selector(spec.get("selector")),
    ]


# Pods


def _pod(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for item in statuses if item.get("ready") and "running" in (item.get("state") or {}))
    gates = spec.get("readinessGates") or ()
    return [
        _name(obj),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(obj),
        _restarts(statuses, now),
        _created(obj, now),
        status.get("podIP") or _NONE,
        spec.get("nodeName") or _NONE,
        status.get("nominatedNodeName") or _NONE,
        _gates(gates, status) if gates else _NONE,
    ]


def _gates(gates: Any, status: Json) -> str:
    conditions = {item["type"]: item.get("status") for item in status.get("conditions") or ()}
    passed = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    return f"{passed}/{len(gates)}"


def _restarts(statuses: list[Json], now: float) -> str:
    count = sum(item.get("restartCount", 0) for item in statuses)
    ends = [
        (item.get("lastState") or {}).get("terminated", {}).get("finishedAt")
        for item in statuses
        if (item.get("lastState") or {}).get("terminated")
    ]
    times = [end for end in ends if end]
    if count and times:
        return f"{count} ({age(max(times), now)} ago)"
    return str(count)


def pod_reason(obj: Json) -> str:
    """Return the word kubectl shows for a pod's state."""
    status, meta = obj.get("status") or {}, obj["metadata"]
    reason = status.get("reason") or status.get("phase", "")
    for gate in obj["spec"].get("schedulingGates") or ():
        if gate:
            reason = "SchedulingGated"
    reason = _initializing(obj, status) or _container_reason(status, reason)
    if "deletionTimestamp" in meta and status.get("reason") == "NodeLost":
        return "Unknown"
    if "deletionTimestamp" in meta and status.get("phase") not in {"Failed", "Succeeded"}:
        return "Terminating"
    return str(reason)


def _initializing(obj: Json, status: Json) -> str:
    total = len(obj["spec"].get("initContainers") or ())
    for position, item in enumerate(status.get("initContainerStatuses") or ()):
        state = item.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        waiting = (state.get("waiting") or {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{position}/{total}"
    return ""


def _container_reason(status: Json, reason: str) -> str:
    running = False
    for item in reversed(status.get("containerStatuses") or ()):
        state = item.get("state") or {}
        waiting, ended = (state.get("waiting") or {}).get("reason"), state.get("terminated")
        if waiting:
            reason = waiting
        elif ended is not None and ended.get("reason"):
            reason = ended["reason"]
        elif ended is not None:
            signal = ended.get("signal")
            reason = f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"
        elif item.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(
            item["type"] == "Ready" and item.get("status") == "True"
            for item in status.get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return reason


# Others


def _budget(obj: Json, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        _name(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        status.get("disruptionsAllowed", 0),
        _created(obj, now),
    ]


def _network_policy(obj: Json, now: float) -> list[Any]:
    return [_name(obj), _selector(obj["spec"].get("podSelector")), _created(obj, now)]


def _ingress(obj: Json, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    shown = ",".join(hosts[:3]) + (f" + {len(hosts) - 3} more..." if len(hosts) > 3 else "")
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = ",".join(entry.get("ip") or entry.get("hostname") or "" for entry in entries)
    ports = "80, 443" if spec.get("tls") else "80"
    name = spec.get("ingressClassName") or _NONE
    return [_name(obj), name, shown or "*", addresses, ports, _created(obj, now)]


def _plain(obj: Json, now: float) -> list[Any]:
    return [_name(obj), _created(obj, now)]


def _dated(obj: Json, now: float) -> list[Any]:
    del now
    return [_name(obj), obj["metadata"].get("creationTimestamp")]


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
        _name(obj),
        f"{reference['kind']}/{reference['name']}",
        _created(obj, now),
        users,
        groups,
        accounts,
    ]


def _lease(obj: Json, now: float) -> list[Any]:
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _created(obj, now)]


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
        _name(obj),
    ]


def _namespace(obj: Json, now: float) -> list[Any]:
    return [_name(obj), (obj.get("status") or {}).get("phase", ""), _created(obj, now)]


def _controller_revision(obj: Json, now: float) -> list[Any]:
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((item for item in owners if item.get("controller")), None)
    shown = _NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        kind = owner["kind"].lower()
        shown = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return [_name(obj), shown, obj.get("revision", 0), _created(obj, now)]


def _endpoint_slice(obj: Json, now: float) -> list[Any]:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [address for item in obj.get("endpoints") or () for address in item.get("addresses") or ()]
    shown = [
        f"{','.join(items[:3])} + {len(items) - 3} more..." if len(items) > 3 else ",".join(items)
        for items in (ports, addresses)
    ]
    return [
        _name(obj),
        obj.get("addressType", ""),
        shown[0] or _UNSET,
        shown[1] or _UNSET,
        _created(obj, now),
    ]


def _endpoints(obj: Json, now: float) -> list[Any]:
    pairs: list[str] = []
    for subset in obj.get("subsets") or ():
        ports = [port.get("port") for port in subset.get("ports") or ()]
        for address in subset.get("addresses") or ():
            pairs += [f"{address['ip']}:{port}" for port in ports] or [address["ip"]]
    shown = ",".join(pairs[:3]) + (f" + {len(pairs) - 3} more..." if len(pairs) > 3 else "")
    return [_name(obj), shown or _NONE, _created(obj, now)]


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
        _name(obj),
        ",".join(words),
        ",".join(roles) or _NONE,
        _created(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", _NONE),
        addresses.get("ExternalIP", _NONE),
        info.get("osImage") or _UNKNOWN,
        info.get("kernelVersion") or _UNKNOWN,
        info.get("containerRuntimeVersion") or _UNKNOWN,
    ]


def _priority_class(obj: Json, now: float) -> list[Any]:
    return [
        _name(obj),
        obj.get("value", 0),
        bool(obj.get("globalDefault", False)),
        _created(obj, now),
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
    wanted = duration(seconds) if seconds else _NONE
    return [
        _name(obj),
        _created(obj, now),
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
    "ControllerRevision": _controller_revision,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "EndpointSlice": _endpoint_slice,
    "Endpoints": _endpoints,
    "Event": _event,
    "Ingress": _ingress,
    "Job": _job,
    "Lease": _lease,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "Node": _node,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "PodDisruptionBudget": _budget,
    "PriorityClass": _priority_class,
    "ReplicaSet": _replica_set,
    "Role": _dated,
    "RoleBinding": _binding,
    "Secret": _secret,
    "Service": _service,
    "ServiceAccount": _plain,
    "StatefulSet": _stateful_set,
    "StorageClass": _storage_class,
}
