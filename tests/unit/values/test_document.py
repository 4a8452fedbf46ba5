"""Reading YAML: what plain scalars mean, where values stand, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k3k_core.values.document import loader_on, read_document, to_yaml
from tests.support.invalid_values import INVALID

FORM = [case for case in INVALID if case.paths[0] == "" and not case.overrides]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", "0644"),
        ("0o644", "0o644"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        (".inf", ".inf"),
        ("1e9", "1e9"),
        ("0", 0),
        ("-3", -3),
        ("644", 644),
        ("1.30", 1.3),
        ("yes", True),
        ("Off", False),
        ('"yes"', "yes"),
        ("y", "y"),
        ("~", None),
        ("", None),
        ('""', ""),
        ("=", "="),
    ],
)
def test_a_plain_scalar_means(text: str, value: Any) -> None:
    tree = read_document(f"a: {text}\n").tree
    assert tree == {"a": value}
    assert type(tree["a"]) is type(value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing here\n", "---\n", "--- \n...\n", "null\n"])
def test_an_empty_file_holds_an_empty_mapping(text: str) -> None:
    document = read_document(text)
    assert (document.tree, document.usable, document.issues) == ({}, True, ())


def test_anchors_aliases_and_merge_keys_are_followed() -> None:
    text = "base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\nlist: [*base]\n"
    assert read_document(text).tree == {
        "base": {"a": 1, "b": 2},
        "other": {"b": 3, "a": 1},
        "list": [{"a": 1, "b": 2}],
    }


def test_a_merge_key_needs_a_mapping() -> None:
    (issue,) = read_document("a:\n  <<: text\n").issues
    assert issue.path == "a"


def test_places_are_those_of_the_keys() -> None:
    places = read_document("a: 1\nb:\n  c: 0644\n  d: [x, y]\n").places
    assert (places["b", "c"].line, places["b", "c"].column, places["b", "c"].text) == (3, 3, "0644")
    assert (places["b", "d", 1].line, places["b", "d", 1].column) == (4, 10)


@pytest.mark.parametrize("case", FORM, ids=lambda case: case.name)
def test_without_the_c_parser_the_same_is_refused(case: Any) -> None:
    document = read_document(case.text, loader=loader_on(yaml.SafeLoader))
    assert not document.usable or document.issues
    assert document.issues[0].path == ""


def test_a_syntax_error_does_not_repeat_the_text() -> None:
    for text in ("k3s: {token: 'hunter2}\n", "token: *hunter2\n", "token: 'a' hunter2\n", "hunter2: b: c\n"):
        document = read_document(text)
        assert not document.usable
        assert "hunter2" not in str(document.issues)


def test_what_is_written_reads_back() -> None:
    tree = {"a": "0644", "b": "yes", "c": ["1:30", "2026-11-22", "1.0"], "d": {"e": True, "f": 3, "g": ""}}
    assert read_document(to_yaml(tree)).tree == tree
