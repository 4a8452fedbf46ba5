"""One connection to a pod's port over a WebSocket of the host's API.

The subprotocol `v4.channel.k8s.io` is the kubelet's (k8s.io/kubelet, pkg/cri/streaming/portforward): the first
byte of a message is a channel, 0 for data and 1 for errors of the first port; the first message of each channel
is the port's number, two bytes, little-endian. A side that is done closes the whole connection.
"""

from __future__ import annotations

import aiohttp

from k3k_core.errors import UnreachableError
from k3k_core.host.connection import Connection
from k3k_core.host.failures import unreachable, where
from k3k_core.host.redaction import redact
from k3k_core.host.requests import Request

PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERRORS = 0, 1
_PORT_BYTES = 2
# Larger pieces are cut: a message must fit what servers accept.
_PIECE = 64 * 1024
_SHOWN = 300


class PortForward:
    """A byte stream to a port of a pod.

    Args:
        connection: the host it goes through.
        request: what was asked for, for messages.
        socket: the WebSocket; its owner closes it.
    """

    def __init__(
        self, connection: Connection, request: Request, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._connection = connection
        self._request = request
        self._socket = socket
        self._announced: set[int] = set()

    async def read(self) -> bytes:
        """Return the next bytes; none once the pod has closed the connection.

        Raises:
            UnreachableError: nothing listens on the port, or the connection broke.
        """
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.ERROR:
                raise self._broken(message.data)
            if message.type is not aiohttp.WSMsgType.BINARY:
                return b""
            piece = self._piece(message.data)
            if piece:
                return piece

    async def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            UnreachableError: the connection broke.
        """
        try:
            for start in range(0, len(data), _PIECE):
                await self._socket.send_bytes(bytes((_DATA,)) + data[start : start + _PIECE])
        except (aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from None

    def _piece(self, message: bytes) -> bytes:
        """Return the data of one message; none for what announces a channel."""
        if not message:
            return b""
        channel, content = message[0], message[1:]
        if channel not in self._announced:
            self._announced.add(channel)
            if len(content) != _PORT_BYTES:
                raise self._refused("it does not speak the port-forward protocol")
            return b""
        if channel == _DATA:
            return content
        if channel == _ERRORS and content:
            raise self._refused(redact(content.decode(errors="replace"))[:_SHOWN].strip())
        return b""

    def _refused(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"{where(self._connection)} could not {self._request.doing}: {why}.",
            hint="Check that the pod runs and listens on that port.",
        )

    def _broken(self, error: object) -> UnreachableError:
        if isinstance(error, BaseException):
            return unreachable(self._connection, self._request, error)
        return UnreachableError(f"{where(self._connection)} broke the connection ({self._request.doing}).")
