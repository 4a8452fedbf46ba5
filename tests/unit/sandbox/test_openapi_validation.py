"""Custom resources against their schema, in the words of the real server."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.sandbox.api.openapi_validation import validate

Json = dict[str, Any]

MUST = '<nil>: Invalid value: "": "f" must'
NOT_CHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def found(field: Json, value: Any) -> list[str]:
    schema = {"type": "object", "properties": {"f": field}}
    return [f"{error.field}: {error.message}" for error in validate(schema, {"f": value}, None)]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            {"type": "string", "minLength": 2},
            "a",
            'f: Invalid value: "a": f in body should be at least 2 chars long',
        ),
        (
            {"type": "string", "maxLength": 2, "pattern": "^x"},
            "abc",
            "f: Too long: may not be more than 2 bytes",
        ),
        (
            {"type": "string", "format": "date-time"},
            "yesterday",
            'f: Invalid value: "yesterday": f in body must be of type date-time: "yesterday"',
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            f"{MUST} validate one and only one schema (oneOf). Found 2 valid alternatives",
        ),
        (
            {"type": "string", "not": {"enum": ["x"]}},
            "x",
            f"{MUST} not validate the schema (not)",
        ),
    ],
)
def test_one_problem_is_told_alone(field: Json, value: Any, message: str) -> None:
    assert found(field, value) == [message]


def test_of_alternatives_that_all_fail_the_nearest_is_told() -> None:
    field = {"type": "object", "anyOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}
    assert found(field, {}) == [
        f"{MUST} validate at least one schema (anyOf)",
        "f.c: Required value",
    ]


def test_a_fraction_is_no_integer() -> None:
    assert found({"type": "integer"}, 1.5) == [
        'f: Invalid value: "number": f in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in f',
    ]


def test_a_broken_rule_shows_a_plain_value() -> None:
    rule = {"rule": "self == 'a'", "message": "must be a"}
    assert found({"type": "string", "x-kubernetes-validations": [rule]}, "b") == [
        'f: Invalid value: "b": must be a'
    ]


def test_rules_wait_until_the_rest_is_right() -> None:
    field = {"type": "array", "maxItems": 1, "x-kubernetes-validations": [{"rule": "false"}]}
    assert found(field, [1, 2]) == [
        "f: Too many: 2: must have at most 1 items",
        NOT_CHECKED,
    ]
