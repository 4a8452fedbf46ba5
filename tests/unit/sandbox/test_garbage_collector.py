"""The garbage collector: what goes with its owner, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import CONFIG_MAP, NAMESPACE, SECRET, SERVICE
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from tests.support.control_loop import ControlLoop, control_loop

TYPES = (NAMESPACE, SECRET, CONFIG_MAP, SERVICE)


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    async with control_loop(lambda client, _: [GarbageCollector(client)], TYPES) as running:
        yield running


def named(name: str, *owners: dict[str, Any], finalizers: tuple[str, ...] = ()) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": "ns"}
    if owners:
        meta["ownerReferences"] = list(owners)
    if finalizers:
        meta["finalizers"] = list(finalizers)
    return {"metadata": meta}


def owned_by(owner: dict[str, Any], *, blocking: bool = False) -> dict[str, Any]:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    return {**reference, "blockOwnerDeletion": True} if blocking else reference


async def test_dependents_go_with_their_owner_through_all_generations(loop: ControlLoop) -> None:
    root = await loop.put(SECRET, named("root"))
    child = await loop.put(CONFIG_MAP, named("child", owned_by(root)))
    await loop.put(SERVICE, named("grandchild", owned_by(child)))
    await loop.put(CONFIG_MAP, named("stranger"))
    await loop.delete(SECRET, "root")
    assert loop.names(CONFIG_MAP) == ["stranger"]
    assert loop.names(SERVICE) == []


async def test_a_dependent_whose_owner_never_existed_is_deleted(loop: ControlLoop) -> None:
    await loop.put(SECRET, named("root"))
    ghost = {
        "apiVersion": "v1",
        "kind": "Secret",
        "name": "root",
        "uid": "unknown",
    }
    await loop.put(CONFIG_MAP, named("child", ghost))
    assert loop.names(CONFIG_MAP) == []


async def test_a_dependent_stays_while_one_owner_is_left_and_forgets_the_other(loop: ControlLoop) -> None:
    one = await loop.put(SECRET, named("one"))
    two = await loop.put(SECRET, named("two"))
    await loop.put(CONFIG_MAP, named("child", owned_by(one), owned_by(two)))
    await loop.delete(SECRET, "one")
    references = loop.get(CONFIG_MAP, "child")["metadata"]["ownerReferences"]
    assert [reference["name"] for reference in references] == ["two"]


async def test_orphaning_keeps_the_dependents_and_takes_out_their_reference(loop: ControlLoop) -> None:
    root = await loop.put(SECRET, named("root"))
    await loop.put(CONFIG_MAP, named("child", owned_by(root, blocking=True)))
    await loop.delete(SECRET, "root", propagation="Orphan")
    assert loop.names(SECRET) == []
    assert "ownerReferences" not in loop.get(CONFIG_MAP, "child")["metadata"]


async def test_in_the_foreground_the_owner_waits_for_blocking_dependents(loop: ControlLoop) -> None:
    root = await loop.put(SECRET, named("root"))
    await loop.put(CONFIG_MAP, named("held", owned_by(root, blocking=True), finalizers=("test/hold",)))
    await loop.delete(SECRET, "root", propagation="Foreground")
    waiting = loop.get(SECRET, "root")["metadata"]
    assert waiting["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in loop.get(CONFIG_MAP, "held")["metadata"]
    await loop.change(CONFIG_MAP, "held", lambda held: held["metadata"].pop("finalizers"))
    assert loop.names(SECRET) == []
    assert loop.names(CONFIG_MAP) == []


async def test_in_the_foreground_other_dependents_do_not_hold_the_owner(loop: ControlLoop) -> None:
    root = await loop.put(SECRET, named("root"))
    await loop.put(CONFIG_MAP, named("held", owned_by(root), finalizers=("test/hold",)))
    await loop.delete(SECRET, "root", propagation="Foreground")
    assert loop.names(SECRET) == []
    assert "deletionTimestamp" in loop.get(CONFIG_MAP, "held")["metadata"]


async def test_a_new_owner_of_the_same_name_does_not_adopt(loop: ControlLoop) -> None:
    root = await loop.put(SECRET, named("root"))
    await loop.put(CONFIG_MAP, named("held", owned_by(root), finalizers=("test/hold",)))
    loop.store.delete(SECRET, "ns", "root")
    await loop.put(SECRET, named("root"))
    assert "deletionTimestamp" in loop.get(CONFIG_MAP, "held")["metadata"]
