"""The secrets of a values file: taking them out before it is stored, and putting them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from k3k_core.values.paths import Path, display, get, without

SECRET_PATHS: Final[tuple[Path, ...]] = (
    ("k3s", "token"),
    ("k3s", "agent_token"),
    ("datastore", "external", "endpoint"),
)


def is_secret(path: Path) -> bool:
    """Whether a value at this path must never be shown."""
    return path in SECRET_PATHS


def split_secrets(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Take the secrets out of a tree of values.

    Args:
        given: `LoadedValues.given` or another tree of the same form.

    Returns:
        The tree without them, and the secrets by their written path (`k3s.token`).
    """
    tree: dict[str, Any] = dict(given)
    secrets: dict[str, str] = {}
    for path in SECRET_PATHS:
        value = get(tree, path)
        if isinstance(value, str):
            secrets[display(path)] = value
            tree = without(tree, path)
    return tree, secrets


def join_secrets(given: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Put secrets back: the opposite of `split_secrets`.

    Args:
        given: a tree of values.
        secrets: secrets by their written path.

    Returns:
        A new tree.
    """
    tree: dict[str, Any] = dict(given)
    for path in SECRET_PATHS:
        if display(path) in secrets:
            tree = _put(tree, path, secrets[display(path)])
    return tree


def _put(tree: Mapping[str, Any], path: Path, value: str) -> dict[str, Any]:
    head, *rest = (str(step) for step in path)
    inner = tree.get(head)
    below = inner if isinstance(inner, dict) else {}
    return {**tree, head: _put(below, tuple(rest), value) if rest else value}
