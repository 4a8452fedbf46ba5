"""Validation of containers: ports, environment, mounts, probes, resources."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.field_checks import NEGATIVE, each_invalid, not_negative
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

Json = dict[str, Any]

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def container_errors(container: Json, field: str, volumes: set[str], used: set[str]) -> list[FieldError]:
    """Check a container.

    Args:
        container: of a pod spec.
        field: where it lies.
        volumes: names of the pod's volumes.
        used: names of the containers before; its own is added.
    """
    errors: list[FieldError] = []
    name = container.get("name", "")
    if not name:
        errors.append(required(f"{field}.name"))
    else:
        errors += each_invalid(f"{field}.name", name, names.label_problems(name))
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
    errors += user_id_errors(container.get("securityContext") or {}, f"{field}.securityContext")
    return errors + _resources(container.get("resources") or {}, f"{field}.resources")


def _ports(ports: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        where = f"{field}[{position}]"
        name = port.get("name", "")
        if name:
            problems = names.port_name_problems(name)
            errors += each_invalid(f"{where}.name", name, problems)
            if not problems and name in seen:
                errors.append(duplicate(f"{where}.name", name))
            seen.add(name)
        if not port.get("containerPort"):
            errors.append(required(f"{where}.containerPort"))
        else:
            errors += each_invalid(
                f"{where}.containerPort", port["containerPort"], names.port_problems(port["containerPort"])
            )
        if port.get("hostPort"):
            errors += each_invalid(
                f"{where}.hostPort", port["hostPort"], names.port_problems(port["hostPort"])
            )
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
            errors += each_invalid(f"{field}.{name}.port", port, names.port_problems(port))
        elif isinstance(port, str):
            errors += each_invalid(f"{field}.{name}.port", port, names.port_name_problems(port))
    fields = (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    )
    return errors + not_negative(probe, field, *fields)


def _resources(resources: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in sorted(limits.items()):
        if parse(amount) < 0:
            errors.append(invalid_value(f"{field}.limits[{name}]", amount, NEGATIVE))
    for name, amount in sorted(requests.items()):
        if parse(amount) < 0:
            errors.append(invalid_value(f"{field}.requests[{name}]", amount, NEGATIVE))
        if name in limits and parse(amount) > parse(limits[name]):
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.append(invalid_value(f"{field}.requests", amount, text))
    return errors


def user_id_errors(context: Json, field: str) -> list[FieldError]:
    """Check the user and group numbers of a security context."""
    text = "must be between 0 and 2147483647, inclusive"
    return [
        invalid_value(f"{field}.{name}", context[name], text)
        for name in ("runAsUser", "runAsGroup", "fsGroup")
        if context.get(name) is not None and not 0 <= context[name] <= 2147483647
    ]
