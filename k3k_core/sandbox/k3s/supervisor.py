"""The paths below `/v1-k3s/`, by which agents and servers join."""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import TYPE_CHECKING, Any

from k3k_core.sandbox.k3s.bootstrap import Credentials
from k3k_core.sandbox.k3s.cluster import SIMULATED
from k3k_core.sandbox.k3s.config import K3sConfig

if TYPE_CHECKING:
    from aiohttp import web


_AGENT_PATHS = {"/v1-k3s/client-ca.crt": "client-ca.crt", "/v1-k3s/server-ca.crt": "server-ca.crt"}


def answer_supervisor(
    request: web.BaseRequest, credentials: Credentials, config: K3sConfig, address: str
) -> web.StreamResponse | None:
    """Answer a request to a path k3s itself serves; None leaves it to the API server.

    Args:
        request: below `/v1-k3s/`.
        credentials: join tokens and authorities.
        config: of the server.
        address: of the pod.
    """
    from aiohttp import web

    role = credentials.tokens.role(request.headers.get("authorization", ""))
    path = request.path
    known = {"/v1-k3s/config", "/v1-k3s/apiservers", "/v1-k3s/readyz", *_AGENT_PATHS}
    if path not in known:
        return None
    if role != "agent":
        return web.Response(status=403, headers=SIMULATED)
    if path in _AGENT_PATHS:
        return web.Response(text=credentials.files[_AGENT_PATHS[path]], headers=SIMULATED)
    if path == "/v1-k3s/readyz":
        return web.Response(text="ok", headers=SIMULATED)
    if path == "/v1-k3s/apiservers":
        advertised = f"{config.get('advertise-address') or address}:{_advertised_port(config)}"
        return web.json_response([advertised], headers=SIMULATED)
    return web.json_response(_control_config(config), headers=SIMULATED, dumps=_compact)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _advertised_port(config: K3sConfig) -> int:
    return int(config.get("advertise-port") or config.port())


def _network(text: str) -> dict[str, str]:
    network = ipaddress.ip_network(text, strict=False)
    mask = base64.b64encode(network.netmask.packed).decode()
    return {"IP": str(network.network_address), "Mask": mask}


def _control_config(config: K3sConfig) -> dict[str, Any]:
    """The part of the server's configuration that agents take over."""
    clusters = config.all_of("cluster-cidr") or ("10.42.0.0/16",)
    services = config.all_of("service-cidr") or ("10.43.0.0/16",)
    dns = config.all_of("cluster-dns")
    default_dns = str(ipaddress.ip_network(services[0], strict=False)[10])
    return {
        "AdvertisePort": _advertised_port(config),
        "AdvertiseIP": config.get("advertise-address"),
        "HTTPSPort": config.port(),
        "SupervisorPort": config.port(),
        "APIServerPort": config.port() + 1,
        "APIServerBindAddress": "",
        "ClusterIPRange": _network(clusters[0]),
        "ClusterIPRanges": [_network(text) for text in clusters],
        "ServiceIPRange": _network(services[0]),
        "ServiceIPRanges": [_network(text) for text in services],
        "ClusterDNS": dns[0] if dns else default_dns,
        "ClusterDNSs": list(dns or (default_dns,)),
        "ClusterDomain": config.get("cluster-domain", "cluster.local"),
        "DisableKubeProxy": "disable-kube-proxy" in config.switches,
        "DisableNPC": "disable-network-policy" in config.switches,
        "DisableCCM": "disable-cloud-controller" in config.switches,
        "FlannelBackend": config.get("flannel-backend", "vxlan"),
        "EgressSelectorMode": config.get("egress-selector-mode", "agent"),
    }
