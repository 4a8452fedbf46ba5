"""Merge patches, JSON patches and strategic merge patches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.sandbox.api.patches import json_patch, merge_patch, strategic_merge
from k3k_core.sandbox.api.schema import Type, builtin_type
from k3k_core.sandbox.api.statuses import ApiError

Json = dict[str, Any]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_changes_nothing_more(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


@given(JSON)
def test_a_merge_patch_on_nothing_is_itself_without_nulls(patch: Any) -> None:
    assert merge_patch({}, patch) == without_nulls(patch)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/b", "value": 2}], {"a": [1], "b": 2}),
        ([{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ([{"op": "add", "path": "/a/0", "value": 0}], {"a": [0, 1]}),
        ([{"op": "remove", "path": "/a"}], {}),
        ([{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9]}),
        ([{"op": "replace", "path": "/new", "value": 9}], {"a": [1], "new": 9}),
        ([{"op": "move", "from": "/a", "path": "/b"}], {"b": [1]}),
        ([{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        ([{"op": "test", "path": "/a/0", "value": 1}], {"a": [1]}),
        ([{"op": "add", "path": "/x~1y~0z", "value": 1}], {"a": [1], "x/y~z": 1}),
    ],
)
def test_a_json_patch_does_its_operations(operations: list[Json], expected: Json) -> None:
    assert json_patch({"a": [1]}, operations) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
        {"op": "add", "path": "/a/7", "value": 1},
        {"op": "jump", "path": "/a"},
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_refused_and_leaves_the_object_alone(operation: Json) -> None:
    target: Json = {"a": [1]}
    with pytest.raises(ApiError) as caught:
        json_patch(target, [operation])
    assert caught.value.code == 422
    assert target == {"a": [1]}


@pytest.fixture
def pod() -> Type:
    kind = builtin_type("", "v1", "Pod")
    assert kind is not None
    return kind


def containers(*items: Json) -> Json:
    return {"spec": {"containers": list(items)}}


def test_a_strategic_merge_finds_list_items_by_their_key(pod: Type) -> None:
    before = containers({"name": "a", "image": "1"}, {"name": "b", "image": "1"})
    after = strategic_merge(before, containers({"name": "b", "image": "2"}), pod)
    assert {item["name"]: item["image"] for item in after["spec"]["containers"]} == {"a": "1", "b": "2"}


def test_a_strategic_merge_deletes_an_item_by_directive(pod: Type) -> None:
    before = containers({"name": "a"}, {"name": "b"})
    after = strategic_merge(before, containers({"name": "a", "$patch": "delete"}), pod)
    assert after == containers({"name": "b"})


def test_a_strategic_merge_replaces_a_list_by_directive(pod: Type) -> None:
    before = containers({"name": "a"}, {"name": "b"})
    after = strategic_merge(before, containers({"name": "c"}, {"$patch": "replace"}), pod)
    assert after == containers({"name": "c"})


def test_a_strategic_merge_orders_items_as_told(pod: Type) -> None:
    before = containers({"name": "a"}, {"name": "b"})
    patch = containers({"name": "c"})
    patch["spec"]["$setElementOrder/containers"] = [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    after = strategic_merge(before, patch, pod)
    assert [item["name"] for item in after["spec"]["containers"]] == ["c", "b", "a"]


def test_a_strategic_merge_replaces_lists_without_keys(pod: Type) -> None:
    before = containers({"name": "a", "args": ["x", "y"]})
    after = strategic_merge(before, containers({"name": "a", "args": ["z"]}), pod)
    assert after["spec"]["containers"][0]["args"] == ["z"]


def test_an_item_without_its_key_is_refused(pod: Type) -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        strategic_merge(containers({"name": "a"}), containers({"image": "x"}), pod)
