"""Fields in words: what each means, what its options are called, and what it is when it is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from k3k_tui.forms.model.editing import from_preset, inherited, value_at
from k3k_tui.forms.model.fields import Field, Kind
from k3k_tui.forms.model.texts import MISSING, NULL, show

_KINDS: Final[Mapping[Kind, str]] = {
    "text": "text",
    "secret": "secret, never shown and saved only if you say so",
    "number": "whole number",
    "boolean": "yes or no",
    "choice": "one of these",
    "lines": "one entry a line",
    "entries": "one `key: value` a line",
    "yaml": "YAML",
}
# What is left to the host when nothing is said; both answers mean something (k3k_core.lifecycle.storage).
_LEFT_TO_THE_HOST: Final = "persistence.enabled"


def options(field: Field) -> tuple[tuple[str, str], ...]:
    """Return (text, title) of everything that can be picked in a field.

    Args:
        field: of kind "boolean" or "choice".
    """
    if field.kind == "boolean":
        both = (("true", "yes"), ("false", "no"))
        return ((NULL, "if the host can"), *both) if field.key == _LEFT_TO_THE_HOST else both
    return tuple((show(field, choice), show(field, choice) or "none") for choice in field.choices)


def hint(field: Field, preset: str, effective: Mapping[str, Any]) -> str:
    """Return what a field's value is when nothing stands in it.

    Args:
        field: the field.
        preset: name of the preset under the values.
        effective: every value as it would be; empty while something is wrong.
    """
    if field.key == _LEFT_TO_THE_HOST and from_preset(preset, field) in (MISSING, None):
        return NULL
    value = inherited(preset, field)
    if value in (None, MISSING) and not field.about_target:
        value = value_at(effective, field.path)
    if value in (None, MISSING, "") or field.kind == "secret":
        return "" if field.example is None or field.about_target else f"e.g. {show(field, field.example)}"
    return show(field, value)


def help_text(field: Field) -> str:
    """Return what a field means and how it is written, as one paragraph.

    Args:
        field: the field.
    """
    kind = _KINDS[field.kind]
    if field.form and field.kind != "secret":
        kind = field.form if field.kind == "text" else f"{kind} ({field.form})"
    if field.low is not None and field.high is not None:
        kind += f" from {field.low} to {field.high}"
    example = "" if field.example is None else f" Example: {_inline(field.example)}"
    default = (
        "" if field.default in (None, "") or field.about_target else f" Default: {_inline(field.default)}."
    )
    written = "" if field.kind in {"boolean", "choice"} else f" Written as {kind}."
    return f"{field.summary}{written}{default}{example}"


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
