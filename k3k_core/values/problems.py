"""What the model's complaints mean for the person who wrote the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from k3k_core.errors import Issue
from k3k_core.values.document import Place
from k3k_core.values.paths import Path, display
from k3k_core.values.refusal import RefusedError, shown
from k3k_core.values.secrets import is_secret
from k3k_core.values.shape import NOT_YET, suggest
from k3k_core.versions import DEFAULT_VERSION


def path_of(complaint: Mapping[str, Any]) -> Path:
    """Path that a complaint is about."""
    return tuple(step for step in complaint["loc"] if step != "[key]")


def issue_of(complaint: Mapping[str, Any], places: Mapping[Path, Place]) -> Issue | None:
    """Explain one complaint of the model.

    Args:
        complaint: one of pydantic's error details.
        places: where values stand in the file.

    Returns:
        The issue; None for a complaint that only follows from another one.
    """
    kind: str = complaint["type"]
    if kind == "default_factory_not_called":
        return None
    path = path_of(complaint)
    value = complaint.get("input")
    place = places.get(path)
    problem, remedy = _explain(kind, path, value, complaint.get("ctx", {}), place)
    return Issue(display(path), problem, remedy)


def _explain(
    kind: str, path: Path, value: Any, context: Mapping[str, Any], place: Place | None
) -> tuple[str, str]:
    error = context.get("error")
    if isinstance(error, RefusedError):
        return error.problem, error.remedy
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "string_type":
        return _not_text(path, value, place)
    if kind in {"int_type", "bool_type"}:
        return _not_scalar(kind, value)
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return f"must be a mapping and is {_kind(value)}", "write its keys below it, indented"
    if kind == "list_type":
        return f"must be a list and is {_kind(value)}", "write each entry on a line of its own, after `- `"
    if kind == "literal_error":
        return _not_in(path, value, context)
    if kind in {"greater_than_equal", "less_than_equal"}:
        if "ge" in context:
            return f"`{value}` is too small", f"use {context['ge']} or more"
        return f"`{value}` is too large", f"use {context['le']} or less"
    return "is not usable", f"`k3k values --explain {display(path)}` says what is"


def _unknown(path: Path) -> tuple[str, str]:
    name = str(path[-1])
    if len(path) == 1 and name in NOT_YET:
        return "is not supported yet", "take the block out"
    if re.match(r"[-\w]+[:=]", name):
        return "is not a key", "put a space after the colon: `key: value`"
    return "is not a known key", suggest(path)


def _not_text(path: Path, value: Any, place: Place | None) -> tuple[str, str]:
    if value is None:
        return "is empty", "give a text or take the entry out"
    if isinstance(value, list) and path[-1] in {"cluster_cidr", "service_cidr", "cluster_dns"}:
        return "is a list and must be one text", "join the two with a comma: `IPv4,IPv6`"
    if isinstance(value, dict | list):
        return f"is {_kind(value)} and must be text", "write one value"
    if is_secret(path):
        return f"is {_kind(value)} in YAML and must be text", "put it in quotes"
    text = place.text if place is not None and place.text else str(value).lower()
    if path == ("version",):
        return f"`{text}` is a number, not a k3s version", f"write the full version, e.g. `{DEFAULT_VERSION}`"
    if path == ("ttl",):
        return f"`{text}` has no unit", f"write e.g. `{text}m`, `{text}h` or `{text}d`"
    if path[-1] == "mode":
        octal = text.zfill(4)
        return f"`{text}` is a number and must be text", f'write `"{octal}"`'
    return f"`{text}` is {_kind(value)} in YAML and must be text", f'put it in quotes: `"{text}"`'


def _not_scalar(kind: str, value: Any) -> tuple[str, str]:
    wanted, remedy = (
        ("a whole number", "write a whole number without quotes")
        if kind == "int_type"
        else ("true or false", "write `true` or `false` without quotes")
    )
    found = f"{_kind(value)} {shown(value)}" if isinstance(value, str) and value else _kind(value)
    return f"must be {wanted} and is {found}", remedy


def _not_in(path: Path, value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    if path == ("k3s", "disable", "agent"):
        return "must be true: k3k runs agent-less control planes only", "write `true` or take the line out"
    expected = str(context.get("expected", "")).replace("'", "`")
    choices = re.findall(r"`([^`]*)`", expected)
    close = difflib.get_close_matches(str(value).lower(), [one.lower() for one in choices], n=1)
    meant = next((one for one in choices if close and one.lower() == close[0]), "")
    found = shown(value) if isinstance(value, str) else _kind(value)
    if isinstance(value, int) and not isinstance(value, bool):
        found = f"`{value}`"
    return f"{found} is not one of the choices", f"did you mean `{meant}`?" if meant else f"use {expected}"


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"
