"""Places in a tree of values: tuples of keys and list positions, and their written form `a.b[0].c`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[-\w./]{1,120}")


def child(path: Path, key: str | int) -> Path:
    """Path of an entry of a mapping or list."""
    return (*path, key)


def display(path: Iterable[str | int]) -> str:
    r"""Written form of a path, as `--set` takes it: dots within a key are escaped (`a.b\.c`).

    A key that is no name (`token:secret`, where a space is missing after the colon) is cut off where it
    stops being
    one, for it may hold a secret.
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        plain = _PLAIN_KEY.match(step)
        name = step if plain and plain.end() == len(step) else (plain.group() if plain else "") + "…"
        text += ("." if text else "") + name.replace(".", r"\.")
    return text


def related(one: Path, other: Path) -> bool:
    """Whether one path lies at or below the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def get(tree: Any, path: Path) -> Any:
    """The value at a path, None if there is none."""
    for step in path:
        inside = isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree)
        if not inside and not (isinstance(tree, dict) and step in tree):
            return None
        tree = tree[step]
    return tree


def without(tree: Any, path: Path) -> Any:
    """A copy of a tree without what stands at a path. A list goes whole if a path leads into it."""
    if not path or not isinstance(tree, dict) or path[0] not in tree:
        return tree
    head, *rest = path
    copy = dict(tree)
    inner = without(copy[head], tuple(rest)) if rest and isinstance(copy[head], dict) else None
    if inner is None or not rest or not isinstance(rest[0], str):
        del copy[head]
    else:
        copy[head] = inner
    return copy


def walk(tree: Any, above: Path = ()) -> Iterator[Path]:
    """Paths of everything in a tree, each before what is below it."""
    entries = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in entries:
        yield (*above, step)
        yield from walk(value, (*above, step))
