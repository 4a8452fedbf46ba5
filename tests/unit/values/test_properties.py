"""What holds for every values file."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from k3k_core.errors import ValuesError
from k3k_core.values import join_secrets, json_schema, load_given, load_values, split_secrets, to_yaml
from k3k_core.values.paths import display
from tests.support.invalid_values import INVALID
from tests.support.values_strategies import TOKEN, leaves, replaced, values_trees

SCHEMA = Draft202012Validator(json_schema())
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70000),
    st.floats(0, 10),
    st.text(max_size=12),
    st.sampled_from(["v1.33", "10.0.0.0/33", "a b", "0644", "12", "-1Gi", "2h", "x/y", "*", "::", "Exists"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=4)), max_size=2),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@given(values_trees())
def test_a_valid_file_loads_and_what_it_gives_loads_to_the_same(tree: dict[str, Any]) -> None:
    loaded = load_values(to_yaml(tree))
    full = load_given(loaded.values.model_dump(exclude_none=True))
    assert full.values == loaded.values
    assert load_values(to_yaml(full.given)).values == loaded.values
    assert load_given(loaded.given) == loaded


@given(values_trees())
def test_secrets_can_be_taken_out_and_put_back(tree: dict[str, Any]) -> None:
    public, secrets = split_secrets(tree)
    assert join_secrets(public, secrets) == tree
    assert all(secret not in repr(public) for secret in secrets.values())


@settings(max_examples=150)
@given(values_trees(), JUNK, st.data())
def test_what_the_schema_refuses_is_refused(tree: dict[str, Any], junk: Any, data: st.DataObject) -> None:
    paths = leaves(tree)
    if paths:
        tree = replaced(tree, data.draw(st.sampled_from(paths)), junk)
    try:
        load_given(tree)
    except ValuesError:
        return
    assert list(SCHEMA.iter_errors(tree)) == []


@given(values_trees(), st.sampled_from(["1h", "2d"]), st.sampled_from(["3m", "1h30m"]))
def test_of_two_overrides_the_last_wins_and_both_win_over_the_file(
    tree: dict[str, Any], first: str, last: str
) -> None:
    text = to_yaml(tree)
    once = load_values(text, overrides=[f"ttl={last}"])
    twice = load_values(text, overrides=[f"ttl={first}", f"ttl={last}"])
    assert twice == once
    assert once.values == load_values(to_yaml({**tree, "ttl": last})).values


@given(values_trees(), st.data())
def test_an_override_does_what_the_file_could(tree: dict[str, Any], data: st.DataObject) -> None:
    paths = [path for path in leaves(tree) if path]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    value: Any = tree
    for step in path:
        value = value[step]
    override = f"{display(path)}={to_yaml({'x': value}).removeprefix('x: ').rstrip()}"
    if "\n" in override:
        return
    assert load_values(to_yaml(tree), overrides=[override]).values == load_values(to_yaml(tree)).values


SECRET_PLACES = (
    {"k3s": {"token": "SECRET x"}},
    {"k3s": {"token": "SECRET", "agent_token": "a:SECRET"}},
    {"k3s": {"token": ["SECRET"]}},
    {"k3s": {"token": {"SECRET": 1}}},
    {"k3s": "token:SECRET"},
    {"k3s": {"token:SECRET": None}},
    {"k3s": {"tokn": "SECRET"}},
    {"token": "SECRET"},
    {
        "k3s": {
            "extra_args": [
                "--token=SECRET",
                "token=SECRET",
                "--token SECRET",
                "--x=SECRET",
                "--node-label=SECRET",
            ]
        }
    },
    {"datastore": {"kind": "external", "external": {"endpoint": "postgres://u:SECRET/@h:x/db"}}},
    {"datastore": {"kind": "external", "external": {"endpoint": "mysql://u:SECRET@h/db?tls=1"}}},
    {"datastore": {"kind": "external", "external": {"endpoint": "u:SECRET@h"}}},
    {"datastore": {"external": {"secret_name": "postgres://u:SECRET@h/db"}}},
    {"datastore": "postgres://u:SECRET@h/db"},
    {"datastore": {"kind": "postgres://u:SECRET@h/db"}},
)


@pytest.mark.parametrize("tree", SECRET_PLACES, ids=str)
@settings(max_examples=15)
@given(secret=TOKEN)
def test_no_error_repeats_a_secret(tree: dict[str, Any], secret: str) -> None:
    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {fill(key): fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(item) for item in node]
        return node.replace("SECRET", secret) if isinstance(node, str) else node

    with pytest.raises(ValuesError) as caught:
        load_values(to_yaml(fill(tree)))
    assert secret not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert caught.value.__context__ is None


@given(values_trees())
def test_no_representation_shows_a_secret(tree: dict[str, Any]) -> None:
    loaded = load_values(to_yaml(tree))
    shown = f"{loaded!r} {loaded} {loaded.values!r} {loaded.values}"
    assert not any(secret in shown for secret in split_secrets(tree)[1].values())


@settings(max_examples=150)
@given(st.text())
def test_any_text_is_loaded_or_refused(text: str) -> None:
    with suppress(ValuesError):
        assert load_values(text).values.version


@settings(max_examples=150)
@given(st.sampled_from([case.text for case in INVALID if len(case.text) < 1000]), st.data())
def test_any_damaged_file_is_loaded_or_refused(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 3))
    piece = data.draw(
        st.sampled_from(["", " ", "\n", ":", "- ", "{", "]", "'", "&a ", "*a", "!", "#", "\t", "? ", "|\n"])
    )
    with suppress(ValuesError):
        assert load_values(text[:at] + piece + text[at + length :]).values.version


@given(st.lists(st.text(max_size=20), max_size=3))
def test_any_override_is_applied_or_refused(overrides: list[str]) -> None:
    with suppress(ValuesError):
        assert load_values("", overrides=overrides).values.version
