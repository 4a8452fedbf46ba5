"""Default values of built-in kinds, as kube-apiserver 1.36 sets them when an object is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

# Reviewed against the defaults of the Kubernetes API types (core/v1, apps/v1, batch/v1, networking/v1, ...).


def set_defaults(kind: str, obj: Json) -> None:
    """Set the defaults of a built-in kind in place; an object that has them is left as it is."""
    function = _DEFAULTS.get(kind)
    if function is not None:
        function(obj)


def _items(obj: Json | None, *names: str) -> list[Json]:
    found: list[Json] = []
    for name in names:
        found += [item for item in (obj or {}).get(name) or () if isinstance(item, dict)]
    return found


def _default(obj: Json, **values: Any) -> None:
    for name, value in values.items():
        if obj.get(name) is None:
            obj[name] = value


# Pods


def _pod_spec(spec: Json) -> None:
    _default(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in _items(spec, "volumes"):
        _volume(volume)
    for container in _items(spec, "containers", "initContainers", "ephemeralContainers"):
        _container(container, host_network=bool(spec.get("hostNetwork")))
    for constraint in _items(spec, "topologySpreadConstraints"):
        _default(constraint, whenUnsatisfiable="DoNotSchedule")


def _container(container: Json, *, host_network: bool) -> None:
    image = container.get("image") or ""
    tag = image.rpartition("/")[2]
    latest = "@" not in image and (":" not in tag or tag.endswith(":latest"))
    _default(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if latest else "IfNotPresent",
    )
    for port in _items(container, "ports"):
        _default(port, protocol="TCP")
        if host_network and "containerPort" in port:
            _default(port, hostPort=port["containerPort"])
    for variable in _items(container, "env"):
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            _default(reference, apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    lifecycle = container.get("lifecycle") or {}
    for name in ("postStart", "preStop"):
        _http_get((lifecycle.get(name) or {}).get("httpGet"))


def _probe(probe: Json) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(name):
            probe[name] = value
    _http_get(probe.get("httpGet"))
    if probe.get("grpc") is not None:
        _default(probe["grpc"], service="")


def _http_get(action: Json | None) -> None:
    if action is not None:
        _default(action, path="/", scheme="HTTP")


def _volume(volume: Json) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "projected", "downwardAPI"):
        source = volume.get(name)
        if source is not None:
            _default(source, defaultMode=0o644)
            _downward(source)
            for part in _items(source, "sources"):
                _downward(part.get("downwardAPI"))
                if part.get("serviceAccountToken") is not None:
                    _default(part["serviceAccountToken"], expirationSeconds=3600)
    if volume.get("hostPath") is not None:
        _default(volume["hostPath"], type="")
    ephemeral = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if ephemeral:
        _default(ephemeral.setdefault("spec", {}), volumeMode="Filesystem")


def _downward(source: Json | None) -> None:
    for item in _items(source, "items"):
        if item.get("fieldRef") is not None:
            _default(item["fieldRef"], apiVersion="v1")


def _pod(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _pod_spec(spec)
    _default(spec, enableServiceLinks=True)
    for container in _items(spec, "containers", "initContainers"):
        resources = container["resources"]
        limits = resources.get("limits") or {}
        if limits:
            requests = resources.setdefault("requests", {})
            for name, amount in limits.items():
                requests.setdefault(name, amount)
    _default(obj.setdefault("status", {}), phase="Pending", qosClass=quality_of_service(spec))


def quality_of_service(spec: Json) -> str:
    """Return the QoS class of a pod spec."""
    containers = _items(spec, "containers", "initContainers")
    amounts = [(c.get("resources") or {}) for c in containers]
    if not any(a.get("requests") or a.get("limits") for a in amounts):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(a.get("limits") or {}) and (a.get("requests") or a["limits"]) == a["limits"]
        for a in amounts
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))


# Workloads


def _stateful_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    _template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    _default(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        _default(rolling, partition=0)
    _default(
        spec.setdefault("persistentVolumeClaimRetentionPolicy", {}), whenDeleted="Retain", whenScaled="Retain"
    )
    for claim in _items(spec, "volumeClaimTemplates"):
        _default(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        claim.setdefault("metadata", {})
        _claim(claim)


def _deployment(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _template(spec)
    strategy = spec.setdefault("strategy", {})
    _default(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _default(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")


def _replica_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, replicas=1)
    _template(spec)


def _daemon_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, revisionHistoryLimit=10)
    _template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    _default(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _default(strategy.setdefault("rollingUpdate", {}), maxUnavailable=1, maxSurge=0)


def _job_spec(spec: Json) -> None:
    _default(
        spec,
        backoffLimit=6,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy="TerminatingOrFailed",
        manualSelector=False,
    )
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    _default(spec, parallelism=1)
    _template(spec)


def _job(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _job_spec(spec)


def _cron_job(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(
        spec,
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    _template(job.setdefault("spec", {}))


# Storage, configuration, network


def _claim(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("resources", {})
    _default(spec, volumeMode="Filesystem")
    limits = spec["resources"].get("limits") or {}
    if limits:
        requests = spec["resources"].setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)
    _default(obj.setdefault("status", {}), phase="Pending")


def _volume_object(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    if spec.get("hostPath") is not None:
        _default(spec["hostPath"], type="")
    _default(obj.setdefault("status", {}), phase="Pending")


def _secret(obj: Json) -> None:
    _default(obj, type="Opaque")


def _service(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    _default(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    else:
        config = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        _default(config, timeoutSeconds=10800)
    for port in _items(spec, "ports"):
        _default(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, "") and "port" in port:
            port["targetPort"] = port["port"]
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        _default(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _default(spec, allocateLoadBalancerNodePorts=True)
    if spec["type"] != "ExternalName":
        _default(spec, internalTrafficPolicy="Cluster")
    balancer = obj.setdefault("status", {}).setdefault("loadBalancer", {})
    for ingress in _items(balancer, "ingress"):
        if ingress.get("ip"):
            _default(ingress, ipMode="VIP")


def _network_policy(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    for rule in _items(spec, "ingress", "egress"):
        for port in _items(rule, "ports"):
            _default(port, protocol="TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress"] + (["Egress"] if spec.get("egress") else [])


def _role_binding(obj: Json) -> None:
    reference = obj.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = "rbac.authorization.k8s.io"
    for subject in _items(obj, "subjects"):
        if subject.get("kind") in {"User", "Group"}:
            _default(subject, apiGroup="rbac.authorization.k8s.io")


def _namespace(obj: Json) -> None:
    meta = obj.setdefault("metadata", {})
    if meta.get("name"):
        labels = meta.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = meta["name"]
    _default(obj.setdefault("status", {}), phase="Active")


def _storage_class(obj: Json) -> None:
    _default(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _custom_resource_definition(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if names.get("kind"):
        _default(names, singular=names["kind"].lower(), listKind=f"{names['kind']}List")
    _default(spec, conversion={"strategy": "None"})


def _signing_request(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("usages"):
        spec.pop("usages", None)


def _limit_range(obj: Json) -> None:
    for limit in _items(obj.get("spec"), "limits"):
        if limit.get("type") == "Container":
            for name, amount in (limit.get("max") or {}).items():
                limit.setdefault("default", {}).setdefault(name, amount)
            for name, amount in (limit.get("default") or {}).items():
                limit.setdefault("defaultRequest", {}).setdefault(name, amount)
            for name, amount in (limit.get("min") or {}).items():
                limit.setdefault("defaultRequest", {}).setdefault(name, amount)


def _endpoints(obj: Json) -> None:
    for subset in _items(obj, "subsets"):
        for port in _items(subset, "ports"):
            _default(port, protocol="TCP")


def _endpoint_slice(obj: Json) -> None:
    for port in _items(obj, "ports"):
        _default(port, protocol="TCP", name="")


def _priority_class(obj: Json) -> None:
    _default(obj, preemptionPolicy="PreemptLowerPriority")


def _node(obj: Json) -> None:
    status = obj.setdefault("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _autoscaler(obj: Json) -> None:
    _default(obj.setdefault("spec", {}), minReplicas=1)


_DEFAULTS: dict[str, Callable[[Json], None]] = {
    "CronJob": _cron_job,
    "CustomResourceDefinition": _custom_resource_definition,
    "CertificateSigningRequest": _signing_request,
    "ClusterRoleBinding": _role_binding,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "EndpointSlice": _endpoint_slice,
    "Endpoints": _endpoints,
    "HorizontalPodAutoscaler": _autoscaler,
    "Job": _job,
    "LimitRange": _limit_range,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "Node": _node,
    "PersistentVolume": _volume_object,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "PriorityClass": _priority_class,
    "ReplicaSet": _replica_set,
    "RoleBinding": _role_binding,
    "Secret": _secret,
    "Service": _service,
    "StatefulSet": _stateful_set,
    "StorageClass": _storage_class,
}
