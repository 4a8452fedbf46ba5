"""HTTP to one API server: kubernetes_asyncio's connections under our own requests.

The one module that knows kubernetes_asyncio. Used are its TLS set-up and its connection pool. Left out on
purpose (measured on 36.1.0): its requests, which have no time-outs; its session, which sends `~/.netrc`
credentials and proxies loopback (`trust_env`); its watch and its dynamic client, which hide errors.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
from yarl import URL

from k3k_core import __version__
from k3k_core.errors import UsageError
from k3k_core.host.connection import Connection
from k3k_core.host.credentials import Credential
from k3k_core.host.private_files import private_files
from k3k_core.host.requests import Request

CONNECT_TIMEOUT = 5.0
# Reading ahead this much keeps a large watch event or page from stalling the connection.
_READ_BUFFER = 2**20
# Seconds a server may take to answer our leaving a WebSocket.
_GOODBYE = 2.0


class Transport:
    """Connections to one API server with one client certificate.

    Args:
        connection: the host.
        pool: kubernetes_asyncio's API client.
        connect_timeout: seconds to reach the server, TLS included.
    """

    def __init__(self, connection: Connection, pool: Any, *, connect_timeout: float) -> None:
        self._pool = pool
        self._server = connection.server
        self._connect_timeout = connect_timeout
        self._options: dict[str, Any] = {"allow_redirects": False}
        if connection.proxy:
            self._options["proxy"] = connection.proxy
        if connection.tls_server_name:
            self._options["server_hostname"] = connection.tls_server_name
        self._session = aiohttp.ClientSession(
            connector=pool.rest_client.pool_manager.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_BUFFER,
            headers=[("User-Agent", f"k3k/{__version__}"), *connection.login.impersonation],
        )

    async def send(
        self, request: Request, authorization: str, *, silence: float | None = None
    ) -> aiohttp.ClientResponse:
        """Send a request and return the answer once its headers are there; the caller closes it.

        Args:
            request: what to send.
            authorization: value of the Authorization header, or "".
            silence: seconds between two pieces of the answer after which the connection counts as dead.

        Raises:
            aiohttp.ClientError: no answer; `failures.unreachable` words it.
        """
        headers = {
            "Accept": request.accept,
            "Accept-Encoding": "gzip" if request.compressed else "identity",
        }
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if authorization:
            headers["Authorization"] = authorization
        timeout = aiohttp.ClientTimeout(
            connect=self._connect_timeout, sock_connect=self._connect_timeout, sock_read=silence
        )
        return await self._session.request(
            request.method,
            URL(self._server + request.path, encoded=True),
            data=request.body,
            headers=headers,
            timeout=timeout,
            **self._options,
        )

    async def upgrade(
        self, request: Request, authorization: str, *, protocols: tuple[str, ...]
    ) -> aiohttp.ClientWebSocketResponse:
        """Turn a request into a WebSocket; the caller closes it.

        Args:
            request: what to ask for.
            authorization: value of the Authorization header, or "".
            protocols: WebSocket subprotocols, the best first.

        Raises:
            aiohttp.WSServerHandshakeError: the server answered something else.
            aiohttp.ClientError: no answer; `failures.unreachable` words it.
        """
        options = {key: value for key, value in self._options.items() if key != "allow_redirects"}
        async with asyncio.timeout(self._connect_timeout * 2):
            socket: aiohttp.ClientWebSocketResponse = await self._session.ws_connect(
                URL(self._server + request.path, encoded=True),
                protocols=protocols,
                headers={"Authorization": authorization} if authorization else {},
                max_msg_size=_READ_BUFFER,
                timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE),
                **options,
            )
            return socket

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        await self._pool.close()


async def open_transport(
    connection: Connection, credential: Credential, *, request_timeout: float
) -> Transport:
    """Set up connections to a host; nothing is sent yet.

    Raises:
        UsageError: a certificate or key is not usable.
    """
    # The import takes a third of a second; in a thread it does not stop a running event loop for long.
    client = await asyncio.to_thread(_import_client)
    with private_files(connection.authority, credential.certificate, credential.key) as files:
        pool = _pool(client, connection, credential, files)
    return Transport(connection, pool, connect_timeout=min(CONNECT_TIMEOUT, request_timeout))


def _import_client() -> Any:
    from kubernetes_asyncio import client

    return client


def _pool(client: Any, connection: Connection, credential: Credential, files: tuple[str | None, ...]) -> Any:
    authority, certificate, key = files
    # A configuration of our own: the library's process-wide default would mix up hosts.
    configuration = client.Configuration(host=connection.server)
    configuration.ssl_ca_cert = authority
    configuration.cert_file = certificate
    configuration.key_file = key
    configuration.verify_ssl = not connection.insecure
    # Python 3.13 refuses authorities without key identifiers, which many clusters have and kubectl accepts.
    configuration.disable_strict_ssl_verification = True
    # 0 means no limit: open watches must not keep requests waiting; the client bounds those itself.
    configuration.connection_pool_maxsize = 0
    try:
        if key is not None and b"ENCRYPTED" in credential.key:
            # OpenSSL would ask for the pass phrase on the terminal.
            raise ValueError("encrypted")
        return client.ApiClient(configuration)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise UsageError(
            f"Host {connection.name!r}: {_broken_material(connection, files, error)}.",
            hint="Correct the certificates in the kubeconfig.",
        ) from None


def _broken_material(connection: Connection, files: tuple[str | None, ...], error: Exception) -> str:
    if str(error) == "encrypted":
        return "the client key is encrypted, and k3k does not ask for pass phrases"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the client key does not belong to the client certificate"
    if files[1] is not None and files[2] is None:
        return "the client certificate comes without its key"
    if files[0] is not None and not _is_authority(connection.authority):
        return "certificate-authority holds no certificate"
    return "the client certificate or its key is not usable PEM"


def _is_authority(pem: bytes) -> bool:
    try:
        ssl.create_default_context(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return False
    return True
