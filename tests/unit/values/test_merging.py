"""Laying values over one another."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.values.merging import apply_overrides, merge


def test_mappings_merge_key_by_key() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}}) == {"a": {"b": 1, "c": 4}, "d": 3}


def test_lists_replace() -> None:
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_merging_leaves_its_arguments_alone() -> None:
    base = {"a": {"b": 1}}
    merge(base, {"a": {"b": 2}})
    apply_overrides(base, ["a.b=3"])
    assert base == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("override", "tree"),
    [
        ("a.b=c", {"a": {"b": "c"}}),
        ("a=1", {"a": 1}),
        ("a=true", {"a": True}),
        ('a="1"', {"a": "1"}),
        ("a=", {"a": ""}),
        ("a=null", {"a": None}),
        ("a=x=y", {"a": "x=y"}),
        ("a=[x, y]", {"a": ["x", "y"]}),
        ("a={b: c}", {"a": {"b": "c"}}),
        ("a[0]=x", {"a": ["x"]}),
        ("a[0].b=x", {"a": [{"b": "x"}]}),
        (r"a.b\.c/d=x", {"a": {"b.c/d": "x"}}),
        ("a=10.0.0.0/8,fd00::/48", {"a": "10.0.0.0/8,fd00::/48"}),
        ("a=--flag=1", {"a": "--flag=1"}),
    ],
)
def test_an_override_sets(override: str, tree: dict[str, Any]) -> None:
    assert apply_overrides({}, [override]) == (tree, [])


def test_an_override_replaces_an_entry_of_a_list_or_appends_one() -> None:
    tree, issues = apply_overrides({"a": ["x", "y"]}, ["a[0]=z", "a[2]=w"])
    assert (tree, issues) == ({"a": ["z", "y", "w"]}, [])


def test_overrides_that_fail_are_numbered_and_the_others_are_applied() -> None:
    tree, issues = apply_overrides({}, ["a=1", "b", "c=2", "=3"])
    assert tree == {"a": 1, "c": 2}
    assert [issue.path for issue in issues] == ["--set 2", "--set 4"]


def test_an_override_that_fails_does_not_repeat_its_value() -> None:
    _, issues = apply_overrides({"a": "b"}, ["a.b=hunter2", "k3s.token='hunter2", "hunter2", "a[7]=hunter2"])
    assert len(issues) == 4
    assert "hunter2" not in str(issues)
