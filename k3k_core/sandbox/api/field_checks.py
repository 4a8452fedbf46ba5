"""Checks of single fields that several kinds share."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.statuses import FieldError, invalid_value

NEGATIVE = "must be greater than or equal to 0"


def each_invalid(field: str, value: Any, problems: list[str]) -> list[FieldError]:
    """Return an error for each problem of a value."""
    return [invalid_value(field, value, problem) for problem in problems]


def not_negative(spec: dict[str, Any], field: str, *fields: str) -> list[FieldError]:
    """Return an error for each number that is below zero.

    Args:
        spec: what holds the numbers.
        field: where it lies.
        fields: names of the numbers.
    """
    return [
        invalid_value(f"{field}.{name}", spec[name], NEGATIVE)
        for name in fields
        if isinstance(spec.get(name), int) and spec[name] < 0
    ]
