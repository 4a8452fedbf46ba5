"""What one round of asking a control plane's servers brought home, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from k3k_core.telemetry.page import Page


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer of one server to `/readyz?verbose`, and the certificate it showed.

    Attributes:
        ready: whether it answered 200.
        round_trip: seconds from the request to the whole answer.
        failing: names of the failing checks.
        certificate_expires_at: when the serving certificate ends, seconds since 1970; None when unknown.
    """

    ready: bool
    round_trip: float
    failing: tuple[str, ...] = ()
    certificate_expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class ServerObservation:
    """What one server (or etcd member) answered.

    Attributes:
        server: name of the server, such as "storefront-k3k-server-0"; "endpoint" behind a load balancer.
        probe: None when it did not answer the probe, or was not asked (etcd members).
        probe_error: why it did not, one sentence without secrets.
        page: None when the page could not be read.
        page_error: why it could not, one sentence without secrets.
        page_at: seconds since 1970 when the page's first byte came.
    """

    server: str
    probe: Probe | None = None
    probe_error: str = ""
    page: Page | None = None
    page_error: str = ""
    page_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One round.

    Attributes:
        at: seconds since 1970 when the round began.
        servers: the servers asked; never empty.
        etcd: members of a dedicated etcd of ours, where they can be reached.
        datastore: "sqlite", "etcd" or "external" as the host says; empty when unknown.
        authorities: expiry of the authorities in the host's Secrets, (name, seconds since 1970).
    """

    at: float
    servers: tuple[ServerObservation, ...]
    etcd: tuple[ServerObservation, ...] = ()
    datastore: str = ""
    authorities: tuple[tuple[str, float], ...] = ()
