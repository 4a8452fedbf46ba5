"""The shared secrets of a control plane that are not certificates."""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from k3k_core.errors import K3kError

SERVER_KEY = "server"
AGENT_KEY = "agent"
IDENTITIES_KEY = "identities.csv"
DATASTORE_KEY = "datastore-endpoint"
NODE_KEY = "node-password"

# Powerless by itself: every authenticated user may read /livez, /readyz and /version.
PROBE_USER = "k3k:probe"
# May read /metrics and the health paths through the built-in ClusterRole of its group, and nothing else.
MONITOR_USER = "k3k:monitor"
MONITOR_GROUP = "system:monitoring"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Join tokens, the two bearer identities, and an external datastore's address.

    Attributes:
        server: lets a server join; can read the CA keys.
        agent: lets an agent join; never equal to `server` unless the user insists.
        probe: bearer token of the kubelet's probes.
        monitor: bearer token of metrics scrapers.
        datastore_endpoint: DSN of an external datastore given in the values, else empty.
        node: password by which k3s knows a server's own node name again; empty while it is made from the others.
    """

    server: str = field(repr=False)
    agent: str = field(repr=False)
    probe: str = field(repr=False)
    monitor: str = field(repr=False)
    datastore_endpoint: str = field(default="", repr=False)
    node: str = field(default="", repr=False)

    @property
    def node_password(self) -> str:
        """Password by which k3s knows a server's own node name again when its pod is made anew.

        k3s would generate one into a file that goes with the pod, and then not recognise itself. Once stored it
        stays, whatever becomes of the other tokens.
        """
        if self.node:
            return self.node
        text = f"k3k:node-password\0{self.server}\0{self.probe}\0{self.monitor}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def to_secret_data(self) -> dict[str, str]:
        """Return keys and contents as the tokens Secret holds them (not yet base64)."""
        data = {
            SERVER_KEY: self.server,
            AGENT_KEY: self.agent,
            IDENTITIES_KEY: _identities(self.probe, self.monitor),
            NODE_KEY: self.node_password,
        }
        if self.datastore_endpoint:
            data[DATASTORE_KEY] = self.datastore_endpoint
        return data

    @classmethod
    def from_secret_data(cls, data: Mapping[str, str]) -> Tokens:
        """Read back what `to_secret_data` wrote.

        Args:
            data: decoded contents of the tokens Secret.

        Raises:
            K3kError: a token is missing; the message names it, never its value.
        """
        rows = csv.reader(io.StringIO(data.get(IDENTITIES_KEY, "")))
        by_user = {row[1]: row[0] for row in rows if len(row) > 1}
        server, agent = data.get(SERVER_KEY, ""), data.get(AGENT_KEY, "")
        probe, monitor = by_user.get(PROBE_USER, ""), by_user.get(MONITOR_USER, "")
        found = {
            SERVER_KEY: server,
            AGENT_KEY: agent,
            f"{IDENTITIES_KEY} for {PROBE_USER}": probe,
            f"{IDENTITIES_KEY} for {MONITOR_USER}": monitor,
        }
        if missing := [name for name, value in found.items() if not value]:
            raise K3kError(
                f"The tokens Secret lacks {', '.join(missing)}.",
                hint="Restore the Secret from a backup: the datastore is encrypted with the server token.",
            )
        return cls(server, agent, probe, monitor, data.get(DATASTORE_KEY, ""), data.get(NODE_KEY, ""))


def new_tokens(
    given_server: str | None = None, given_agent: str | None = None, *, datastore_endpoint: str | None = None
) -> Tokens:
    """Return the tokens of a new control plane, generating those that are not given.

    Args:
        given_server: server token from the values.
        given_agent: agent token from the values.
        datastore_endpoint: DSN from the values.
    """
    made = Tokens(
        server=given_server or _generate(),
        agent=given_agent or _generate(),
        probe=_generate(),
        monitor=_generate(),
        datastore_endpoint=datastore_endpoint or "",
    )
    return replace(made, node=made.node_password)


def _generate() -> str:
    """128 random bits in hex, the form of the passwords that k3s makes."""
    return secrets.token_hex(16)


def _identities(probe: str, monitor: str) -> str:
    """Return a kube-apiserver `--token-auth-file`: token, user, uid and optionally groups, a line each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([probe, PROBE_USER, "probe"])
    writer.writerow([monitor, MONITOR_USER, "monitor", MONITOR_GROUP])
    return out.getvalue()
