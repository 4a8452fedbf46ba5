"""The sandbox's database."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.resources import CONFIG_MAP, DEPLOYMENT, POD
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import (
    CompactedError,
    ObjectExistsError,
    ObjectMissingError,
    StaleVersionError,
)

Json = dict[str, Any]


def config_map(name: str = "a", namespace: str = "ns", **data: str) -> Json:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)}


@pytest.fixture
def store() -> Store:
    return Store()


def test_every_write_takes_the_next_version(store: Store) -> None:
    first = store.create(CONFIG_MAP, config_map("a"))
    second = store.create(CONFIG_MAP, config_map("b"))
    assert int(second["metadata"]["resourceVersion"]) == int(first["metadata"]["resourceVersion"]) + 1


def test_an_update_that_changes_nothing_keeps_the_version(store: Store) -> None:
    made = store.create(CONFIG_MAP, config_map(x="1"))
    assert store.update(CONFIG_MAP, clone(made)) is made


def test_a_name_can_be_taken_once(store: Store) -> None:
    store.create(CONFIG_MAP, config_map())
    with pytest.raises(ObjectExistsError):
        store.create(CONFIG_MAP, config_map())


def test_an_update_of_an_older_version_is_refused(store: Store) -> None:
    old = store.create(CONFIG_MAP, config_map())
    store.update(CONFIG_MAP, {**config_map(x="1")})
    with pytest.raises(StaleVersionError):
        store.update(CONFIG_MAP, {**old, "data": {"x": "2"}})


def test_an_update_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(ObjectMissingError):
        store.update(CONFIG_MAP, config_map())


def test_what_is_wanted_raises_the_generation_and_status_does_not(store: Store) -> None:
    meta = {"name": "d", "namespace": "ns"}
    store.create(DEPLOYMENT, {"metadata": meta, "spec": {"replicas": 1}})
    reported = store.update(
        DEPLOYMENT, {"metadata": meta, "spec": {"replicas": 1}, "status": {"replicas": 1}}
    )
    assert reported["metadata"]["generation"] == 1
    scaled = store.update(DEPLOYMENT, {"metadata": meta, "spec": {"replicas": 2}})
    assert scaled["metadata"]["generation"] == 2


def test_a_finalizer_holds_a_deleted_object_until_it_is_taken_out(store: Store) -> None:
    store.create(
        CONFIG_MAP, config_map() | {"metadata": {"name": "a", "namespace": "ns", "finalizers": ["x/y"]}}
    )
    going = store.delete(CONFIG_MAP, "ns", "a")
    assert "deletionTimestamp" in going["metadata"]
    store.update(CONFIG_MAP, config_map())
    assert store.get(CONFIG_MAP, "ns", "a") is None


def test_a_subscription_sees_changes_of_its_type_in_order(store: Store) -> None:
    with store.subscribe(CONFIG_MAP) as changes:
        store.create(CONFIG_MAP, config_map())
        store.create(POD, {"metadata": {"name": "p", "namespace": "ns"}})
        store.delete(CONFIG_MAP, "ns", "a")
        seen = [change.type for change in iter(changes.pop, None)]
    assert seen == ["ADDED", "DELETED"]


def test_a_closed_subscription_sees_nothing_more(store: Store) -> None:
    changes = store.subscribe(CONFIG_MAP)
    changes.close()
    store.create(CONFIG_MAP, config_map())
    assert changes.pop() is None


def test_the_past_can_be_listed_until_it_is_compacted(store: Store) -> None:
    store.create(CONFIG_MAP, config_map("a"))
    then = store.version
    store.create(CONFIG_MAP, config_map("b"))
    store.delete(CONFIG_MAP, "ns", "a")
    assert [record.object["metadata"]["name"] for record in store.records_at(CONFIG_MAP, "ns", then)] == ["a"]
    store.compact()
    with pytest.raises(CompactedError):
        store.records_at(CONFIG_MAP, "ns", then)


def test_the_history_is_bounded() -> None:
    store = Store(history=2)
    for name in "abc":
        store.create(CONFIG_MAP, config_map(name))
    with pytest.raises(CompactedError):
        store.changes_since(CONFIG_MAP, 1)
    assert len(store.changes_since(CONFIG_MAP, 2)) == 2


def test_lists_are_ordered_by_namespace_and_name(store: Store) -> None:
    for namespace, name in (("b", "x"), ("a", "z"), ("a-", "y"), ("a", "x")):
        store.create(CONFIG_MAP, config_map(name, namespace))
    found = [(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in store.list(CONFIG_MAP)]
    assert found == [("a", "x"), ("a", "z"), ("a-", "y"), ("b", "x")]
    assert [obj["metadata"]["name"] for obj in store.list(CONFIG_MAP, "a")] == ["x", "z"]


def test_a_dumped_store_can_be_loaded(store: Store) -> None:
    made = store.create(CONFIG_MAP, config_map(x="1"))
    other = Store()
    other.load(store.dump())
    assert other.list(CONFIG_MAP) == [made]
    assert other.version == store.version
    with pytest.raises(CompactedError):
        other.changes_since(CONFIG_MAP, 1)
