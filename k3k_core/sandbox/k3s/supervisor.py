"""The paths below `/v1-k3s/`, by which agents and servers join, and tokens and authorities are exchanged."""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from k3k_core.discovery.control_plane import parse_time
from k3k_core.resources import SECRET
from k3k_core.sandbox.k3s.bootstrap import Credentials
from k3k_core.sandbox.k3s.bootstrap_data import RefusedError, replaced_authorities
from k3k_core.sandbox.k3s.cluster import SIMULATED
from k3k_core.sandbox.k3s.config import K3sConfig
from k3k_core.sandbox.k3s.datastores import Datastore

if TYPE_CHECKING:
    from aiohttp import web


_AGENT_PATHS = {"/v1-k3s/client-ca.crt": "client-ca.crt", "/v1-k3s/server-ca.crt": "server-ca.crt"}
_FOR_AGENTS = frozenset(("/v1-k3s/config", "/v1-k3s/apiservers", "/v1-k3s/readyz", *_AGENT_PATHS))
_TOKEN, _AUTHORITIES, _ENCRYPTION = "/v1-k3s/token", "/v1-k3s/cert/cacerts", "/v1-k3s/encrypt/status"
_FOR_SERVERS = frozenset((_TOKEN, _AUTHORITIES, _ENCRYPTION))
_BOOTSTRAP = "bootstrap.kubernetes.io/token"


class Supervisor:
    """What one server answers below `/v1-k3s/`.

    Args:
        credentials: join tokens and authorities it started with.
        datastore: where the others are kept.
        config: of the server.
        address: of the pod.
    """

    def __init__(
        self, credentials: Credentials, datastore: Datastore, config: K3sConfig, address: str
    ) -> None:
        self._files = credentials.files
        self._tokens = credentials.tokens
        self._datastore = datastore
        self._config = config
        self._address = address

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """Answer a request to a path k3s itself serves; None leaves it to the API server.

        Args:
            request: below `/v1-k3s/`.
        """
        from aiohttp import web

        path = request.path
        if path not in _FOR_AGENTS | _FOR_SERVERS:
            return None
        role = self._role(request.headers.get("authorization", ""))
        if role != ("server" if path in _FOR_SERVERS else "agent"):
            return web.Response(status=403, headers=SIMULATED)
        if path in _FOR_SERVERS:
            return await self._for_servers(request)
        if path in _AGENT_PATHS:
            return web.Response(text=self._files[_AGENT_PATHS[path]], headers=SIMULATED)
        if path == "/v1-k3s/readyz":
            return web.Response(text="ok", headers=SIMULATED)
        if path == "/v1-k3s/apiservers":
            advertised = f"{self._config.get('advertise-address') or self._address}"
            return web.json_response([f"{advertised}:{_advertised_port(self._config)}"], headers=SIMULATED)
        return web.json_response(_control_config(self._config), headers=SIMULATED, dumps=_compact)

    def _role(self, authorization: str) -> str | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return "agent" if self._is_bootstrap_token(token.strip()) else None
        return self._tokens.role(authorization)

    def lets_in(self, user: str, password: str) -> bool:
        """Whether an agent may join.

        Args:
            user: "node" with the agent token.
            password: the token's password.
        """
        given = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self._tokens.role(f"Basic {given}") == "agent"

    def _is_bootstrap_token(self, token: str) -> bool:
        """Whether a Secret of the cluster says that agents may join with it now."""
        token_id, _, secret = token.partition(".")
        store = self._datastore.store
        found = store.get(SECRET, "kube-system", f"bootstrap-token-{token_id}")
        if found is None or found.get("type") != _BOOTSTRAP:
            return False
        data = {key: base64.b64decode(text).decode() for key, text in (found.get("data") or {}).items()}
        ends = parse_time(data.get("expiration"))
        alive = ends is None or ends > store.now()
        right = (data.get("token-id"), data.get("token-secret")) == (token_id, secret)
        return right and alive and data.get("usage-bootstrap-authentication") == "true"

    async def _for_servers(self, request: web.BaseRequest) -> web.Response:
        from aiohttp import web

        if request.path == _ENCRYPTION:
            return web.Response(status=500, text="simulated: no node of its own\n", headers=SIMULATED)
        if request.method != "PUT":
            return web.Response(status=405, text="method not allowed\n", headers=SIMULATED)
        body = await request.read()
        try:
            if request.path == _TOKEN:
                self._rotate_token(str(json.loads(body)["newToken"]))
                return web.Response(headers=SIMULATED)
            force = request.query.get("force", "") in {"1", "t", "true", "True"}
            self._datastore.files.update(
                replaced_authorities(self._datastore.files, json.loads(body), force=force)
            )
        except RefusedError as error:
            return web.Response(status=500, text=f"{error}\n", headers=SIMULATED)
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400, text="bad request\n", headers=SIMULATED)
        return web.Response(status=204, headers=SIMULATED)

    def _rotate_token(self, token: str) -> None:
        """Encrypt the bootstrap data anew; this server takes the new token at once, others when they start."""
        if "." in token:
            raise RefusedError("failed to normalize server token")
        together = self._tokens.agent == self._tokens.server and not self._config.get("agent-token-file")
        self._datastore.encrypt(token)
        self._tokens = replace(self._tokens, server=token, agent=token if together else self._tokens.agent)


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
