"""The paths that k3s itself answers beside the Kubernetes API: `/cacerts`, `/v1-k3s/...`, `/metrics`.

They are asked through a tunnel to one server, over TLS that is verified against the control plane's own authority;
so nothing has to run in a pod, and no token is ever an argument of a program.
(https://github.com/k3s-io/k3s/blob/main/pkg/server/handlers/router.go)
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.errors import ForbiddenError, K3kError, NotFoundError, NotReadyError, UnreachableError
from k3k_core.host import HostApi, open_tunnel
from k3k_core.host.private_files import private_files
from k3k_core.names import (
    API_PORT,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    ControlPlaneId,
)
from k3k_core.pki import Leaf
from k3k_core.resources import POD, SECRET

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered.

    Attributes:
        status: HTTP status.
        body: what it sent; it may hold secrets.
    """

    status: int
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def refused(self) -> bool:
        """Whether the credentials were not accepted."""
        return self.status in {401, 403}


@dataclass(frozen=True, slots=True)
class Supervisor:
    """An open way to one server.

    Attributes:
        pod: the server.
        port: the local end of the tunnel.
        context: verifies the server.
        timeout: seconds one request may take.
        why: returns why nothing comes through the tunnel, where that is known.
    """

    pod: str
    port: int
    context: ssl.SSLContext = field(repr=False)
    timeout: float = 30.0
    why: Callable[[], K3kError | None] = lambda: None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        authorization: str = "",
        body: bytes | None = None,
        content_type: str = "",
    ) -> Reply:
        """Send one request.

        Args:
            method: HTTP method.
            path: path and query.
            authorization: value of the header (secret), see `basic` and `bearer`.
            body: what is sent.
            content_type: what that is.

        Raises:
            ForbiddenError: this user may not reach it through the host.
            UnreachableError: the server does not answer, or shows a certificate of another authority.
        """
        import aiohttp

        given = {"Authorization": authorization, "Content-Type": content_type}
        headers = {name: text for name, text in given.items() if text}
        limit = aiohttp.ClientTimeout(total=self.timeout)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=self.context, force_close=True), timeout=limit
                ) as session,
                session.request(
                    method,
                    f"https://{_LOOPBACK}:{self.port}{path}",
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                return Reply(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(trouble := self.why(), ForbiddenError):
                raise trouble from None
            raise UnreachableError(
                f"server {self.pod} did not answer {method} {path.partition('?')[0]}: {_why(error)}",
                hint="Run the same command again when the server is ready.",
            ) from None

    async def shown_until(self) -> datetime | None:
        """Return when the certificate that the server shows ends (UTC); None when it shows none that can be read.

        Raises:
            UnreachableError: the server does not answer, or shows a certificate of another authority.
        """
        try:
            async with asyncio.timeout(self.timeout):
                _, writer = await asyncio.open_connection(
                    _LOOPBACK, self.port, ssl=self.context, server_hostname=_LOOPBACK
                )
        except (OSError, TimeoutError) as error:
            raise UnreachableError(
                f"server {self.pod} does not show a certificate that can be trusted: {_why(error)}",
                hint="Run the same command again when the server is ready.",
            ) from None
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert() or {}
            seconds = ssl.cert_time_to_seconds(str(shown["notAfter"]))
        except (KeyError, ValueError):
            return None
        finally:
            writer.transport.abort()
        return datetime.fromtimestamp(seconds, UTC)


def basic(user: str, password: str) -> str:
    """Return the header by which k3s knows a join token (secret).

    Args:
        user: "server" or "node".
        password: the token's password.
    """
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def bearer(token: str) -> str:
    """Return the header by which the API knows a token (secret)."""
    return f"Bearer {token}"


def verifying(authority_pem: str, certificate: Leaf | None = None) -> ssl.SSLContext:
    """Return what verifies a server of a control plane; nothing else is trusted.

    Args:
        authority_pem: the authority, or the bundle of all that are trusted.
        certificate: what is shown to the server; None for nothing.
    """
    context = ssl.create_default_context(cadata=authority_pem)
    if certificate is not None:
        # The ssl module takes certificates with their keys from files only.
        with private_files((certificate.cert_pem + certificate.key_pem).encode()) as (path,):
            context.load_cert_chain(path or "")
    return context


async def running_servers(host: HostApi, identity: ControlPlaneId) -> list[dict[str, Any]]:
    """Return the pods of the servers that run, those that are ready first, then by name.

    Args:
        host: an open host.
        identity: the control plane.
    """
    ours = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_SERVER}"
    pods = (await host.list(POD, identity.namespace, labels=ours)).items
    running = [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    return sorted(running, key=lambda pod: (not is_ready(pod), pod["metadata"]["name"]))


def is_ready(pod: dict[str, Any]) -> bool:
    """Tell whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


@asynccontextmanager
async def open_supervisor(
    host: HostApi,
    identity: ControlPlaneId,
    *,
    pod: str | None = None,
    authority_pem: str | None = None,
    certificate: Leaf | None = None,
    timeout: float = 30.0,
) -> AsyncIterator[Supervisor]:
    """Open a way to one server for the time of a block.

    Args:
        host: an open host.
        identity: the control plane.
        pod: name of the server; None for one that is ready, or else runs.
        authority_pem: what it is verified by; None for the authority in the Secret of the control plane.
        certificate: what is shown to it; None for nothing.
        timeout: seconds one request may take.

    Raises:
        NotFoundError: the control plane or its authorities do not exist.
        NotReadyError: no server runs.
    """
    if authority_pem is None:
        try:
            secret = await host.get(SECRET, identity.namespace, identity.pki)
        except NotFoundError:
            raise NotFoundError(
                f"control plane {identity} does not exist on host {host.name}, or has lost its authorities",
                hint="`k3k list` shows what there is.",
            ) from None
        authority_pem = manifests.secret_data(secret).get("server-ca.crt", "")
    if pod is None:
        running = await running_servers(host, identity)
        if not running:
            raise NotReadyError(
                f"control plane {identity} has no running server on host {host.name}",
                hint=f"`k3k describe {identity.name} -n {identity.namespace}` says why.",
            )
        pod = str(running[0]["metadata"]["name"])
    context = verifying(authority_pem, certificate)
    async with open_tunnel(host, identity.namespace, pod, API_PORT) as tunnel:
        yield Supervisor(pod, tunnel.port, context, timeout, lambda: tunnel.error)


def _why(error: BaseException) -> str:
    import aiohttp

    distrust = aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | ssl.SSLError
    if isinstance(error, distrust):
        return "its certificate was not signed by the authority that is trusted"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return "the connection broke off"
