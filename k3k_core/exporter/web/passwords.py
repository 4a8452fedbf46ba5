"""Basic authentication against bcrypt hashes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

# A password that is right is remembered by a keyed digest: bcrypt costs some 70 ms, and Prometheus comes often.
_REMEMBERED = 256
# More that wait than this are turned away: bcrypt is a good way to keep a machine busy.
_WAITING = 16
# Hashing takes as long for users there are not: a hash of nothing anybody knows, at the usual cost.
_NOBODY = "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
# bcrypt itself looks at no more bytes of a password.
_LONGEST = 72


class TooManyError(Exception):
    """Too many passwords wait to be checked."""


class Passwords:
    """Checks passwords, one at a time, away from the event loop."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def accept(self, authorization: str, users: Mapping[str, str]) -> bool:
        """Return whether a request comes from a user who knows the password.

        Args:
            authorization: the request's `Authorization` header, empty for none.
            users: bcrypt hashes by name.

        Raises:
            TooManyError: too many others are being checked.
        """
        given = _credentials(authorization)
        if given is None:
            return False
        name, password = given
        known = users.get(name)
        mark = self._mark(known or "", name, password)
        if mark in self._right:
            return True
        if self._waiting >= _WAITING:
            raise TooManyError
        self._waiting += 1
        try:
            async with self._turn:
                right = await asyncio.to_thread(_check, password, known or _NOBODY)
        finally:
            self._waiting -= 1
        if not right or known is None:
            return False
        while len(self._right) >= _REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right[mark] = None
        return True

    def _mark(self, hashed: str, name: str, password: bytes) -> bytes:
        parts = (hashed.encode(), name.encode(), password)
        message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._secret, message, "sha256")


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _check(password: bytes, hashed: str) -> bool:
    import bcrypt

    try:
        return bcrypt.checkpw(password[:_LONGEST], hashed.encode())
    except ValueError:
        return False
