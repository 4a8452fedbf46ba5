"""Comparing objects field by field without showing a secret."""

from __future__ import annotations

from typing import Any

from k3k_core.lifecycle.comparison import HIDDEN, FieldChange, compare_objects, field_changes


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def test_equal_objects_differ_in_nothing() -> None:
    assert compare_objects(config_map(a="1"), config_map(a="1")).action == "none"


def test_what_the_host_keeps_itself_is_no_difference() -> None:
    before = config_map(a="1")
    before["metadata"] |= {"uid": "x", "resourceVersion": "7", "managedFields": [], "generation": 2}
    before["status"] = {"seen": True}
    assert compare_objects(before, config_map(a="1")).action == "none"


def test_changed_new_and_dropped_fields_are_told_apart() -> None:
    found = compare_objects(config_map(a="1", b="2"), config_map(a="9", c="3"))
    assert found.subject == "ConfigMap/c"
    assert found.changes == (
        FieldChange("data.a", '"1"', '"9"'),
        FieldChange("data.b", '"2"', ""),
        FieldChange("data.c", "", '"3"'),
    )


def test_lists_of_named_things_are_compared_by_name() -> None:
    before = {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]}
    after = {"containers": [{"name": "b", "image": "y:2"}, {"name": "a", "image": "x:1"}]}
    assert list(field_changes(before, after)) == [FieldChange("containers[b].image", '"y:1"', '"y:2"')]


def test_other_lists_are_compared_by_position() -> None:
    assert list(field_changes({"args": ["a", "b"]}, {"args": ["a"]})) == [FieldChange("args[1]", '"b"', "")]


def test_values_of_secrets_are_hidden_but_their_change_is_told() -> None:
    def secret(value: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"token": value}}

    found = compare_objects(secret("b2xk"), secret("bmV3"))
    assert found.changes == (FieldChange("data.token", HIDDEN, HIDDEN),)


def probe(token: str) -> dict[str, Any]:
    return {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}}


def test_the_token_a_probe_shows_is_hidden() -> None:
    container: dict[str, Any] = {"image": "k3s"}
    changed = field_changes(container | probe("before"), container | probe("after"))
    assert list(changed) == [FieldChange("httpGet.httpHeaders[Authorization].value", HIDDEN, HIDDEN)]

    added = next(field_changes({}, {"readinessProbe": probe("after")}))
    assert "after" not in added.after
    assert HIDDEN in added.after


def test_of_a_text_of_several_lines_only_those_that_differ_are_told() -> None:
    before = config_map(file="a: 1\nb: 2\nc: 3\nd: 4\n")
    after = config_map(file="a: 1\nb: 9\nc: 3\nd: 4\ne: 5\nf: 6\n")
    assert compare_objects(before, after).changes == (
        FieldChange("data.file", '"b: 2"', '"b: 9"'),
        FieldChange("data.file", "", '"e: 5\\nf: 6"'),
    )
