"""Reading request bodies: JSON and YAML, strict field checks, and the canonical form of built-in objects.

The real server decodes an object into Go structs and encodes it again; empty values that Go leaves out are left out
here too, and structs that Go always writes are always there.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from k3k_core.sandbox.schema import Type
from k3k_core.sandbox.statuses import bad_request
from k3k_core.sandbox.store import clone

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


class _Pairs(list[tuple[str, Any]]):
    """The fields of a JSON object in their order, duplicates included."""


def _collapse(value: Any, path: str, problems: list[str]) -> Any:
    """Turn pairs into mappings, the last of equal keys winning, and word the duplicates."""
    if isinstance(value, _Pairs):
        result: Json = {}
        for key, item in value:
            where = f"{path}.{key}" if path else key
            if key in result:
                problems.append(f'duplicate field "{where}"')
            result[key] = _collapse(item, where, problems)
        return result
    if isinstance(value, list):
        return [_collapse(item, f"{path}[{position}]", problems) for position, item in enumerate(value)]
    return value


def load_json(text: bytes) -> tuple[Any, list[str]]:
    """Parse JSON; returns the value and its duplicate fields as strict reading words them.

    Raises:
        ValueError: it is no JSON.
    """
    problems: list[str] = []
    return _collapse(json.loads(text, object_pairs_hook=_Pairs), "", problems), problems


def parse_json(text: bytes, kind: str) -> tuple[Json, list[str]]:
    """Parse a JSON body.

    Args:
        text: the body.
        kind: kind the path expects, for the error.

    Returns:
        The object and what is wrong with it under strict reading.

    Raises:
        ApiError: 400, no JSON object.
    """
    try:
        value, problems = load_json(text)
    except ValueError as error:
        problem = go_json_error(text, error)
        raise _unrecognized(text, kind, f"couldn't get version/kind; json parse error: {problem}") from None
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        problem = (
            f"json: cannot unmarshal {_json_kind(value)} into Go value of type struct "
            '{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        )
        raise _unrecognized(text, kind, f"couldn't get version/kind; json parse error: {problem}")
    return value, problems


def _unrecognized(text: bytes, kind: str, problem: str) -> Exception:
    shown = text.decode("utf-8", "replace")
    printable = shown if len(shown) <= 1024 else shown[:1024] + " ..."
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): {problem} ({printable})"
    )


def go_json_error(text: bytes, error: ValueError) -> str:
    """Word a JSON syntax error as Go's decoder does."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    shown = text.decode("utf-8", "replace")
    if error.pos >= len(shown):
        return "unexpected end of JSON input"
    character = _go_character(shown[error.pos])
    before = shown[: error.pos].rstrip()
    places = {
        "Expecting property name": "looking for beginning of object key string",
        "Expecting ':'": "after object key",
        "Expecting ','": "after array element" if _in_array(before) else "after object key:value pair",
        "Extra data": "after top-level value",
        "Expecting value": "looking for beginning of value",
        "Invalid control": "in string literal",
    }
    where = next((place for start, place in places.items() if error.msg.startswith(start)), "in literal")
    return f"invalid character '{character}' {where}"


_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "'": r"\'",
    "\\": r"\\",
}


def _go_character(character: str) -> str:
    """Write a character as Go's %q does, without quotes."""
    if character in _GO_ESCAPES:
        return _GO_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _in_array(text: str) -> bool:
    depth = 0
    for character in reversed(text):
        if character in "]}":
            depth += 1
        elif character in "[{":
            if depth == 0:
                return character == "["
            depth -= 1
    return False


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as Go's sigs.k8s.io/yaml reads it: 1.1 booleans, no dates."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Go's YAML 1.1 resolver also takes the one-letter booleans.
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))


def _boolean(loader: Any, node: Any) -> bool:
    return loader.construct_scalar(node).lower() in {"y", "yes", "on", "true"}


_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)


def _string_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _string_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_string_keys(item) for item in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return str(key).lower()
    return "null" if key is None else str(key)


def parse_yaml(text: bytes) -> Json:
    """Parse a YAML (or JSON) body.

    Raises:
        ApiError: 400, no YAML mapping.
    """
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 (a subclass of the safe loader)
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: yaml: {problem}") from None
    if not isinstance(value, dict):
        raise bad_request(
            f"error decoding YAML: json: cannot unmarshal {_json_kind(value)} into Go value of type "
            "map[string]interface {}"
        )
    result: Json = _string_keys(value)
    return result


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}.get(
        type(value), "null"
    )


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
    if isinstance(value, str) and kind.scalar in {"str", "datetime"}:
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
    if kind.scalar == "bytes" and isinstance(value, str):
        _check_base64(value, root)
        return value
    field = path.rpartition(".")[2].partition("[")[0]
    # Quantities are strings here; the API also takes plain numbers.
    if kind.scalar == "str" and number and any(part in path for part in ("limits", "requests", "capacity")):
        return str(value)
    expected = "int64" if kind.scalar == "int" and field in _INT64 else _GO_SCALARS.get(kind.scalar, "string")
    raise _type_error(value, path, root, owner, expected)


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
        f'{root} in version "v1" cannot be handled as a {root}: json: cannot unmarshal {_json_kind(value)} '
        f"into Go struct field {owner or root}.{clean} of type {expected}"
    )


def empty_object(kind: str) -> Json:
    """Return what Go writes for an empty object of a built-in kind."""
    return {"metadata": {}, **clone(_EMPTY.get(kind, {}))}


def fill_zero_values(kind: str, obj: Json) -> None:
    """Add the structs and numbers that Go writes for this kind even when they are empty."""
    _fill(_EMPTY.get(kind, {}), obj)


def _fill(skeleton: Mapping[str, Any], obj: Json) -> None:
    for key, value in skeleton.items():
        if key not in obj:
            obj[key] = clone(value)
        elif isinstance(value, Mapping) and isinstance(obj[key], dict):
            _fill(value, obj[key])
