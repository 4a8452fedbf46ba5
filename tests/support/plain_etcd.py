"""A real etcd of one member on loopback, without TLS: one that somebody else runs."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def plain_etcd(folder: Path) -> Iterator[str]:
    """Run an etcd for the time of a block and give its endpoint.

    Args:
        folder: for its data.
    """
    client, peer = (f"http://127.0.0.1:{port}" for port in _free_ports(2))
    command = ["etcd", "--data-dir", str(folder / "etcd"), "--initial-cluster", f"default={peer}"]
    command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
    command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
    with (folder / "etcd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield client
        finally:
            process.kill()
            process.wait()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
