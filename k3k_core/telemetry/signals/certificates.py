"""When certificates end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from k3k_core.telemetry.families import CERTIFICATES
from k3k_core.telemetry.observation import Observation
from k3k_core.telemetry.signals.columns import SeriesReader
from k3k_core.telemetry.signals.gauges import moment, name_of
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import CertificateSignal
from k3k_core.telemetry.signals.pairs import Pair

Source = Literal["handshake", "page", "secret"]

DAY: Final = 86_400.0

SERVING: Final = "serving"
"""Name of the certificate that a server shows."""

MAX_CERTIFICATES: Final = 100
"""Certificates that are named, the first to expire first; a k3s server has about 15."""


def _subject(labels: Labels) -> tuple[str, str]:
    return name_of(labels.get("subject", "")), labels.get("usages", "")


_SECONDS_LEFT: Final = SeriesReader(_subject)


def certificate_signals(observation: Observation, pairs: Iterable[Pair]) -> tuple[CertificateSignal, ...]:
    """Return every certificate that is known, the first to expire first.

    k3s works out the seconds that its own files have left every 30 minutes only, so that their expiry may be said
    up to 30 minutes too late.

    Args:
        observation: the round; days are counted from when it began.
        pairs: the pages that were read.
    """
    found: dict[tuple[str, str, str], CertificateSignal] = {}

    def add(certificate: CertificateSignal | None) -> None:
        if certificate is None:
            return
        key = (certificate.source, certificate.server, certificate.name)
        # Several files bear the same subject: the first to expire is the one to know of.
        if key not in found or certificate.expires_at < found[key].expires_at:
            found[key] = certificate

    for server in observation.servers:
        if server.probe is not None:
            add(
                _certificate(
                    SERVING, server.server, server.probe.certificate_expires_at, "handshake", observation.at
                )
            )
    for pair in pairs:
        family = CERTIFICATES.find(pair.page)
        for (subject, _), left in (_SECONDS_LEFT.values(family) if family is not None else {}).items():
            add(_certificate(subject, pair.server, pair.at + left, "page", observation.at))
    for name, expires_at in observation.authorities:
        add(_certificate(name, "", expires_at, "secret", observation.at))
    order = sorted(found.values(), key=lambda signal: (signal.expires_at, signal.name, signal.server))
    return tuple(order[:MAX_CERTIFICATES])


def _certificate(
    name: str, server: str, expires_at: float | None, source: Source, at: float
) -> CertificateSignal | None:
    ends = moment(expires_at)
    return None if ends is None else CertificateSignal(name, server, ends, (ends - at) / DAY, source)
