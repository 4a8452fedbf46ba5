"""What Go writes for empty fields: which it leaves out, and which structs and numbers are always there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.schema import Type

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
_EMPTY_EVENT: Json = {
    "eventTime": None,
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "regarding": {},
}


def omitted(kind: Type, value: Any, key: str, owner: str) -> bool:
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


def add_always_written(kind: Type, value: Json) -> None:
    """Add the fields that Go always writes in a struct of this type."""
    for key, zero in _ALWAYS.get(kind.name, {}).items():
        if key not in value:
            value[key] = clone(zero)


def as_stored(kind: str, obj: Json) -> None:
    """Turn the empty lists of an object into what comes back from the database: none."""
    _drop_empty(_EMPTY.get(kind, {}), obj)


def _drop_empty(skeleton: Mapping[str, Any], obj: Json) -> None:
    for key, value in skeleton.items():
        if value is None and obj.get(key) == []:
            obj[key] = None
        elif isinstance(value, Mapping) and isinstance(obj.get(key), dict):
            _drop_empty(value, obj[key])


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
