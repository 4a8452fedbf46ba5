"""Properties of server-side apply that hold for every configuration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.sandbox.api import managedfields, typed
from k3k_core.sandbox.api.fieldsets import from_fields_v1, path_text, to_fields_v1
from k3k_core.sandbox.api.managedfields import Writer
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.schema import Type, builtin_type
from k3k_core.sandbox.api.statuses import ApiError

Json = dict[str, Any]
NEW: Json = {"metadata": {}}

names = st.sampled_from(["a", "b", "c"])
values = st.sampled_from(["1", "2", "3"])
texts = st.dictionaries(names, values, max_size=3)
ports = st.lists(
    st.builds(
        lambda port, name, protocol: {
            "port": port,
            "name": name,
            **({"protocol": protocol} if protocol else {}),
        },
        st.integers(1, 4),
        names,
        st.sampled_from([None, "TCP", "UDP"]),
    ),
    max_size=3,
    unique_by=lambda item: (item["port"], item.get("protocol", "TCP")),
)


def _service(labels: Json, selector: Json, listed: list[Json]) -> Json:
    obj: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    if labels:
        obj["metadata"]["labels"] = labels
    if selector:
        obj["spec"]["selector"] = selector
    if listed:
        obj["spec"]["ports"] = listed
    return obj


configurations = st.builds(_service, texts, texts, ports)


def service() -> Type:
    kind = builtin_type("", "v1", "Service")
    assert kind is not None
    return kind


def apply(live: Json, configuration: Json, manager: str = "k3k", *, force: bool = True) -> Json:
    writer = Writer(manager, "v1", "2026-11-22T12:00:00Z")
    applied = managedfields.apply(service(), live, clone(configuration), writer, force=force)
    return applied.finish(_as_read(applied.object))


def _as_read(obj: Json) -> Json:
    """The object once it was read again: what lost its last part is not there."""
    return {
        key: _as_read(value) if isinstance(value, dict) else value
        for key, value in obj.items()
        if value is not None
    }


def plain(obj: Json) -> Json:
    """The object without bookkeeping and emptied parts."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields" and value}
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if value}
    return {"metadata": meta, "spec": spec}


def managers(obj: Json) -> set[str]:
    return {entry["manager"] for entry in obj["metadata"].get("managedFields", ())}


@given(configurations)
def test_a_first_apply_makes_what_it_says(configuration: Json) -> None:
    assert plain(apply(NEW, configuration)) == plain(configuration)


@given(configurations, configurations)
def test_applying_the_same_twice_changes_nothing(first: Json, second: Json) -> None:
    once = apply(apply(NEW, first), second)
    again = apply(once, second)
    assert plain(again) == plain(once)
    assert again["metadata"].get("managedFields") == once["metadata"].get("managedFields")


@given(configurations, configurations)
def test_what_only_one_manager_has_goes_when_it_names_it_no_more(first: Json, second: Json) -> None:
    after = plain(apply(apply(NEW, first), second))
    wanted = plain(second)
    assert after["metadata"] == wanted["metadata"]
    assert after["spec"].get("selector") == wanted["spec"].get("selector")
    keys = {(item["port"], item.get("protocol", "TCP")) for item in after["spec"].get("ports", ())}
    assert keys == {(item["port"], item.get("protocol", "TCP")) for item in wanted["spec"].get("ports", ())}


@given(configurations, configurations)
def test_what_another_manager_has_stays_when_the_first_leaves(mine: Json, theirs: Json) -> None:
    both = apply(apply(NEW, mine), theirs, "other")
    left = apply(both, _service({}, {}, []))
    assert plain(left)["metadata"] == plain(theirs)["metadata"]
    theirs_keys = {(item["port"], item.get("protocol", "TCP")) for item in theirs["spec"].get("ports", ())}
    left_keys = {
        (item["port"], item.get("protocol", "TCP")) for item in (left.get("spec", {}).get("ports", ()))
    }
    assert left_keys == theirs_keys


@given(configurations, configurations)
def test_without_force_nothing_of_another_manager_changes(mine: Json, theirs: Json) -> None:
    live = apply(NEW, mine)
    forced = plain(apply(live, theirs, "other"))
    if typed.merge(service(), forced, plain(mine)) == forced:
        assert plain(apply(live, theirs, "other", force=False)) == forced
        return
    with pytest.raises(ApiError, match='with "k3k"') as caught:
        apply(live, theirs, "other", force=False)
    assert caught.value.code == 409


@given(configurations, configurations)
def test_force_lets_the_last_one_win(mine: Json, theirs: Json) -> None:
    after = apply(apply(NEW, mine), theirs, "other")
    assert typed.merge(service(), plain(after), plain(theirs)) == plain(after)


@given(configurations, texts)
def test_an_update_takes_what_it_changes(configuration: Json, labels: Json) -> None:
    live = apply(NEW, configuration)
    after = clone(live)
    after["metadata"].pop("labels", None)
    if labels:
        after["metadata"]["labels"] = labels
    managedfields.update(service(), live, after, Writer("editor", "v1", "2026-11-22T12:00:01Z"))
    before = configuration["metadata"].get("labels", {})
    changed = {key for key, value in labels.items() if before.get(key) != value}
    assert ("editor" in managers(after)) == bool(changed or (labels and not before))
    for entry in after["metadata"].get("managedFields", ()):
        owned = from_fields_v1(entry["fieldsV1"])
        taken = {path[-1][2:] for path in owned if path[:2] == ("f:metadata", "f:labels") and len(path) == 3}
        assert not (entry["manager"] == "k3k" and taken & changed)


@given(configurations)
def test_a_field_set_survives_its_written_form(configuration: Json) -> None:
    fields = typed.field_set(service(), configuration)
    assert from_fields_v1(to_fields_v1(fields)) == fields


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:data", "f:a"), ".data.a"),
        (("f:spec", "f:containers", 'k:{"name":"x"}', "f:image"), '.spec.containers[name="x"].image'),
        (("f:spec", "f:ports", 'k:{"port":1,"protocol":"TCP"}'), '.spec.ports[port=1,protocol="TCP"]'),
        (("f:metadata", "f:finalizers", 'v:"a/b"'), '.metadata.finalizers[="a/b"]'),
    ],
)
def test_a_path_is_worded_as_in_conflicts(path: tuple[str, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"bogus": 1}, ".bogus: field not declared in schema"),
        ({"spec": {"ports": {}}}, ".spec.ports: expected list"),
        ({"spec": {"type": 1}}, ".spec.type: expected string, got &value.valueUnstructured{Value:1}"),
        ({"metadata": {"labels": {"a": []}}}, ".metadata.labels.a: expected string"),
        (
            {"spec": {"ports": [{"port": 1}, {"port": 1}]}},
            '.spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
        ),
    ],
)
def test_a_configuration_that_does_not_fit_the_type_is_refused(configuration: Json, problem: str) -> None:
    with pytest.raises(typed.TypedError) as caught:
        typed.check(service(), configuration)
    assert str(caught.value).startswith(problem)


def test_the_oldest_updates_are_folded_into_one_when_there_are_many() -> None:
    live: Json = {"metadata": {"labels": {}}}
    for number in range(14):
        after = clone(live)
        after["metadata"].setdefault("labels", {})[f"l{number}"] = "1"
        managedfields.update(
            service(), live, after, Writer(f"m{number}", "v1", f"2026-11-22T12:00:{number:02}Z")
        )
        live = after
    assert len(live["metadata"]["managedFields"]) <= 10
    assert "ancient-changes" in managers(live)
