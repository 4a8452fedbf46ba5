"""Validation of Services, NetworkPolicies and Ingresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.field_checks import each_invalid
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

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NO_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_UNCHANGEABLE = "may not change once set"


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return a CIDR, None for any other text."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


# Services


def _service(obj: Json) -> list[FieldError]:
    spec = obj["spec"]
    kind = spec.get("type", "ClusterIP")
    errors: list[FieldError] = []
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and kind != "ExternalName":
        errors.append(required("spec.ports"))
    if kind == "LoadBalancer" and headless:
        errors.append(
            invalid_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
        )
    if kind == "NodePort" and headless:
        errors.append(
            invalid_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services")
        )
    if kind == "ExternalName":
        errors += _external_name(spec)
    errors += _ports(spec.get("ports") or [], headless=headless)
    errors += _selector(spec.get("selector") or {})
    if spec.get("sessionAffinity") not in {"ClientIP", "None"}:
        errors.append(unsupported("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None")))
    address = spec.get("clusterIP")
    if address and address != "None" and not is_address(address):
        errors.append(invalid_value("spec.clusterIPs[0]", address, _NO_ADDRESS))
    errors += _families(spec)
    errors += _external_ips(spec.get("externalIPs") or [])
    if kind not in _TYPES:
        errors.append(unsupported("spec.type", kind, _TYPES))
    errors += _port_uses(spec, kind)
    errors += _balancer(spec, kind)
    return errors


def _external_name(spec: Json) -> list[FieldError]:
    name = spec.get("externalName", "")
    if not name:
        return [required("spec.externalName")]
    return each_invalid("spec.externalName", name, names.subdomain_problems(name.rstrip(".")))


def _ports(ports: list[Json], *, headless: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        field = f"spec.ports[{position}]"
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            errors.append(required(f"{field}.name"))
        elif name:
            problems = names.label_problems(name)
            errors += each_invalid(f"{field}.name", name, problems)
            if not problems and name in seen:
                errors.append(duplicate(f"{field}.name", name))
            seen.add(name)
        errors += each_invalid(f"{field}.port", port.get("port", 0), names.port_problems(port.get("port", 0)))
        if port.get("protocol") not in _PROTOCOLS:
            errors.append(unsupported(f"{field}.protocol", port.get("protocol"), _PROTOCOLS))
        errors += _target(f"{field}.targetPort", port.get("targetPort", port.get("port", 0)))
    del headless
    return errors


def _target(field: str, target: Any) -> list[FieldError]:
    if isinstance(target, int):
        return each_invalid(field, target, names.port_problems(target))
    return each_invalid(field, target, names.port_name_problems(target))


def _port_uses(spec: Json, kind: str) -> list[FieldError]:
    errors: list[FieldError] = []
    ports = spec.get("ports") or []
    if kind == "ClusterIP":
        errors += [
            forbidden_field(f"spec.ports[{position}].nodePort", "may not be used when `type` is 'ClusterIP'")
            for position, port in enumerate(ports)
            if port.get("nodePort")
        ]
    used: set[tuple[Any, Any]] = set()
    for position, port in enumerate(ports):
        key = (port.get("port"), port.get("protocol"))
        if key in used:
            shown = {
                "Name": "",
                "Protocol": port.get("protocol"),
                "AppProtocol": None,
                "Port": port.get("port"),
                "TargetPort": 0,
                "NodePort": 0,
            }
            text = "{" + ",".join(f'"{name}":{go_value(value)}' for name, value in shown.items()) + "}"
            errors.append(FieldError(f"spec.ports[{position}]", f"Duplicate value: {text}"))
        used.add(key)
    return errors


def _selector(selector: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in sorted(selector):
        errors += each_invalid("spec.selector", key, names.label_key_problems(key, what="label key"))
        errors += each_invalid("spec.selector", selector[key], names.label_value_problems(selector[key]))
    return errors


def _families(spec: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        return errors
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        text = "this cluster is not configured for dual-stack services"
        errors.append(invalid_value("spec.ipFamilyPolicy", "RequireDualStack", text))
    for position, family in enumerate(spec.get("ipFamilies") or ()):
        if family == "IPv6":
            errors.append(
                invalid_value(f"spec.ipFamilies[{position}]", family, "not configured on this cluster")
            )
    return errors


def _external_ips(addresses: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, text in enumerate(addresses):
        field = f"spec.externalIPs[{position}]"
        if not is_address(text):
            errors.append(invalid_value(field, text, _NO_ADDRESS))
        elif ipaddress.ip_address(text).is_loopback:
            errors.append(
                invalid_value(field, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
            )
    return errors


def _balancer(spec: Json, kind: str) -> list[FieldError]:
    errors: list[FieldError] = []
    ranges = spec.get("loadBalancerSourceRanges") or []
    only = "may only be used when `type` is 'LoadBalancer'"
    if ranges and kind != "LoadBalancer":
        errors.append(forbidden_field("spec.LoadBalancerSourceRanges", only))
    elif ranges:
        errors += [
            invalid_value(f"spec.LoadBalancerSourceRanges[{position}]", text, _NO_NETWORK)
            for position, text in enumerate(ranges)
            if network(text.strip()) is None
        ]
    if kind != "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not None:
        errors.append(forbidden_field("spec.allocateLoadBalancerNodePorts", only))
    name = spec.get("loadBalancerClass")
    if name is not None and kind != "LoadBalancer":
        errors.append(forbidden_field("spec.loadBalancerClass", only))
    elif name is not None:
        errors += each_invalid("spec.loadBalancerClass", name, names.label_key_problems(name))
    policy = spec.get("externalTrafficPolicy")
    if policy and kind not in {"NodePort", "LoadBalancer"} and not spec.get("externalIPs"):
        text = "may only be set for externally-accessible services"
        errors.append(invalid_value("spec.externalTrafficPolicy", policy, text))
    elif policy and policy not in {"Cluster", "Local"}:
        errors.append(unsupported("spec.externalTrafficPolicy", policy, ("Cluster", "Local")))
    return errors


def _service_update(obj: Json, old: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    spec, before = obj["spec"], old["spec"]
    families = _families(spec)
    if families and before.get("clusterIP") == "None" != spec.get("clusterIP"):
        # Addresses are looked at before everything else.
        return families
    needs = spec.get("type") != "ExternalName" and before.get("type") != "ExternalName"
    changed = before.get("clusterIP") and spec.get("clusterIP") != before.get("clusterIP")
    if needs and changed:
        shown = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else None)
        errors.append(invalid_value("spec.clusterIPs[0]", shown, _UNCHANGEABLE))
    if before.get("type") == spec.get("type") == "LoadBalancer":
        name = spec.get("loadBalancerClass")
        if name != before.get("loadBalancerClass"):
            errors.append(invalid_value("spec.loadBalancerClass", name, _UNCHANGEABLE))
    return [*errors, *_service(obj)]


def validate_service_status(obj: Json) -> list[FieldError]:
    """Check the addresses a load balancer reports."""
    errors: list[FieldError] = []
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    for position, entry in enumerate(balancer.get("ingress") or ()):
        field = f"status.loadBalancer.ingress[{position}]"
        if entry.get("ip") and not is_address(entry["ip"]):
            errors.append(invalid_value(f"{field}.ip", entry["ip"], _NO_ADDRESS))
        if entry.get("hostname"):
            errors += each_invalid(
                f"{field}.hostname", entry["hostname"], names.subdomain_problems(entry["hostname"])
            )
    return errors


# Network policies


def _network_policy(obj: Json) -> list[FieldError]:
    from k3k_core.sandbox.api.validation_policy import selector_errors

    spec = obj["spec"]
    errors = selector_errors(spec.get("podSelector") or {}, "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for position, rule in enumerate(spec.get(direction) or ()):
            errors += _rule(rule, f"spec.{direction}[{position}]", peers)
    for position, kind in enumerate(spec.get("policyTypes") or ()):
        if kind not in {"Ingress", "Egress"}:
            errors.append(unsupported(f"spec.policyTypes[{position}]", kind, ("Ingress", "Egress")))
    return errors


def _rule(rule: Json, field: str, peers: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, port in enumerate(rule.get("ports") or ()):
        where = f"{field}.ports[{position}]"
        if port.get("protocol") not in {"TCP", "UDP", "SCTP"}:
            errors.append(unsupported(f"{where}.protocol", port.get("protocol"), ("TCP", "UDP", "SCTP")))
        if port.get("port") is not None:
            errors += _target(f"{where}.port", port["port"])
    for position, peer in enumerate(rule.get(peers) or ()):
        errors += _peer(peer, f"{field}.{peers}[{position}]")
    return errors


def _peer(peer: Json, field: str) -> list[FieldError]:
    block = peer.get("ipBlock")
    others = peer.get("podSelector") is not None or peer.get("namespaceSelector") is not None
    if block is None and not others:
        return [required(field, "must specify a peer")]
    if block is None:
        return []
    if others:
        return [forbidden_field(field, "may not specify both ipBlock and another peer")]
    outer = network(block.get("cidr", ""))
    if not block.get("cidr"):
        return [required(f"{field}.ipBlock.cidr")]
    if outer is None:
        return [invalid_value(f"{field}.ipBlock.cidr", block["cidr"], _NO_NETWORK)]
    errors: list[FieldError] = []
    for position, text in enumerate(block.get("except") or ()):
        inner = network(text)
        where = f"{field}.ipBlock.except[{position}]"
        if inner is None:
            errors.append(invalid_value(where, text, _NO_NETWORK))
        elif inner.version != outer.version or not _inside(inner, outer):
            errors.append(invalid_value(where, text, "must be a strict subset of `cidr`"))
    return errors


def _inside(inner: Any, outer: Any) -> bool:
    return bool(inner != outer and inner.subnet_of(outer))


# Ingresses


def _ingress(obj: Json) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors: list[FieldError] = []
    if not spec.get("rules") and not spec.get("defaultBackend"):
        text = "either `defaultBackend` or `rules` must be specified"
        errors.append(FieldError("spec", f"Invalid value: null: {text}"))
    for position, rule in enumerate(spec.get("rules") or ()):
        field = f"spec.rules[{position}]"
        host = rule.get("host", "")
        if host:
            bare = host.removeprefix("*.")
            errors += each_invalid(f"{field}.host", host, names.subdomain_problems(bare))
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            errors += _path(path, f"{field}.http.paths[{index}]")
    return errors


def _path(path: Json, field: str) -> list[FieldError]:
    kind = path.get("pathType")
    if kind is None:
        return [required(f"{field}.pathType", "pathType must be specified")]
    errors: list[FieldError] = []
    choices = ("Exact", "ImplementationSpecific", "Prefix")
    if kind not in choices:
        errors.append(unsupported(f"{field}.pathType", kind, choices))
    elif kind != "ImplementationSpecific" and not re.match("/", path.get("path", "")):
        errors.append(invalid_value(f"{field}.path", path.get("path", ""), "must be an absolute path"))
    backend = path.get("backend") or {}
    service = backend.get("service")
    if service is not None:
        port = service.get("port") or {}
        if not service.get("name"):
            errors.append(required(f"{field}.backend.service.name"))
        if not port.get("name") and not port.get("number"):
            errors.append(required(f"{field}.backend", "port name or number is required"))
    return errors


Validate = Callable[[Json], list[FieldError]]
CREATE: dict[str, Validate] = {"Service": _service, "NetworkPolicy": _network_policy, "Ingress": _ingress}
UPDATE: dict[str, Callable[[Json, Json], list[FieldError]]] = {"Service": _service_update}
