"""Validation of built-in kinds."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.statuses import FieldError

Json = dict[str, Any]


def validate_metadata(resource: Resource, obj: Json, old: Json | None) -> list[FieldError]:
    return []


def validate(resource: Resource, obj: Json) -> list[FieldError]:
    return []


def validate_update(resource: Resource, obj: Json, old: Json, subresource: str) -> list[FieldError]:
    return []


def warnings(resource: Resource, obj: Json, old: Json | None) -> list[str]:
    return []
