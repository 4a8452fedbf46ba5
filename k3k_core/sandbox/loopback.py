"""Addresses of the sandbox in 127.0.0.0/8: one for each thing that listens, so that all can use one port.

Linux answers on the whole of 127.0.0.0/8. Where only 127.0.0.1 exists (macOS without aliases) one listener a
port is all there is, and the rest are refused with a clear reason.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import socket
from collections.abc import Iterator

# 127.0.0.0/10 is left to others: 127.0.0.1 and 127.0.0.53 live there.
_FIRST = int(ipaddress.IPv4Address("127.64.0.0"))
_SIZE = 1 << 22
_ATTEMPTS = 64


class NoAddressError(Exception):
    """No address on loopback can take the port; the text says why."""


def is_loopback(address: str) -> bool:
    """Whether a text is an address in 127.0.0.0/8."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network("127.0.0.0/8")
    except ValueError:
        return False


def candidates(seed: int, purpose: str) -> Iterator[str]:
    """Yield addresses to try, the same ones in the same order for the same seed and purpose.

    Args:
        seed: of the sandbox.
        purpose: what the address is for, e.g. "service/default/web".
    """
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    start = int.from_bytes(digest[:4], "big")
    stride = int.from_bytes(digest[4:6], "big") | 1
    for attempt in range(_ATTEMPTS):
        offset = (start + attempt * stride) % _SIZE
        address = ipaddress.IPv4Address(_FIRST + offset)
        if address.packed[3] not in {0, 255}:
            yield str(address)
    yield "127.0.0.1"


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: the address or the port is not to be had.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(128)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def hold(address: str, port: int) -> socket.socket:
    """Return a UDP socket that only one process can have: it marks an address as taken before anybody listens.

    Raises:
        OSError: another one has it, or the address is not to be had.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def reserve(port: int, *, seed: int, purpose: str, preferred: str = "") -> tuple[str, socket.socket]:
    """Find an address whose port is free and listen there; it is taken from the moment this returns.

    Args:
        port: TCP port.
        seed: of the sandbox.
        purpose: what the address is for.
        preferred: address to try first, e.g. the one it had before a restart.

    Returns:
        The address and the listening socket, which the caller owns.

    Raises:
        NoAddressError: none of the addresses tried can take the port.
    """
    tried = [preferred] if preferred else []
    reason = ""
    for address in (*tried, *candidates(seed, purpose)):
        try:
            return address, listen(address, port)
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in {errno.EACCES, errno.EMFILE, errno.ENFILE}:
                break
    raise NoAddressError(f"no address in 127.0.0.0/8 takes TCP port {port}: {reason}")
