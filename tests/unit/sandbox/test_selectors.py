"""Label and field selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.sandbox.api.selectors import matches_fields, matches_labels, parse_fields, parse_labels
from k3k_core.sandbox.api.statuses import ApiError


def labelled(**labels: str) -> dict[str, object]:
    return {"metadata": {"name": "x", "labels": labels}}


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ("", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("!a", {"a": "1"}, False),
        ("a=1", {"a": "1"}, True),
        ("a==1", {"a": "2"}, False),
        ("a!=1", {}, True),
        ("a!=1", {"a": "1"}, False),
        ("a in (1,2)", {"a": "2"}, True),
        ("a in (1,2)", {}, False),
        ("a notin (1, 2)", {}, True),
        ("a notin (1)", {"a": "1"}, False),
        ("a=1,b!=2", {"a": "1", "b": "3"}, True),
        ("a=1,b!=2", {"a": "1", "b": "2"}, False),
        ("a=", {"a": ""}, True),
        ("a>3", {"a": "4"}, True),
        ("a<3", {"a": "4"}, False),
        ("a>3", {"a": "x"}, False),
    ],
)
def test_a_label_selector_matches(selector: str, labels: dict[str, str], matches: bool) -> None:
    assert matches_labels(parse_labels(selector), labelled(**labels)) is matches


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators"),
    ],
)
def test_a_malformed_label_selector_is_refused(selector: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_labels(selector)
    assert caught.value.code == 400
    assert str(caught.value).startswith(message)


@given(st.text(max_size=20))
def test_any_text_is_a_selector_or_refused_with_400(text: str) -> None:
    codes = []
    try:
        parse_labels(text)
    except ApiError as error:
        codes.append(error.code)
    assert codes in ([], [400])


def test_a_field_selector_matches_pods_by_phase() -> None:
    selector = parse_fields("status.phase!=Running,metadata.name=a", "", "Pod")
    assert matches_fields(selector, {"metadata": {"name": "a"}, "status": {"phase": "Pending"}})
    assert not matches_fields(selector, {"metadata": {"name": "a"}, "status": {"phase": "Running"}})
    assert not matches_fields(selector, {"metadata": {"name": "b"}, "status": {"phase": "Pending"}})


def test_a_missing_field_counts_as_its_zero_value() -> None:
    assert matches_fields(parse_fields("spec.unschedulable=false", "", "Node"), {"metadata": {}, "spec": {}})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Pod", "field label not supported: data.a"),
        ("ConfigMap", '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    ],
)
def test_a_field_that_cannot_be_selected_is_refused(kind: str, message: str) -> None:
    with pytest.raises(ApiError, match=r"data\.a") as caught:
        parse_fields("data.a=1", "", kind)
    assert str(caught.value) == message
