"""Hosts that misbehave, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]


@contextmanager
def listening(behave: Behaviour) -> Iterator[str]:
    """Accept connections and hand each to `behave` in a thread; yields the URL.

    Args:
        behave: gets a connection whose request has not been read; the connection is closed when it returns.
    """
    server = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                behave(connection)
            except OSError:
                return

    def accept() -> None:
        while not stopping.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stopping.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


def answering(status: str, body: str, content_type: str = "application/json") -> Behaviour:
    """Answer every request of a connection in the same way.

    Args:
        status: e.g. "403 Forbidden".
        body: of the answer.
        content_type: of the body.
    """
    content = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n"
        "Connection: close\r\n\r\n"
    )

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head.encode() + content)

    return behave


def silent(connection: socket.socket) -> None:
    """Read and never answer, until the client goes away."""
    while connection.recv(65536):
        pass


def garbage(connection: socket.socket) -> None:
    """Answer with something that is not HTTP."""
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46 what is this\r\n\x00\xff" * 8)


def hanging_up(connection: socket.socket) -> None:
    """Close the connection once the request has come."""
    connection.recv(65536)


def refusing() -> str:
    """Return the URL of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
