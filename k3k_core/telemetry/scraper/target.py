"""What a scraper has to know of a control plane to read its pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from k3k_core.telemetry.signals.model import Signals


@dataclass(frozen=True, slots=True, order=True)
class TargetId:
    """Identity of a control plane in a fleet.

    Attributes:
        host: name of the host (kubeconfig context).
        namespace: host namespace.
        name: name of the control plane.
    """

    host: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """Where one server, or one member of an etcd, answers.

    Attributes:
        server: its name, such as "storefront-k3k-server-0"; "endpoint" behind a load balancer.
        url: "https://HOST:PORT"; members of an etcd "http://HOST:PORT".
        tls_server_name: name to expect in its certificate instead of the URL's host; empty for that one.
    """

    server: str
    url: str
    tls_server_name: str = ""


@dataclass(frozen=True, slots=True)
class ControlPlaneTarget:
    """One control plane to scrape.

    Attributes:
        id: which one.
        servers: its servers.
        ca_pem: what their certificates are verified against.
        token: bearer token of its monitoring identity (secret); empty when a client certificate is shown.
        client_certificate: PEM; empty for none.
        client_key: its key, PEM (secret).
        etcd: members of its dedicated etcd.
        datastore: "sqlite", "etcd" or "external" as the host says; empty when unknown.
        authorities: expiry of the authorities in the host's Secrets, (name, seconds since 1970).
    """

    id: TargetId
    servers: tuple[ServerTarget, ...]
    ca_pem: str
    token: str = field(repr=False)
    client_certificate: str = ""
    client_key: str = field(default="", repr=False)
    etcd: tuple[ServerTarget, ...] = ()
    datastore: str = ""
    authorities: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Scraped:
    """What one round over one control plane gave; it can be pickled.

    Attributes:
        id: which one.
        signals: computed from this round and the ones before.
        duration: seconds the round took.
        lag: seconds it began later than it should have.
        bytes_received: bytes that came over the network.
        errors: what went wrong, a sentence each, without secrets.
        order: larger for the later of two rounds over one control plane, whoever made them and whatever happens to
            the clock: seconds of the machine's monotonic clock.
    """

    id: TargetId
    signals: Signals
    duration: float
    lag: float
    bytes_received: int
    errors: tuple[str, ...] = ()
    order: float = 0.0
