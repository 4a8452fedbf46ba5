"""Values: what a user asks for in a YAML file, its checks, presets, JSON Schema and reference page.

`load_values` is the door. The model needs pydantic, whose import takes time, so nothing is imported before
it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k3k_core.values.document import to_yaml
    from k3k_core.values.explaining import explain
    from k3k_core.values.loading import LoadedValues, load_given, load_values, read_values_file
    from k3k_core.values.model import Values
    from k3k_core.values.presets import PRESETS, preset_text
    from k3k_core.values.schema import json_schema
    from k3k_core.values.secrets import join_secrets, split_secrets

__all__ = [
    "PRESETS",
    "LoadedValues",
    "Values",
    "explain",
    "join_secrets",
    "json_schema",
    "load_given",
    "load_values",
    "preset_text",
    "read_values_file",
    "split_secrets",
    "to_yaml",
]

_HOMES = {
    "LoadedValues": "loading",
    "PRESETS": "presets",
    "Values": "model",
    "explain": "explaining",
    "join_secrets": "secrets",
    "json_schema": "schema",
    "load_given": "loading",
    "load_values": "loading",
    "preset_text": "presets",
    "read_values_file": "loading",
    "split_secrets": "secrets",
    "to_yaml": "document",
}


if not TYPE_CHECKING:
    # Hidden from type checkers, who would take every name for one that exists.
    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
