"""Reading objects of built-in kinds: strict field checks, and their canonical form.

The real server decodes an object into Go structs and encodes it again; empty values that Go leaves out are
left out here too, and structs that Go always writes are always there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from k3k_core.sandbox.api import quantities
from k3k_core.sandbox.api.bodies import json_kind
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.schema import Type
from k3k_core.sandbox.api.statuses import bad_request

Json = dict[str, Any]

# Strings that are pointers in Go: an empty one means something else than none.
_POINTER_STRINGS = frozenset(
    {
        "storageClassName",
        "runtimeClassName",
        "ingressClassName",
        "volumeAttributesClassName",
        "trafficDistribution",
    }
)
# Fields Go writes even when empty.
_KEPT_EMPTY = frozenset(
    {
        ("Condition", "message"),
        ("Condition", "reason"),
        ("ContainerStatus", "image"),
        ("ContainerStatus", "imageID"),
        ("ContainerStatus", "restartCount"),
        ("ContainerStatus", "ready"),
        ("StatefulSetStatus", "replicas"),
        ("StatefulSetStatus", "availableReplicas"),
        ("ReplicaSetStatus", "replicas"),
        ("PriorityClass", "value"),
        ("HostPathVolumeSource", "type"),
        ("VolumeMount", "mountPath"),
        ("EnvVar", "name"),
        ("Container", "name"),
        ("ObjectMeta", "name"),
    }
)
# Numbers and booleans that are plain values (not pointers) in Go: zero is left out.
_VALUE_FIELDS = frozenset(
    {
        "availableReplicas",
        "containerID",
        "count",
        "currentReplicas",
        "failed",
        "failureThreshold",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostPort",
        "initialDelaySeconds",
        "minReadySeconds",
        "nodePort",
        "observedGeneration",
        "paused",
        "periodSeconds",
        "publishNotReadyAddresses",
        "readOnly",
        "readyReplicas",
        "restartPolicyRules",
        "stdin",
        "stdinOnce",
        "successThreshold",
        "timeoutSeconds",
        "tty",
        "unavailableReplicas",
        "unschedulable",
        "updatedReplicas",
    }
)
_POINTER_INSTEAD = frozenset({("ClientIPConfig", "timeoutSeconds")})
_GO_SCALARS = {"str": "string", "int": "int32", "bool": "bool", "float": "float64", "bytes": "[]uint8"}
_INT64 = frozenset(
    {
        "activeDeadlineSeconds",
        "deletionGracePeriodSeconds",
        "expirationSeconds",
        "fsGroup",
        "generation",
        "gracePeriodSeconds",
        "observedGeneration",
        "revision",
        "runAsGroup",
        "runAsUser",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
    }
)

# Lists Go writes even when they are empty.
_KEPT_LISTS = frozenset(
    {
        ("ClusterRole", "rules"),
        ("EndpointSlice", "endpoints"),
        ("LimitRangeSpec", "limits"),
        ("PodSpec", "containers"),
        ("PolicyRule", "verbs"),
        ("Role", "rules"),
    }
)
# Fields Go always writes in structs that lie deeper inside an object.
_TIMES: Json = {"lastTransitionTime": None}
_ALWAYS: dict[str, Json] = {
    "Condition": _TIMES,
    "ContainerStatus": {
        "state": {},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": "",
        "imageID": "",
    },
    "CustomResourceDefinitionCondition": _TIMES,
    "DeploymentCondition": {"lastUpdateTime": None, **_TIMES},
    "JobCondition": {"lastProbeTime": None, **_TIMES},
    "NamespaceCondition": _TIMES,
    "NodeCondition": {"lastHeartbeatTime": None, **_TIMES},
    "PersistentVolumeClaimCondition": {"lastProbeTime": None, **_TIMES},
    "PodCondition": {"lastProbeTime": None, **_TIMES},
    "ReplicaSetCondition": _TIMES,
    "StatefulSetCondition": _TIMES,
}

_POD = {"metadata": {}, "spec": {"containers": None}}
_EMPTY: dict[str, Json] = {
    "Namespace": {"spec": {}, "status": {}},
    "Pod": {"spec": {"containers": None}, "status": {}},
    "Service": {"spec": {}, "status": {"loadBalancer": {}}},
    "Node": {
        "spec": {},
        "status": {
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": dict.fromkeys(
                (
                    "machineID",
                    "systemUUID",
                    "bootID",
                    "kernelVersion",
                    "osImage",
                    "containerRuntimeVersion",
                    "kubeletVersion",
                    "kubeProxyVersion",
                    "operatingSystem",
                    "architecture",
                ),
                "",
            ),
        },
    },
    "PersistentVolume": {"spec": {}, "status": {}},
    "PersistentVolumeClaim": {"spec": {"resources": {}}, "status": {}},
    "ReplicationController": {"spec": {}, "status": {"replicas": 0}},
    "ResourceQuota": {"spec": {}, "status": {}},
    "LimitRange": {"spec": {"limits": None}},
    "Event": {
        "involvedObject": {},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "StatefulSet": {
        "spec": {"selector": None, "template": _POD, "updateStrategy": {}},
        "status": {"replicas": 0, "availableReplicas": 0},
    },
    "Deployment": {"spec": {"selector": None, "template": _POD, "strategy": {}}, "status": {}},
    "ReplicaSet": {"spec": {"selector": None, "template": _POD}, "status": {"replicas": 0}},
    "DaemonSet": {
        "spec": {"selector": None, "template": _POD, "updateStrategy": {}},
        "status": {
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        },
    },
    "Job": {"spec": {"template": _POD}, "status": {}},
    "CronJob": {
        "spec": {"schedule": "", "jobTemplate": {"metadata": {}, "spec": {"template": _POD}}},
        "status": {},
    },
    "ControllerRevision": {"revision": 0},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
    "Ingress": {"spec": {}, "status": {"loadBalancer": {}}},
    "IngressClass": {"spec": {}},
    "PodDisruptionBudget": {
        "spec": {},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    },
    "Role": {"rules": None},
    "ClusterRole": {"rules": None},
    "RoleBinding": {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    "ClusterRoleBinding": {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    "Lease": {"spec": {}},
    "StorageClass": {"provisioner": ""},
    "PriorityClass": {"value": 0},
    "CertificateSigningRequest": {"spec": {"request": None, "signerName": ""}, "status": {}},
    "CustomResourceDefinition": {
        "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": None},
        "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
    },
    "EndpointSlice": {"addressType": "", "endpoints": None, "ports": None},
    "HorizontalPodAutoscaler": {
        "spec": {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0},
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    },
    "APIService": {"spec": {"groupPriorityMinimum": 0, "versionPriority": 0}, "status": {}},
    "TokenRequest": {
        "spec": {"audiences": None, "expirationSeconds": None, "boundObjectRef": None},
        "status": {"token": "", "expirationTimestamp": None},
    },
    "SelfSubjectAccessReview": {"spec": {}, "status": {"allowed": False}},
    "SubjectAccessReview": {"spec": {}, "status": {"allowed": False}},
    "LocalSubjectAccessReview": {"spec": {}, "status": {"allowed": False}},
    "SelfSubjectReview": {"status": {"userInfo": {}}},
    "TokenReview": {"spec": {}, "status": {"user": {}}},
    "Scale": {"spec": {}, "status": {"replicas": 0}},
}


class StrictError(Exception):
    """The body holds fields the type does not have; `problems` words each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


def canonical(kind: Type, value: Json, *, name: str) -> tuple[Json, list[str]]:
    """Read an object of a built-in type as Go would.

    Args:
        kind: its type.
        value: the object as sent.
        name: kind, for errors.

    Returns:
        The object without unknown and empty fields, and the unknown fields as strict reading words them.

    Raises:
        ApiError: 400, a value of the wrong JSON type.
    """
    unknown: list[str] = []
    result = _struct(kind, value, "", unknown, name)
    return result, unknown


def _struct(kind: Type, value: Json, path: str, unknown: list[str], root: str) -> Json:
    result: Json = {}
    fields = kind.fields
    for key, item in value.items():
        child = fields.get(key)
        where = f"{path}.{key}" if path else key
        if child is None:
            unknown.append(f'unknown field "{where}"')
            continue
        if item is None:
            continue
        read = _value(child, item, where, unknown, root, kind.name)
        if _omitted(child, read, key, kind.name):
            continue
        result[key] = read
    for key, zero in _ALWAYS.get(kind.name, {}).items():
        if key not in result:
            result[key] = clone(zero)
    return result


def _omitted(kind: Type, value: Any, key: str, owner: str) -> bool:
    """Whether Go leaves a field out because it holds the zero value of a non-pointer type."""
    if (owner, key) in _KEPT_EMPTY:
        return False
    if kind.kind in {"list", "map"}:
        return not value and (owner, key) not in _KEPT_LISTS
    if kind.kind != "scalar":
        return False
    if value == "" and isinstance(value, str):
        return key not in _POINTER_STRINGS
    if value in (0, False):
        return key in _VALUE_FIELDS and (owner, key) not in _POINTER_INSTEAD
    return False


def _value(kind: Type, value: Any, path: str, unknown: list[str], root: str, owner: str) -> Any:
    if kind.kind == "any":
        return clone(value)
    if kind.kind == "struct":
        if not isinstance(value, dict):
            raise _type_error(value, path, root, owner, f"v1.{kind.name}")
        return _struct(kind, value, path, unknown, root)
    if kind.kind == "map":
        if not isinstance(value, dict):
            raise _type_error(value, path, root, owner, "map[string]string")
        element = kind.element
        return {
            key: _value(element, item, path, unknown, root, owner) if item is not None else ""
            for key, item in value.items()
        }
    if kind.kind == "list":
        if not isinstance(value, list):
            element = kind.element
            shown = f"v1.{element.name}" if element.name else _GO_SCALARS.get(element.scalar, "string")
            raise _type_error(value, path, root, owner, f"[]{shown}")
        return [
            _value(kind.element, item, f"{path}[{position}]", unknown, root, owner)
            for position, item in enumerate(value)
        ]
    return _scalar(kind, value, path, root, owner)


def _scalar(kind: Type, value: Any, path: str, root: str, owner: str) -> Any:
    if isinstance(value, str) and kind.scalar == "datetime":
        return _time(value, path, root)
    if isinstance(value, str) and kind.scalar == "str":
        return value
    if kind.scalar == "int-or-string" and isinstance(value, (str, int)) and not isinstance(value, bool):
        return value
    if kind.scalar == "bool" and isinstance(value, bool):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.scalar == "float" and number:
        return value
    if kind.scalar == "int" and number and value == int(value):
        return int(value)
    if kind.scalar == "quantity" and (number or isinstance(value, str)):
        return _quantity(str(value), root)
    if kind.scalar == "bytes" and isinstance(value, str):
        _check_base64(value, root)
        return value
    field = path.rpartition(".")[2].partition("[")[0]
    expected = "int64" if kind.scalar == "int" and field in _INT64 else _GO_SCALARS.get(kind.scalar, "string")
    raise _type_error(value, path, root, owner, expected)


_MICRO_TIMES = frozenset({"acquireTime", "eventTime", "lastObservedTime", "renewTime"})


def _time(text: str, path: str, root: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        micro = ".000000" if path.rpartition(".")[2] in _MICRO_TIMES else ""
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: parsing time "{text}" as '
            f'"2006-01-02T15:04:05{micro}Z07:00": cannot parse "{text}" as "2006"'
        ) from None
    return text


def _quantity(text: str, root: str) -> str:
    try:
        return quantities.canonical(text.strip())
    except ValueError:
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: quantities must match the regular '
            f"expression '{quantities.PATTERN}'"
        ) from None


def _check_base64(value: str, root: str) -> None:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n")
        body = value.rstrip("=")
        bad = next((i for i, character in enumerate(body) if character not in alphabet), len(body))
        if bad == len(body):
            bad = len(value) if len(value) == len(body) else len(body)
            bad = bad - bad % 4 if len(value) == len(body) else bad
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: illegal base64 data at input byte {bad}'
        ) from None


def _type_error(value: Any, path: str, root: str, owner: str, expected: str) -> Exception:
    clean = ".".join(part.partition("[")[0] for part in path.split("."))
    return bad_request(
        f'{root} in version "v1" cannot be handled as a {root}: json: cannot unmarshal {json_kind(value)} '
        f"into Go struct field {owner or root}.{clean} of type {expected}"
    )


def _shown_kind(value: Any) -> str:
    """Go shows a number that is no integer, but no other value."""
    if isinstance(value, float) and not value.is_integer():
        return f"number {value}"
    return json_kind(value)


def as_stored(kind: str, obj: Json) -> None:
    """Turn the empty lists of an object into what comes back from the database: none."""
    _drop_empty(_EMPTY.get(kind, {}), obj)


def _drop_empty(skeleton: Mapping[str, Any], obj: Json) -> None:
    for key, value in skeleton.items():
        if value is None and obj.get(key) == []:
            obj[key] = None
        elif isinstance(value, Mapping) and isinstance(obj.get(key), dict):
            _drop_empty(value, obj[key])


_EMPTY_EVENT: Json = {
    "eventTime": None,
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "regarding": {},
}


def _zero_values(kind: str, api_version: str) -> Json:
    if kind == "Event" and api_version.startswith("events.k8s.io/"):
        return _EMPTY_EVENT
    return _EMPTY.get(kind, {})


def empty_object(kind: str, api_version: str = "") -> Json:
    """Return what Go writes for an empty object of a built-in kind."""
    return {"metadata": {}, **clone(_zero_values(kind, api_version))}


def fill_zero_values(kind: str, obj: Json) -> None:
    """Add the structs and numbers that Go writes for this kind even when they are empty."""
    _fill(_zero_values(kind, obj.get("apiVersion", "")), obj)


def _fill(skeleton: Mapping[str, Any], obj: Json) -> None:
    for key, value in skeleton.items():
        if key not in obj:
            obj[key] = clone(value)
        elif isinstance(value, Mapping) and isinstance(obj[key], dict):
            _fill(value, obj[key])
