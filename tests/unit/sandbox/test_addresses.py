"""Addresses of simulated pods, of several sandboxes at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from k3k_core.names import API_PORT
from k3k_core.sandbox import loopback
from k3k_core.sandbox.node.addresses import Addresses


@pytest.fixture
def seed() -> int:
    return secrets.randbits(32)


@pytest.fixture
def first(seed: int) -> Iterator[Addresses]:
    made = Addresses(seed)
    yield made
    made.close()


@pytest.fixture
def second(seed: int) -> Iterator[Addresses]:
    made = Addresses(seed)
    yield made
    made.close()


def test_an_address_stays_with_its_purpose(first: Addresses) -> None:
    assert first.of("pod/ns/web-0") == first.of("pod/ns/web-0") != first.of("pod/ns/web-1")


def test_two_sandboxes_of_one_seed_never_have_one_address_though_nobody_listens_yet(
    first: Addresses, second: Addresses
) -> None:
    assert first.of("pod/ns/web-0") != second.of("pod/ns/web-0")


def test_an_address_that_was_given_back_is_had_by_the_next(first: Addresses, second: Addresses) -> None:
    address = first.of("pod/ns/web-0")
    first.release("pod/ns/web-0")
    assert second.of("pod/ns/web-0") == address


def test_an_address_on_which_somebody_listens_is_passed_over(seed: int, first: Addresses) -> None:
    preferred = next(loopback.candidates(seed, "pod/ns/web-0"))
    with loopback.listen(preferred, API_PORT):
        assert first.of("pod/ns/web-0") != preferred


def test_a_pod_can_listen_on_an_address_that_is_held_for_it(first: Addresses) -> None:
    loopback.listen(first.of("pod/ns/web-0"), API_PORT).close()
