"""Which stored admin kubeconfig can stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from k3k_core.lifecycle.kubeconfigs import RENEW_BEFORE, admin_kubeconfig, still_good
from k3k_core.manifests import Address
from k3k_core.names import ControlPlaneId
from k3k_core.pki import ADMIN_LIFETIME, ControlPlanePki, new_pki

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HERE = Address("203.0.113.7")
IDENTITY = ControlPlaneId("shop", "one")


@pytest.fixture(scope="module")
def pki() -> ControlPlanePki:
    return new_pki(NOW)


@pytest.fixture(scope="module")
def document(pki: ControlPlanePki) -> str:
    return admin_kubeconfig(IDENTITY, pki, HERE, now=NOW)


def test_a_fresh_one_stays(pki: ControlPlanePki, document: str) -> None:
    assert still_good(document, HERE, pki, NOW)


def test_one_near_its_end_does_not(pki: ControlPlanePki, document: str) -> None:
    assert not still_good(document, HERE, pki, NOW + ADMIN_LIFETIME - RENEW_BEFORE)


def test_one_for_another_address_does_not(pki: ControlPlanePki, document: str) -> None:
    assert not still_good(document, Address("203.0.113.8"), pki, NOW)


def test_one_of_another_authority_does_not(document: str) -> None:
    assert not still_good(document, HERE, new_pki(NOW), NOW)


@pytest.mark.parametrize("damaged", ["", "a: [", "clusters: []", "- 1", "users: [{user: 7}]"])
def test_a_damaged_one_does_not(pki: ControlPlanePki, damaged: str) -> None:
    assert not still_good(damaged, HERE, pki, NOW)


def test_an_ipv6_address_stands_in_brackets(pki: ControlPlanePki) -> None:
    parsed = yaml.safe_load(admin_kubeconfig(IDENTITY, pki, Address("2001:db8::7"), now=NOW))
    assert parsed["clusters"][0]["cluster"]["server"] == "https://[2001:db8::7]:6443"


def test_its_lifetime_is_the_stated_one(pki: ControlPlanePki, document: str) -> None:
    just_before = NOW + ADMIN_LIFETIME - RENEW_BEFORE - timedelta(hours=1)
    assert still_good(document, HERE, pki, just_before)
