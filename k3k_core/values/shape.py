"""Which keys exist where, read off the model: for nulls that mean "the default" and for "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

from k3k_core.values.paths import Path, display

# Blocks of the architecture that a later version will understand.
NOT_YET = frozenset({"ingress", "monitoring"})


@dataclass(frozen=True, slots=True)
class Shape:
    """Keys of one mapping.

    Attributes:
        keys: shape below each key, None for a value.
        free: whether the keys are the user's own (annotations).
    """

    keys: Mapping[str, Shape | None] = field(default_factory=dict)
    free: bool = False


@cache
def shape() -> Shape:
    """Shape of a values file."""
    from k3k_core.values.model import Values

    return _of(Values)


def _of(model: Any) -> Shape:
    keys: dict[str, Shape | None] = {}
    for name, info in model.model_fields.items():
        annotation = info.annotation
        inner = next(
            (part for part in (annotation, *get_args(annotation)) if hasattr(part, "model_fields")), None
        )
        if inner is not None:
            keys[name] = _of(inner)
        else:
            keys[name] = Shape(free=True) if getattr(annotation, "__origin__", None) is dict else None
    return Shape(keys)


def drop_nulls(tree: Any, at: Shape | None = None) -> Any:
    """A copy of a tree without the nulls at known keys; under unknown keys everything stays, to "
    "be refused."""
    at = shape() if at is None else at
    if isinstance(tree, list):
        return [drop_nulls(item, at) if isinstance(item, dict) else item for item in tree]
    result = {}
    for key, value in tree.items():
        known = at.free or key in at.keys
        if value is None and known:
            continue
        inner = at.keys.get(key)
        result[key] = (
            drop_nulls(value, inner) if inner is not None and isinstance(value, dict | list) else value
        )
    return result


def shape_at(path: Path) -> Shape | None:
    """Shape of the mapping at a path, None if there is none."""
    at: Shape | None = shape()
    for step in path:
        if isinstance(step, int):
            continue
        at = at.keys.get(step) if at is not None else None
    return at


def suggest(path: Path) -> str:
    """What an unknown key was probably meant to be.

    Args:
        path: path of the unknown key.

    Returns:
        A remedy.
    """
    *above, key = path
    name = str(key)
    siblings = shape_at(tuple(above))
    known = list(siblings.keys) if siblings is not None else []
    flat = {_flat(one): one for one in known}
    close = difflib.get_close_matches(_flat(name), list(flat), n=1, cutoff=0.7)
    if close:
        return f"did you mean `{flat[close[0]]}`?"
    elsewhere = [display(one) for one in _paths(shape(), ()) if _flat(str(one[-1])) == _flat(name)]
    if elsewhere:
        return f"did you mean `{elsewhere[0]}`?"
    return f"use {_listed(known)}" if 0 < len(known) <= 9 else "`k3k values --explain` lists the keys"


def _flat(name: str) -> str:
    """A key without what people spell differently: clusterCIDR, cluster-cidr, cluster_cidr."""
    return name.replace("_", "").replace("-", "").lower()


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _paths(at: Shape, above: Path) -> Iterator[Path]:
    for key, inner in at.keys.items():
        yield (*above, key)
        if inner is not None:
            yield from _paths(inner, (*above, key))
