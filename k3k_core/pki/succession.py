"""Exchanging authorities: the next one is trusted by whoever trusts the one before, and may later stand alone.

    old root  ──signs──▶  new root (cross-signed)  ─┐
                          new root (self-signed)   ─┴─ the same key ──signs──▶  new authority ──▶ leaves

The bundle holds the new authority first, then the cross-signed root, the self-signed root and the old root. Whoever
shows a leaf shows the new authority and the cross-signed root with it, so that those who know only the old root find
their way up, and those who know only the new one do, too. It is the form that k3s takes
(https://docs.k3s.io/cli/certificate#rotating-self-signed-ca-certificates). The cross-signed root comes before the
self-signed one because OpenSSL goes up by the first certificate that fits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from k3k_core.pki.bundles import certificates_of, keys_of, roots_of
from k3k_core.pki.issue import CA_LIFETIME, issue_authority
from k3k_core.pki.model import Authority, ControlPlanePki

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {
    "server_ca": "k3s-server-ca",
    "client_ca": "k3s-client-ca",
    "request_header_ca": "k3s-request-header-ca",
    "etcd_server_ca": "etcd-server-ca",
    "etcd_peer_ca": "etcd-peer-ca",
}


def succeeding_pki(current: ControlPlanePki, now: datetime) -> ControlPlanePki:
    """Return the next authorities of a control plane, trusted together with those there are.

    The service-account key stays: it signs tokens, and has nothing to do with certificates.

    Args:
        current: the authorities there are, each with a single root.
        now: the current time.
    """
    return _each(current, lambda name, each: succeeding_authority(each, name, now))


def standing_alone(current: ControlPlanePki) -> ControlPlanePki:
    """Return the same authorities without those before them: nothing those signed is trusted any more.

    Args:
        current: authorities as `succeeding_pki` returned them.
    """
    return _each(current, lambda _, each: _alone(each))


def overlaps(authority: Authority) -> bool:
    """Tell whether the authority before is still trusted.

    Args:
        authority: of a control plane.
    """
    return len(roots_of(authority.cert_pem)) > 1


def succeeding_authority(
    current: Authority, name: str, now: datetime, lifetime: timedelta = CA_LIFETIME
) -> Authority:
    """Return the next authority: a new root that the old one signs as well, and a new authority below it.

    Args:
        current: the one before, with a single root.
        name: its common name is this, "@" and the time in Unix seconds.
        now: the current time.
        lifetime: how long it lives.
    """
    old_root = Authority(roots_of(current.cert_pem)[0], keys_of(current.key_pem)[-1])
    root = issue_authority(f"{name}-root", now, lifetime)
    crossed = issue_authority(f"{name}-root", now, lifetime, signer=old_root, key_pem=root.key_pem)
    below = issue_authority(name, now, lifetime, signer=root)
    return Authority(
        cert_pem=below.cert_pem + crossed.cert_pem + root.cert_pem + old_root.cert_pem,
        key_pem=below.key_pem + root.key_pem,
    )


def _alone(authority: Authority) -> Authority:
    if not overlaps(authority):
        return authority
    certificates, roots = certificates_of(authority.cert_pem), roots_of(authority.cert_pem)
    return replace(authority, cert_pem=certificates[0] + roots[0])


def _each(current: ControlPlanePki, change: Callable[[str, Authority], Authority]) -> ControlPlanePki:
    changed = {attribute: change(name, getattr(current, attribute)) for attribute, name in _NAMES.items()}
    return ControlPlanePki(service_key_pem=current.service_key_pem, **changed)
