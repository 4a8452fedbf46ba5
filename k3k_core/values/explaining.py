"""The reference page of a values file, made from the same model as its checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from k3k_core.errors import UsageError
from k3k_core.values.presets import PRESETS
from k3k_core.values.schema import json_schema
from k3k_core.values.shape import suggest

_HEAD = r"""# Values

A values file is one YAML mapping. Every key may be left out; `null` stands for the default. Unknown keys are
errors, and so is a key that is given twice.

- A preset ({presets}) lies under your file, `--set path=value` over it. Mappings are
  merged key by key; everything else, lists too, replaces what was there; `null` unsets.
- `--set` takes `a.b=c`, `a[0]=c`, and `a.b\.c=d` for a key with a dot. The value is YAML, so text that looks
  like a number needs quotes: `--set 'a="123"'`. Nothing after the `=` is the empty text.
- Plain `yes`, `no`, `on` and `off` are booleans: quote them where text is meant. Numbers with a leading zero
  and dates are text.
"""
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}


def explain(path: str = "") -> str:
    """Describe every value: path, type, default, meaning, example.

    Args:
        path: describe only this value or block, e.g. "k3s.disable"; "" for the whole page.

    Returns:
        Markdown that reads well as plain text.

    Raises:
        UsageError: there is no such value.
    """
    if not path:
        head = _HEAD.replace("{presets}", ", ".join(f"`{name}`" for name in PRESETS))
        return head + "\n" + "\n".join(_entries(json_schema(), ""))
    node: Any = json_schema()
    steps = path.split(".")
    for depth, step in enumerate(steps):
        node = _child(node, step)
        if node is None:
            known = tuple(steps[: depth + 1])
            raise UsageError(f"There is no value `{path}`.", hint=_capital(suggest(known)))
    return "\n".join(_entry(path, node))


def _child(node: Mapping[str, Any], step: str) -> Any:
    keys = node.get("properties") or node.get("items", {}).get("properties") or {}
    return keys.get(step.removesuffix("[]"))


def _entries(node: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, child in node.get("properties", {}).items():
        yield from _entry(f"{above}.{key}" if above else key, child)


def _entry(path: str, node: Mapping[str, Any]) -> Iterator[str]:
    """Lines about a value, and about those below it."""
    if "properties" in node:
        yield f"## {path}\n\n{node['description']}\n"
        yield from _entries(node, path)
        return
    yield f"### {path}\n\n{node['description']}\n"
    yield f"- type: {_type(node)}"
    default = _default(node)
    if default:
        yield f"- default: {default}"
    for example in node.get("examples", []):
        yield f"- example: `{_value(example)}`"
    yield ""
    inner = node.get("items", {})
    if "properties" in inner:
        yield from _entries(inner, f"{path}[]")


def _type(node: Mapping[str, Any]) -> str:
    choices = [choice for choice in node.get("enum", []) if choice is not None]
    if choices:
        return " or ".join(f"`{_value(choice)}`" for choice in choices)
    if node.get("type", [""])[0] == "array":
        return f"list of {_item(node['items'])}"
    if node.get("type", [""])[0] == "object":
        return "mapping of text to text"
    return _item(node)


def _item(node: Mapping[str, Any]) -> str:
    kinds = node.get("type", "")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    name = node.get("format", "")
    text = f"{_KINDS[kind]} ({name})" if name else _KINDS[kind]
    low, high = node.get("minimum"), node.get("maximum")
    return f"{text}, {low} to {high}" if low is not None and high is not None else text


def _default(node: Mapping[str, Any]) -> str:
    if "default" in node:
        return f"`{_value(node['default'])}`"
    kind = node.get("type", [""])[0]
    return {"array": "`[]`", "object": "`{}`"}.get(kind, "")


def _value(value: Any) -> str:
    """A value as YAML in one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(("?", ".")) else ".")
