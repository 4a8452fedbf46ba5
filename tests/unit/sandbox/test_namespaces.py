"""Namespaces: what each is given, and how one ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from k3k_core.resources import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from k3k_core.sandbox.controllers.namespaces import NamespaceController
from k3k_core.sandbox.controllers.pods import condition
from tests.support.control_loop import ControlLoop, control_loop

TYPES = (NAMESPACE, CONFIG_MAP, SERVICE_ACCOUNT)
pytestmark = pytest.mark.looptime


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    async with control_loop(
        lambda client, _: [NamespaceController(client, lambda: TYPES, "PEM")], TYPES
    ) as running:
        yield running


async def mark_terminating(loop: ControlLoop) -> None:
    loop.store.mark_deleted(NAMESPACE, None, "ns", grace=0)
    await loop.manager.settled()
    await asyncio.sleep(1)


async def test_a_namespace_gets_its_service_account_and_root_ca(loop: ControlLoop) -> None:
    assert loop.names(SERVICE_ACCOUNT) == ["default"]
    assert loop.get(CONFIG_MAP, "kube-root-ca.crt")["data"] == {"ca.crt": "PEM"}


async def test_they_come_back_when_somebody_deletes_them(loop: ControlLoop) -> None:
    await loop.delete(CONFIG_MAP, "kube-root-ca.crt")
    assert "kube-root-ca.crt" in loop.names(CONFIG_MAP)


async def test_a_terminating_namespace_is_emptied_and_removed(loop: ControlLoop) -> None:
    await loop.put(CONFIG_MAP, {"metadata": {"name": "x", "namespace": "ns"}})
    await mark_terminating(loop)
    assert [loop.names(resource) for resource in TYPES] == [[], [], []]


async def test_a_finalizer_holds_it_and_the_conditions_say_so(loop: ControlLoop) -> None:
    held = {"metadata": {"name": "x", "namespace": "ns", "finalizers": ["k3k.test/hold"]}}
    await loop.put(CONFIG_MAP, held)
    await mark_terminating(loop)
    namespace = loop.get(NAMESPACE, "ns", None)
    remaining = condition(namespace, "NamespaceFinalizersRemaining")
    assert remaining is not None
    assert (remaining["status"], remaining["reason"], remaining["message"]) == (
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: k3k.test/hold in 1 resource instances",
    )
    content = condition(namespace, "NamespaceContentRemaining")
    assert content is not None
    assert content["message"] == "Some resources are remaining: configmaps. has 1 resource instances"
    await loop.change(CONFIG_MAP, "x", lambda obj: obj["metadata"].pop("finalizers"))
    assert loop.names(NAMESPACE) == []
