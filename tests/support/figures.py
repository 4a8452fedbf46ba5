"""Compare signals figure by figure, floats up to rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def figures(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every figure of a signal with the path to it; an empty mapping or tuple yields nothing."""
    if is_dataclass(value):
        for field in fields(value):
            yield from figures(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from figures(item, f"{path}[{key!r}]")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from figures(item, f"{path}[{index}]")
    else:
        yield path, value


def differences(found: Any, expected: Any) -> list[str]:
    """Return a line for each figure that differs by more than rounding."""
    ours, theirs = dict(figures(found)), dict(figures(expected))
    return [
        f"{path}: {ours.get(path, 'missing')!r}, expected {theirs.get(path, 'missing')!r}"
        for path in ours | theirs
        if not _same(ours.get(path, "missing"), theirs.get(path, "missing"))
    ]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)
