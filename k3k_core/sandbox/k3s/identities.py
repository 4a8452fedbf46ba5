"""Who may knock at a k3s server: users of its token file, and the join tokens."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from dataclasses import dataclass, field

from k3k_core.sandbox.api.authn import AUTHENTICATED, User


def read_token_file(text: str) -> dict[str, User]:
    """Read a kube-apiserver `--token-auth-file`: token, user, uid and optionally groups.

    Args:
        text: CSV.

    Returns:
        Identities by bearer token.

    Raises:
        ValueError: a line has fewer than three columns.
    """
    identities: dict[str, User] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row:
            continue
        if len(row) < 3:
            raise ValueError(f"token file: line {number} has {len(row)} columns, at least 3 are needed")
        groups = [group.strip() for group in row[3].split(",")] if len(row) > 3 and row[3] else []
        identities[row[0]] = User(row[1], (*groups, AUTHENTICATED), row[2])
    return identities


@dataclass(frozen=True, slots=True)
class JoinTokens:
    """The passwords with which servers and agents join.

    Attributes:
        server: password of user `server`.
        agent: password of user `node`.
    """

    server: str = field(repr=False)
    agent: str = field(repr=False)

    def role(self, authorization: str) -> str | None:
        """Return "server" or "agent" for a basic authorization header, None when it is neither."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if user == "server" and password == self.server:
            return "server"
        return "agent" if user == "node" and password in {self.agent, self.server} else None


def password_of(token: str) -> str:
    """Return the password in a join token: what follows `K10<hash>::<user>:` in the full form."""
    text = token.strip()
    if text.startswith("K10") and "::" in text:
        return text.partition("::")[2].partition(":")[2]
    return text
