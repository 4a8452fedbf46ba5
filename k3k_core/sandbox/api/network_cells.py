"""The cells of Services, their endpoints, Ingresses and network policies."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.cell_texts import NONE, UNSET, Json, age_of, name_of, selector_cell


def service_cells(obj: Json, now: float) -> list[Any]:
    spec = obj["spec"]
    address = spec.get("clusterIP") or NONE
    return [
        name_of(obj),
        spec.get("type", ""),
        address,
        _external(obj),
        _service_ports(spec.get("ports") or ()) or NONE,
        age_of(obj, now),
        selector_cell(spec.get("selector")),
    ]


def _external(obj: Json) -> str:
    spec = obj["spec"]
    given = spec.get("externalIPs") or []
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind != "LoadBalancer":
        return ",".join(given) or NONE
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    found = sorted({entry.get("ip") or entry.get("hostname") or "" for entry in entries})
    return ",".join([*found, *given]) or "<pending>"


def _service_ports(ports: Any) -> str:
    parts = []
    for port in ports:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port['port']}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(parts)


def network_policy_cells(obj: Json, now: float) -> list[Any]:
    return [name_of(obj), selector_cell(obj["spec"].get("podSelector")), age_of(obj, now)]


def ingress_cells(obj: Json, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    shown = ",".join(hosts[:3]) + (f" + {len(hosts) - 3} more..." if len(hosts) > 3 else "")
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = ",".join(entry.get("ip") or entry.get("hostname") or "" for entry in entries)
    ports = "80, 443" if spec.get("tls") else "80"
    name = spec.get("ingressClassName") or NONE
    return [name_of(obj), name, shown or "*", addresses, ports, age_of(obj, now)]


def endpoint_slice_cells(obj: Json, now: float) -> list[Any]:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    addresses = [address for item in obj.get("endpoints") or () for address in item.get("addresses") or ()]
    shown = [
        f"{','.join(items[:3])} + {len(items) - 3} more..." if len(items) > 3 else ",".join(items)
        for items in (ports, addresses)
    ]
    return [
        name_of(obj),
        obj.get("addressType", ""),
        shown[0] or UNSET,
        shown[1] or UNSET,
        age_of(obj, now),
    ]


def endpoints_cells(obj: Json, now: float) -> list[Any]:
    pairs: list[str] = []
    for subset in obj.get("subsets") or ():
        ports = [port.get("port") for port in subset.get("ports") or ()]
        for address in subset.get("addresses") or ():
            pairs += [f"{address['ip']}:{port}" for port in ports] or [address["ip"]]
    shown = ",".join(pairs[:3]) + (f" + {len(pairs) - 3} more..." if len(pairs) > 3 else "")
    return [name_of(obj), shown or NONE, age_of(obj, now)]
