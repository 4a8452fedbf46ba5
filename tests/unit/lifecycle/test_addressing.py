"""Load balancers that move to another address."""

from __future__ import annotations

from collections import deque
from typing import Any, cast

import pytest

from k3k_core.host import HostApi, WatchEvent
from k3k_core.lifecycle.addressing import await_other_address
from tests.support.fake_host import ScriptedHost, listing

pytestmark = pytest.mark.looptime


def service(address: str, version: int = 1) -> dict[str, Any]:
    ingress = [{"ip": address}] if address else []
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "one-k3k", "namespace": "shop", "resourceVersion": str(version)},
        "spec": {"type": "LoadBalancer", "loadBalancerIP": "203.0.113.8"},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def host(*seen: dict[str, Any]) -> HostApi:
    first, *later = seen
    events = tuple(WatchEvent("MODIFIED", item) for item in later)
    scripted = ScriptedHost(deque([listing(1, [first])]), deque([events]))
    return cast("HostApi", scripted)


async def test_the_old_address_is_not_taken_for_the_one_that_was_asked_for() -> None:
    moving = host(service("203.0.113.7"), service("", 2), service("203.0.113.8", 3))
    found = await await_other_address(moving, service("203.0.113.7"), timeout=8.0)
    assert found == service("203.0.113.8", 3)


async def test_a_load_balancer_that_does_not_move_is_waited_for_no_longer_than_told() -> None:
    staying = host(service("203.0.113.7"))
    found = await await_other_address(staying, service("203.0.113.7"), timeout=8.0)
    assert found == service("203.0.113.7")
