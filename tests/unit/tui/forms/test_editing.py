"""A draft, changed from its fields and from its YAML."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from k3k_core.manifests.secrets import dump_values
from k3k_core.values import load_given, load_values, to_yaml
from k3k_core.values.document import read_document
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import check
from k3k_tui.forms.model.describing import help_text, hint, options
from k3k_tui.forms.model.editing import hide_secrets, stored_draft, text_of, with_field
from k3k_tui.forms.model.fields import NAME, PRESET, Field, advanced, essentials, field_of
from k3k_tui.forms.model.target import target_section
from tests.support.values_strategies import values_trees


def field(key: str) -> Field:
    known = {one.key: one for one in target_section(("prod", "eu")).fields}
    found = known.get(key) or field_of(key)
    assert found is not None
    return found


def filled(draft: Draft, **texts: str) -> Draft:
    for key, text in texts.items():
        draft = with_field(draft, field(key.replace("__", ".")), text)
    return draft


def test_what_is_typed_into_a_field_stands_in_the_yaml() -> None:
    draft = filled(Draft(), servers="3", datastore__kind="etcd")
    assert draft.text == "servers: 3\ndatastore:\n  kind: etcd\n"


def test_what_stands_in_the_yaml_stands_in_the_field() -> None:
    assert text_of(Draft(text="k3s: {tls_sans: [a, b]}\n"), field("k3s.tls_sans")) == "a\nb"


def test_what_would_be_so_anyway_is_left_out() -> None:
    assert filled(Draft(text="servers: 3\n"), servers="1").text == ""


def test_what_the_preset_says_is_left_out_and_the_default_is_not() -> None:
    preset = Draft(preset="dev")
    assert filled(preset, persistence__size="2Gi").text == ""
    assert filled(preset, persistence__size="5Gi").text == "persistence:\n  size: 5Gi\n"


def test_null_undoes_what_the_preset_says() -> None:
    draft = filled(Draft(preset="ci"), ttl="null")
    assert draft.text == "ttl: null\n"
    loaded = check(draft).loaded
    assert loaded is not None
    assert loaded.values.ttl is None


def test_naming_the_default_version_is_saying_something() -> None:
    version = field("version").default
    assert filled(Draft(), version=version).text == f"version: {version}\n"


def test_keeping_data_is_left_to_the_host_unless_one_says_so() -> None:
    keep = field("persistence.enabled")
    assert options(keep)[0] == ("null", "if the host can")
    assert hint(keep, "", {}) == "null"
    assert hint(keep, "ci", {}) == "false"
    assert filled(Draft(), persistence__enabled="true").text == "persistence:\n  enabled: true\n"
    assert filled(Draft(text="persistence:\n  enabled: true\n"), persistence__enabled="null").text == ""


def test_where_it_goes_is_no_value() -> None:
    draft = with_field(with_field(Draft(), field(NAME), " shop "), field(PRESET), "ci")
    assert (draft.name, draft.preset, draft.text) == ("shop", "ci", "")


def test_a_secret_never_stands_in_the_yaml() -> None:
    draft = filled(Draft(), k3s__token="hunter2-hunter2")
    assert draft.text == ""
    assert text_of(draft, field("k3s.token")) == "hunter2-hunter2"
    assert "hunter2" not in repr(draft)
    loaded = check(draft).loaded
    assert loaded is not None
    assert loaded.values.k3s.token == "hunter2-hunter2"


def test_a_secret_that_was_written_into_the_yaml_moves_out_of_it() -> None:
    draft = hide_secrets(Draft(text="# mine\nservers: 1\nk3s:\n  token: hunter2-hunter2\n"))
    assert draft.text == "# mine\nservers: 1\n"
    assert draft.secrets == {"k3s.token": "hunter2-hunter2"}


@pytest.mark.parametrize("secret", ['a"b', "a\\nb", "a # b", "{a: b}", "it's", "ключ", "a\x07b"])
def test_a_secret_is_checked_as_it_was_typed(secret: str) -> None:
    checked = check(filled(Draft(), k3s__token=secret))
    if checked.loaded is not None:
        assert checked.loaded.values.k3s.token == secret
    else:
        assert set(checked.problems) == {"k3s.token"}
        assert not checked.others


@settings(max_examples=30)
@given(values_trees())
def test_stored_values_become_a_draft_that_means_the_same(tree: dict[str, Any]) -> None:
    loaded = load_given(tree)
    draft = stored_draft("prod", "team", "shop", dump_values(loaded.values))
    checked = check(draft)
    assert checked.loaded is not None
    stored = load_values(dump_values(loaded.values)).values
    assert checked.loaded.values == stored
    assert checked.loaded.given["version"] == loaded.values.version


def test_a_draft_of_stored_values_holds_no_defaults_but_those_a_create_settles() -> None:
    draft = stored_draft("prod", "team", "shop", dump_values(load_given({"servers": 1}).values))
    assert set(read_document(draft.text).tree) == {"version", "persistence"}


@settings(max_examples=30)
@given(values_trees())
def test_typing_what_a_field_shows_changes_nothing(tree: dict[str, Any]) -> None:
    draft = hide_secrets(Draft(text=to_yaml(tree)))
    before = check(draft)
    assert before.loaded is not None
    for section in (essentials(), *advanced()):
        for one in section.fields:
            draft = with_field(draft, one, text_of(draft, one))
    after = check(draft)
    assert after.loaded is not None
    assert after.loaded.values == before.loaded.values


def test_a_field_says_what_it_is_when_nothing_stands_in_it() -> None:
    assert hint(field("persistence.size"), "", {}) == "5Gi"
    assert hint(field("persistence.size"), "tenant", {}) == "10Gi"
    assert hint(field("k3s.cluster_dns"), "", {"k3s": {"cluster_dns": "10.43.0.10"}}) == "10.43.0.10"
    assert hint(field("ttl"), "", {}) == "e.g. 8h"
    assert hint(field("k3s.token"), "", {}) == ""


def test_a_field_says_how_it_is_written() -> None:
    assert "whole number from 1 to 32" in help_text(field("servers"))
    assert "one entry a line" in help_text(field("k3s.tls_sans"))
    assert "time span" in help_text(field("ttl"))
