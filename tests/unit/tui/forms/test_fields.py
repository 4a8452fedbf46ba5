"""The fields of a form, made from the values model."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.cli.terminal import UNSAFE
from k3k_core.values.shape import Shape, shape
from k3k_tui.forms.model.fields import Field, advanced, essentials, field_of
from k3k_tui.forms.model.texts import MISSING, parse, show

# Lists of mappings: one field holds all of each.
LISTS = {"scheduling.tolerations", "agents.tolerations", "k3s.extra_volumes"}


def every_field() -> list[Field]:
    return [field for section in (essentials(), *advanced()) for field in section.fields]


def leaves(at: Shape, above: str = "") -> set[str]:
    found: set[str] = set()
    for key, inner in at.keys.items():
        path = f"{above}.{key}" if above else key
        whole = inner is None or inner.free or path in LISTS
        found |= {path} if whole or inner is None else leaves(inner, path)
    return found


def test_every_value_of_the_model_has_one_field() -> None:
    keys = [field.key for field in every_field()]
    assert len(keys) == len(set(keys))
    # It can only be true.
    assert set(keys) == leaves(shape()) - {"k3s.disable.agent"}


def test_every_field_says_what_it_means() -> None:
    assert all(field.title and field.summary for field in every_field())


def test_secrets_are_told_by_the_model() -> None:
    secret = {field.key for field in every_field() if field.kind == "secret"}
    assert secret == {"k3s.token", "k3s.agent_token", "datastore.external.endpoint"}


def field(key: str) -> Field:
    found = field_of(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("servers", "3", 3),
        ("servers", "three", "three"),
        ("servers", " ", MISSING),
        ("servers", "9" * 30, "9" * 30),
        ("ttl", " 8h ", "8h"),
        ("ttl", "null", None),
        ("k3s.debug", "true", True),
        ("k3s.log_level", "4", "4"),
        ("datastore.kind", "etcd", "etcd"),
        ("datastore.etcd.members", "3", 3),
        ("k3s.tls_sans", "a.example.org\n\n b.example.org ", ["a.example.org", "b.example.org"]),
        (
            "loadbalancer.annotations",
            "a: b\nexample.org/url: http://c\nd",
            {"a": "b", "example.org/url": "http://c", "d": ""},
        ),
        ("scheduling.tolerations", "- key: dedicated\n", [{"key": "dedicated"}]),
        ("scheduling.tolerations", "- [", "- ["),
    ],
)
def test_what_is_typed_becomes_the_value_it_stands_for(key: str, text: str, value: Any) -> None:
    assert parse(field(key), text) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("servers", 3),
        ("ttl", "8h"),
        ("k3s.debug", False),
        ("datastore.etcd.members", 1),
        ("k3s.tls_sans", ["a", "b"]),
        ("k3s.extra_args", ["--kube-apiserver-arg=feature-gates=A=true,B=false"]),
        ("loadbalancer.annotations", {"a": "b: c", "d": ""}),
        ("scheduling.tolerations", [{"key": "a", "operator": "Exists"}, {"toleration_seconds": 3}]),
    ],
)
def test_a_value_is_shown_as_text_that_stands_for_it(key: str, value: Any) -> None:
    assert parse(field(key), show(field(key), value)) == value


@pytest.mark.parametrize("value", [{"a": [1]}, [{"a": None}], ["x\ny"], 1.5, "a: b"])
@pytest.mark.parametrize("key", ["servers", "ttl", "k3s.tls_sans", "loadbalancer.annotations"])
def test_a_value_that_does_not_fit_its_field_is_shown_all_the_same(key: str, value: Any) -> None:
    assert show(field(key), value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ttl", "8h\x1b[2J"),
        ("k3s.tls_sans", ["a\x1b]0;x\x07", "b"]),
        ("loadbalancer.annotations", {"a": "\u202eb"}),
        ("scheduling.tolerations", [{"key": "\x9b31m"}]),
    ],
)
def test_nothing_is_shown_that_a_terminal_would_obey(key: str, value: Any) -> None:
    assert not UNSAFE.search(show(field(key), value).replace("\n", ""))
