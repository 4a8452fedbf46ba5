"""The JSON Schema of a values file, made from the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a values file, for editors and other programs.

    It is as strict as the model where one value is concerned; what concerns several values together, a
    schema cannot
    say. Every key may be null, which stands for its default.

    Returns:
        A new schema without references.
    """
    from k3k_core.values.model import Values

    raw = Values.model_json_schema()
    definitions = raw.pop("$defs")
    schema: dict[str, Any] = _plain(raw, definitions)
    return {"$schema": DIALECT, "title": "k3k values", **schema}


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A node with its references filled in, generated titles left out, and null allowed at every key."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].removeprefix("#/$defs/")], definitions)
    result = {
        key: value if key in {"default", "examples", "enum", "const"} else _plain(value, definitions)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }
    if "anyOf" in result:
        # `X | None` of the model: null is allowed below, like everywhere else.
        options = [option for option in result.pop("anyOf") if option.get("type") != "null"]
        result = {**options[0], **{key: value for key, value in result.items() if value is not None}}
    if "patternProperties" in result:
        # A map with keys of the user's own: the pattern is a demand, not a choice.
        ((pattern, entry),) = result.pop("patternProperties").items()
        result["propertyNames"] = {**result.get("propertyNames", {}), "pattern": pattern}
        result["additionalProperties"] = entry
    if "properties" in result:
        result["properties"] = {key: _or_null(value) for key, value in result["properties"].items()}
    if isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _or_null(result["additionalProperties"])
    return result


def _or_null(node: dict[str, Any]) -> dict[str, Any]:
    result = dict(node)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    kinds = result.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if kinds:
        result["type"] = [*kinds, "null"]
    if "enum" in result:
        result["enum"] = [*result["enum"], None]
    return result
