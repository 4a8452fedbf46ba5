"""From a value to what stands in its field, and back; nothing that is typed is lost on the way."""

from __future__ import annotations

import re
from typing import Any, Final

from k3k_core.cli.terminal import UNSAFE
from k3k_tui.forms.model.fields import Field

# Typed for "the default, although the preset says something else".
NULL: Final = "null"
_YAML_BEGINS: Final = '[{"'
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")


class Missing:
    """Stands for a value that is left out."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def parse(field: Field, text: str) -> Any:
    """Return the value that a field's text stands for; `MISSING` when it is left out.

    What cannot be read as the field's kind stays the text it is, and the check of the values says what is wrong.

    Args:
        field: the field.
        text: as it was typed.
    """
    stripped = text.strip()
    if not stripped:
        return MISSING
    if stripped == NULL:
        return None
    if stripped[0] in _YAML_BEGINS and field.kind != "yaml":
        # What does not fit its field is shown as YAML in one line; no value that fits begins like that.
        return _yaml(stripped)
    if field.kind == "number":
        return int(stripped) if _INTEGER.fullmatch(stripped) else stripped
    if field.kind in {"boolean", "choice"}:
        options = (True, False) if field.kind == "boolean" else field.choices
        return next((option for option in options if show(field, option) == stripped), stripped)
    if field.kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.kind == "entries":
        return dict(_entry(line) for line in text.splitlines() if line.strip())
    if field.kind == "yaml":
        return _yaml(text)
    return stripped


def show(field: Field, value: Any) -> str:
    """Return the text that stands for a value in its field.

    Args:
        field: the field.
        value: any value, also one that does not fit the field; `MISSING` and empty lists give no text.
    """
    if value is MISSING or value in ([], {}):
        return ""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return _plain(str(value))
    if field.kind == "lines" and _is_lines(value):
        return "\n".join(value)
    if field.kind == "entries" and _is_entries(value):
        return "\n".join(f"{key}: {entry}" for key, entry in value.items())
    return _dump(value, flow=field.kind != "yaml")


def _plain(text: str) -> str:
    """Return a text as it is, or quoted when a terminal could take a part of it for a command."""
    return _dump(text, flow=True) if UNSAFE.search(text) else text


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and _one_line(item) for item in value)


def _is_entries(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, str) and (not entry or _one_line(entry)) and ":" not in key and _one_line(key)
        for key, entry in value.items()
    )


def _one_line(text: str) -> bool:
    return bool(text) and text == text.strip() and len(text.splitlines()) == 1 and not UNSAFE.search(text)


def _entry(line: str) -> tuple[str, str]:
    key, _colon, value = line.partition(":")
    return key.strip(), value.strip()


def _yaml(text: str) -> Any:
    from k3k_core.values.document import read_value

    value, issues = read_value(text)
    return text.strip() if issues else value


def _dump(value: Any, *, flow: bool) -> str:
    import yaml

    width = 10_000 if flow else 80
    text = str(yaml.safe_dump(value, default_flow_style=flow, sort_keys=False, width=width))
    return text.removesuffix("...\n").strip()
