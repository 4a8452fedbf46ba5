"""Validation of pods, pod templates and the kinds that hold one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.quantities import parse
from k3k_core.sandbox.api.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    unsupported,
)
from k3k_core.sandbox.api.validation_config import claim_spec_errors
from k3k_core.sandbox.api.validation_policy import selector_errors

Json = dict[str, Any]

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_NEGATIVE = "must be greater than or equal to 0"
_STATEFUL_SET = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_POD = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_CHANGEABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)


def _each(field: str, value: Any, problems: list[str]) -> list[FieldError]:
    return [invalid_value(field, value, problem) for problem in problems]


def _not_negative(spec: Json, field: str, *fields: str) -> list[FieldError]:
    return [
        invalid_value(f"{field}.{name}", spec[name], _NEGATIVE)
        for name in fields
        if isinstance(spec.get(name), int) and spec[name] < 0
    ]


# Pods


def pod_spec_errors(spec: Json, field: str, claims: tuple[str, ...] = ()) -> list[FieldError]:
    """Check a pod spec.

    Args:
        spec: the pod spec.
        field: where it lies.
        claims: names of volumes that come from claim templates.
    """
    errors: list[FieldError] = []
    volumes: set[str] = set(claims)
    seen: set[str] = set()
    for position, volume in enumerate(spec.get("volumes") or ()):
        problems = _volume(volume, f"{field}.volumes[{position}]", seen)
        errors += problems
        if not problems:
            seen.add(volume.get("name", ""))
    volumes |= seen
    if not spec.get("containers"):
        errors.append(required(f"{field}.containers"))
    used: set[str] = set()
    for kind in ("containers", "initContainers"):
        for position, container in enumerate(spec.get(kind) or ()):
            errors += _container(container, f"{field}.{kind}[{position}]", volumes, used)
    errors += _spec_fields(spec, field)
    return errors


def _spec_fields(spec: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    policies = ("Always", "OnFailure", "Never")
    if spec.get("restartPolicy") not in policies:
        errors.append(unsupported(f"{field}.restartPolicy", spec.get("restartPolicy"), policies))
    dns = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
    if spec.get("dnsPolicy") not in dns:
        errors.append(unsupported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), dns))
    errors += _user_ids(spec.get("securityContext") or {}, f"{field}.securityContext")
    for key, value in sorted((spec.get("nodeSelector") or {}).items()):
        where = f"{field}.nodeSelector"
        errors += _each(where, key, names.label_key_problems(key, what="label key"))
        errors += _each(where, value, names.label_value_problems(value))
    account = spec.get("serviceAccountName")
    if account:
        errors += _each(f"{field}.serviceAccountName", account, names.subdomain_problems(account))
    for position, toleration in enumerate(spec.get("tolerations") or ()):
        errors += _toleration(toleration, f"{field}.tolerations[{position}]")
    for position, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        errors += _spread(constraint, f"{field}.topologySpreadConstraints[{position}]")
    return errors


def _user_ids(context: Json, field: str) -> list[FieldError]:
    text = "must be between 0 and 2147483647, inclusive"
    return [
        invalid_value(f"{field}.{name}", context[name], text)
        for name in ("runAsUser", "runAsGroup", "fsGroup")
        if context.get(name) is not None and not 0 <= context[name] <= 2147483647
    ]


def _toleration(item: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if item.get("key"):
        errors += _each(f"{field}.key", item["key"], names.label_key_problems(item["key"]))
    operator = item.get("operator", "Equal")
    if not item.get("key") and operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(invalid_value(f"{field}.operator", item.get("operator", ""), text))
    if operator == "Exists" and item.get("value"):
        text = "value must be empty when `operator` is 'Exists'"
        errors.append(invalid_value(f"{field}.operator", item["value"], text))
    elif operator not in {"Exists", "Equal", ""}:
        errors.append(unsupported(f"{field}.operator", operator, ("Equal", "Exists")))
    effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
    if item.get("effect") and item["effect"] not in effects:
        errors.append(unsupported(f"{field}.effect", item["effect"], effects))
    return errors


def _spread(item: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if item.get("maxSkew", 0) <= 0:
        errors.append(invalid_value(f"{field}.maxSkew", item.get("maxSkew", 0), "must be greater than zero"))
    if not item.get("topologyKey"):
        errors.append(required(f"{field}.topologyKey", "can not be empty"))
    choices = ("DoNotSchedule", "ScheduleAnyway")
    if item.get("whenUnsatisfiable") not in choices:
        errors.append(unsupported(f"{field}.whenUnsatisfiable", item.get("whenUnsatisfiable"), choices))
    return errors


# The order in which the sources of a volume are looked at.
_SOURCES = (
    "emptyDir",
    "hostPath",
    "secret",
    "nfs",
    "persistentVolumeClaim",
    "configMap",
    "downwardAPI",
    "projected",
    "csi",
    "ephemeral",
    "image",
)


def _volume(volume: Json, field: str, seen: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    name = volume.get("name", "")
    if not name:
        errors.append(required(f"{field}.name"))
    else:
        errors += _each(f"{field}.name", name, names.label_problems(name))
        if name in seen:
            errors.append(duplicate(f"{field}.name", name))
    given = [key for key in volume if key != "name"]
    sources = sorted(given, key=lambda key: _SOURCES.index(key) if key in _SOURCES else len(_SOURCES))
    if len(sources) > 1:
        errors += [
            forbidden_field(f"{field}.{key}", "may not specify more than 1 volume type")
            for key in sources[1:]
        ]
    claim = volume.get("persistentVolumeClaim")
    if claim is not None and not claim.get("claimName"):
        errors.append(required(f"{field}.persistentVolumeClaim.claimName"))
    if volume.get("secret") is not None and not volume["secret"].get("secretName"):
        errors.append(required(f"{field}.secret.secretName"))
    if volume.get("configMap") is not None and not volume["configMap"].get("name"):
        errors.append(required(f"{field}.configMap.name"))
    if volume.get("hostPath") is not None and not volume["hostPath"].get("path"):
        errors.append(required(f"{field}.hostPath.path"))
    return errors


def _container(container: Json, field: str, volumes: set[str], used: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    name = container.get("name", "")
    if not name:
        errors.append(required(f"{field}.name"))
    else:
        errors += _each(f"{field}.name", name, names.label_problems(name))
        if name in used:
            errors.append(duplicate(f"{field}.name", name))
        used.add(name)
    if not container.get("image"):
        errors.append(required(f"{field}.image"))
    elif container["image"] != container["image"].strip():
        text = "must not have leading or trailing whitespace"
        errors.append(invalid_value(f"{field}.image", container["image"], text))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            errors += _probe(container[probe], f"{field}.{probe}")
    errors += _ports(container.get("ports") or [], f"{field}.ports")
    errors += _environment(container.get("env") or [], f"{field}.env")
    errors += _mounts(container.get("volumeMounts") or [], f"{field}.volumeMounts", volumes)
    policy = container.get("imagePullPolicy")
    if policy not in _PULL_POLICIES:
        errors.append(unsupported(f"{field}.imagePullPolicy", policy, _PULL_POLICIES))
    errors += _user_ids(container.get("securityContext") or {}, f"{field}.securityContext")
    return errors + _resources(container.get("resources") or {}, f"{field}.resources")


def _ports(ports: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        where = f"{field}[{position}]"
        name = port.get("name", "")
        if name:
            problems = names.port_name_problems(name)
            errors += _each(f"{where}.name", name, problems)
            if not problems and name in seen:
                errors.append(duplicate(f"{where}.name", name))
            seen.add(name)
        if not port.get("containerPort"):
            errors.append(required(f"{where}.containerPort"))
        else:
            errors += _each(
                f"{where}.containerPort", port["containerPort"], names.port_problems(port["containerPort"])
            )
        if port.get("hostPort"):
            errors += _each(f"{where}.hostPort", port["hostPort"], names.port_problems(port["hostPort"]))
        if port.get("protocol") not in _PROTOCOLS:
            errors.append(unsupported(f"{where}.protocol", port.get("protocol"), _PROTOCOLS))
    return errors


def _environment(variables: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, variable in enumerate(variables):
        where = f"{field}[{position}]"
        name = variable.get("name", "")
        if not name:
            errors.append(required(f"{where}.name"))
        elif "=" in name or not name.isascii() or not name.isprintable():
            text = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            errors.append(invalid_value(f"{where}.name", name, text))
        source = variable.get("valueFrom")
        if source is not None and variable.get("value"):
            errors.append(
                invalid_value(f"{where}.valueFrom", "", "may not be specified when `value` is not empty")
            )
    return errors


def _mounts(mounts: list[Json], field: str, volumes: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    paths: set[str] = set()
    for position, mount in enumerate(mounts):
        where = f"{field}[{position}]"
        if not mount.get("name"):
            errors.append(required(f"{where}.name"))
        elif mount["name"] not in volumes:
            errors.append(FieldError(f"{where}.name", f"Not found: {go_value(mount['name'])}"))
        path = mount.get("mountPath")
        if not path:
            errors.append(required(f"{where}.mountPath"))
        elif path in paths:
            errors.append(invalid_value(f"{where}.mountPath", path, "must be unique"))
        paths.add(path or "")
    return errors


def _probe(probe: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    handlers = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if probe.get(name) is not None]
    if not handlers:
        errors.append(required(field, "must specify a handler type"))
    for extra in handlers[1:]:
        errors.append(forbidden_field(f"{field}.{extra}", "may not specify more than 1 handler type"))
    for name in handlers:
        port = probe[name].get("port")
        if isinstance(port, int):
            errors += _each(f"{field}.{name}.port", port, names.port_problems(port))
        elif isinstance(port, str):
            errors += _each(f"{field}.{name}.port", port, names.port_name_problems(port))
    fields = (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    )
    return errors + _not_negative(probe, field, *fields)


def _resources(resources: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in sorted(limits.items()):
        if parse(amount) < 0:
            errors.append(invalid_value(f"{field}.limits[{name}]", amount, _NEGATIVE))
    for name, amount in sorted(requests.items()):
        if parse(amount) < 0:
            errors.append(invalid_value(f"{field}.requests[{name}]", amount, _NEGATIVE))
        if name in limits and parse(amount) > parse(limits[name]):
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.append(invalid_value(f"{field}.requests", amount, text))
    return errors


def _pod(obj: Json) -> list[FieldError]:
    return pod_spec_errors(obj["spec"], "spec")


def _pod_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _pod(obj)
    if _fixed_parts(obj["spec"]) != _fixed_parts(old["spec"]):
        errors.append(forbidden_field("spec", _POD))
    return errors


def _fixed_parts(spec: Json) -> Json:
    """What of a pod's spec cannot change."""
    parts = {
        key: value
        for key, value in spec.items()
        if key not in {"activeDeadlineSeconds", "tolerations", "nodeName"}
    }
    for kind in ("containers", "initContainers"):
        if kind in spec:
            parts[kind] = [
                {key: value for key, value in item.items() if key != "image"} for item in spec[kind]
            ]
    return parts


# Workloads


def _template(spec: Json, *, kind: str, claims: tuple[str, ...] = ()) -> list[FieldError]:
    errors: list[FieldError] = []
    labels = (spec.get("template", {}).get("metadata") or {}).get("labels")
    selector = spec.get("selector")
    if selector is None:
        errors.append(required("spec.selector"))
    else:
        errors += selector_errors(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            text = f"empty selector is invalid for {kind}"
            errors.append(invalid_value("spec.selector", selector, text))
    wanted = (selector or {}).get("matchLabels") or {}
    nothing = selector is None
    if nothing or any((labels or {}).get(key) != value for key, value in wanted.items()):
        text = "`selector` does not match template `labels`"
        errors.append(invalid_value("spec.template.metadata.labels", labels, text))
    errors += pod_spec_errors(spec["template"]["spec"], "spec.template.spec", claims)
    if not errors or spec["template"]["spec"].get("restartPolicy") in {"OnFailure", "Never"}:
        policy = spec["template"]["spec"].get("restartPolicy")
        if policy != "Always":
            errors.append(unsupported("spec.template.spec.restartPolicy", policy, ("Always",)))
    return errors


def _stateful_set(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors: list[FieldError] = []
    policy = spec.get("podManagementPolicy")
    if policy not in {"OrderedReady", "Parallel"}:
        errors.append(
            invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        )
    strategy = (spec.get("updateStrategy") or {}).get("type")
    if strategy not in {"RollingUpdate", "OnDelete"}:
        shown = f'{{"Type":{go_value(strategy)},"RollingUpdate":null}}'
        text = f"Invalid value: {shown}: must be 'RollingUpdate' or 'OnDelete'"
        errors.append(FieldError("spec.updateStrategy", text))
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for name in ("whenDeleted", "whenScaled"):
        if retention.get(name) not in {None, "Retain", "Delete"}:
            field = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            errors.append(unsupported(field, retention[name], ("Retain", "Delete")))
    errors += _not_negative(spec, "spec", "replicas", "minReadySeconds")
    if spec.get("serviceName"):
        errors += _each("spec.serviceName", spec["serviceName"], names.label_problems(spec["serviceName"]))
    claims = spec.get("volumeClaimTemplates") or []
    claim_names = tuple(claim.get("metadata", {}).get("name", "") for claim in claims)
    errors += _template(spec, kind="statefulset", claims=claim_names)
    for position, claim in enumerate(claims):
        errors += claim_spec_errors(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{position}].spec")
    return errors


def validate_stateful_set_status(obj: Json) -> list[FieldError]:
    """Check the counts of a StatefulSet's status."""
    status = obj.get("status") or {}
    names_of_counts = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    errors = _not_negative(status, "status", *names_of_counts)
    total = status.get("replicas", 0)
    for name in names_of_counts[1:]:
        if status.get(name, 0) > total:
            errors.append(
                invalid_value(f"status.{name}", status[name], "cannot be greater than status.replicas")
            )
    ready = status.get("readyReplicas", 0)
    if ready < status.get("availableReplicas", 0) <= total:
        text = "cannot be greater than status.readyReplicas"
        errors.append(invalid_value("status.availableReplicas", status["availableReplicas"], text))
    return errors


def _stateful_set_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _stateful_set(obj)
    new_spec = {key: value for key, value in obj["spec"].items() if key not in _CHANGEABLE}
    old_spec = {key: value for key, value in old["spec"].items() if key not in _CHANGEABLE}
    if new_spec != old_spec:
        errors.append(forbidden_field("spec", _STATEFUL_SET))
    return errors


def _deployment(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors = _not_negative(spec, "spec", "replicas")
    errors += _template(spec, kind="deployment")
    strategy = (spec.get("strategy") or {}).get("type")
    if strategy not in {"Recreate", "RollingUpdate"}:
        errors.append(unsupported("spec.strategy.type", strategy, ("Recreate", "RollingUpdate")))
    return errors + _not_negative(spec, "spec", "minReadySeconds", "revisionHistoryLimit")


def _fixed_selector(check: Callable[[Json], list[FieldError]]) -> Callable[[Json, Json], list[FieldError]]:
    def run(obj: Json, old: Json) -> list[FieldError]:
        errors = check(obj)
        if obj["spec"].get("selector") != old["spec"].get("selector"):
            selector = obj["spec"].get("selector")
            errors.append(invalid_value("spec.selector", selector, "field is immutable"))
        return errors

    return run


def _daemon_set(obj: Json) -> list[FieldError]:
    return _template(obj["spec"], kind="daemonset")


def _replica_set(obj: Json) -> list[FieldError]:
    return [*_not_negative(obj["spec"], "spec", "replicas"), *_template(obj["spec"], kind="deployment")]


def _job(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    errors = _not_negative(spec, "spec", "parallelism", "completions", "backoffLimit")
    errors += pod_spec_errors(spec["template"]["spec"], "spec.template.spec")
    policy = spec["template"]["spec"].get("restartPolicy")
    if policy == "Always":
        text = 'Required value: valid values: "OnFailure", "Never"'
        errors.append(FieldError("spec.template.spec.restartPolicy", text))
    return errors


def warnings(kind: str, obj: Json, old: Json | None) -> list[str]:
    """Return warnings about pods and templates."""
    del kind, obj, old
    return []


Validate = Callable[[Json], list[FieldError]]
CREATE: dict[str, Validate] = {
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
}
UPDATE: dict[str, Callable[[Json, Json], list[FieldError]]] = {
    "DaemonSet": _fixed_selector(_daemon_set),
    "Deployment": _fixed_selector(_deployment),
    "Pod": _pod_update,
    "ReplicaSet": _fixed_selector(_replica_set),
    "StatefulSet": _stateful_set_update,
}
