r"""Laying values over one another: preset, then file, then `--set`.

Mappings merge deeply, everything else, lists too, replaces what was there. A null unsets: the default comes
back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k3k_core.errors import Issue
from k3k_core.values.document import read_value
from k3k_core.values.paths import Path, display
from k3k_core.values.refusal import RefusedError

_STEP = re.compile(r"((?:[^\\.\[\]]|\\.)+)((?:\[[0-9]{1,4}\])*)(?:\.|$)")


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one tree over another.

    Args:
        base: what stands below.
        over: what wins.

    Returns:
        A new tree; nulls of `over` stay in it.
    """
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = merge(below, value)
        else:
            result[key] = value
    return result


def apply_overrides(tree: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[Issue]]:
    r"""Apply `path=value` texts, the last one wins.

    A path is `a.b`, `a[0]` or `a.b\.c` (a dot within a key); a value is a YAML scalar, `[a, b]` or `{a:
    b}`. A mapping
    replaces what was there. `null` unsets, nothing after the `=` is the empty text.

    Args:
        tree: what they are applied to.
        overrides: the texts.

    Returns:
        A new tree, and an issue with path `--set N` for each text that could not be applied.
    """
    issues: list[Issue] = []
    for number, text in enumerate(overrides, start=1):
        try:
            path, value = _parse(text)
            tree = _with(tree, path, value, ())
        except RefusedError as error:
            issues.append(Issue(f"--set {number}", error.problem, error.remedy))
    return tree, issues


def _parse(text: str) -> tuple[Path, Any]:
    written, equals, value = text.partition("=")
    if not equals:
        raise RefusedError("has no `=`", "write `--set a.b=value`")
    path = _parse_path(written.strip())
    if not value:
        return path, ""
    parsed, issues = read_value(value)
    if issues:
        raise RefusedError(f"{display(path)}: {issues[0].problem}", issues[0].remedy)
    return path, parsed


def _parse_path(text: str) -> Path:
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            break
        steps.append(re.sub(r"\\(.)", r"\1", match[1]))
        steps += [int(index) for index in re.findall(r"[0-9]+", match[2])]
        position = match.end()
    if not steps or position < len(text) or re.search(r"(^|[^\\])\.$", text):
        raise RefusedError(
            r"the path before `=` is not understood", r"write `a.b`, `a[0]` or `a.b\.c` for a dot in a key"
        )
    return tuple(steps)


def _with(tree: Any, path: Path, value: Any, above: Path) -> Any:
    """A copy of a tree with a value at a path."""
    step, *rest = path
    here = (*above, step)
    if isinstance(step, int):
        items = [] if tree is None else tree
        if not isinstance(items, list):
            raise RefusedError(f"{display(above)} is not a list", "leave the index out")
        if step > len(items):
            raise RefusedError(
                f"{display(above)} has {len(items)} entries, so {display(here)} cannot be set",
                f"use index {len(items)} to append",
            )
        new = _with(items[step] if step < len(items) else None, tuple(rest), value, here) if rest else value
        return [*items[:step], new, *items[step + 1 :]]
    mapping = {} if tree is None else tree
    if not isinstance(mapping, dict):
        raise RefusedError(f"{display(above)} is not a mapping", f"it has no `{display((step,))}`")
    new = _with(mapping.get(step), tuple(rest), value, here) if rest else value
    return {**mapping, step: new}
