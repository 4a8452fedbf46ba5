"""Setting one value in the text of a values file, so that the comments and the order of everything else stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from k3k_core.cli.terminal import UNSAFE
from k3k_core.values.document import Document, read_document, to_yaml
from k3k_core.values.paths import without
from k3k_core.values.shape import Shape, shape
from k3k_tui.forms.model.fields import Path
from k3k_tui.forms.model.texts import MISSING

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WIDTH: Final = 110


def with_value(text: str, path: Path, value: Any) -> str:
    """Return the text of a values file in which one value is another.

    Args:
        text: YAML of which at least something can be understood; otherwise it comes back as it is.
        path: keys that lead to the value.
        value: the new one; `MISSING` takes it out, and what is empty then goes with it.
    """
    document = read_document(text)
    if not document.usable:
        return text
    wanted = _with(document.tree, path, value)
    if wanted == document.tree and not document.issues:
        return text
    if _is_canonical(text, document):
        return canonical(wanted)
    changed = _edited(text, path, value)
    if changed is not None and _holds(changed, wanted, document):
        return changed
    # A form that cannot be edited in place, such as braces over several lines: comments are lost, values are not.
    return canonical(wanted)


def canonical(tree: Mapping[str, Any]) -> str:
    """Return a tree of values as YAML in the order of the reference; nothing for an empty tree.

    Args:
        tree: plain values.
    """
    if not tree:
        return ""
    ordered = _ordered(tree, shape())
    text = to_yaml(ordered)
    # What would make a terminal lie is written as escapes.
    risky = UNSAFE.search(text.replace("\n", ""))
    return str(yaml.safe_dump(ordered, sort_keys=False, width=_WIDTH)) if risky else text


def _is_canonical(text: str, document: Document) -> bool:
    return not text.strip() or (not document.issues and text == canonical(document.tree))


def _holds(text: str, tree: Mapping[str, Any], before: Document) -> bool:
    after = read_document(text)
    return after.usable and after.tree == tree and len(after.issues) <= len(before.issues)


def _with(tree: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    if value is MISSING:
        return _pruned(tree, path)
    head, *rest = path
    below = tree.get(head)
    inner = below if isinstance(below, Mapping) else {}
    return {**tree, head: _with(inner, tuple(rest), value) if rest else value}


def _pruned(tree: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a tree without a value, and without the blocks that held nothing else."""
    smaller: dict[str, Any] = without(dict(tree), path)
    above = path[:-1]
    if smaller != tree and above:
        holder: Any = smaller
        for step in above:
            holder = holder.get(step) if isinstance(holder, Mapping) else None
        if holder in ({}, None):
            return _pruned(smaller, above)
    return smaller


def _ordered(tree: Mapping[str, Any], at: Shape | None) -> dict[str, Any]:
    known = list(at.keys) if at is not None else []
    keys = [key for key in known if key in tree] + [key for key in tree if key not in known]
    return {
        key: _ordered(tree[key], at.keys.get(key) if at is not None else None)
        if isinstance(tree[key], Mapping) and key in known
        else tree[key]
        for key in keys
    }


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key of a block mapping and its value; `last` is the last line that holds something of it."""

    key: yaml.ScalarNode
    value: yaml.Node
    last: int


def _edited(text: str, path: Path, value: Any) -> str | None:
    """Return the text with one value set in place; None when its form does not allow it."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError:
        return None
    lines = text.splitlines()
    if root is None:
        return _joined([*lines, *_rendered(path, value, 0)])
    found: list[_Entry] = []
    block = root
    for step in path:
        if not isinstance(block, yaml.MappingNode) or block.flow_style:
            break
        entry = _entry(block, step)
        if entry is None:
            break
        found.append(entry)
        block = entry.value
    if len(found) == len(path):
        return _removed(lines, found) if value is MISSING else _replaced(lines, found[-1], path[-1], value)
    if not isinstance(block, yaml.MappingNode) or block.flow_style or not block.value:
        if not found or block.value:
            return None
        # A block without anything in it: `k3s:` or `k3s: {}`.
        return _replaced(lines, found[-1], path[len(found) - 1], _nested(path[len(found) :], value))
    column = block.value[0][0].start_mark.column
    after = max(_last_line(node) for _key, node in block.value)
    lines[after + 1 : after + 1] = _rendered(path[len(found) :], value, column)
    return _joined(lines)


def _entry(block: yaml.MappingNode, key: str) -> _Entry | None:
    for key_node, value_node in block.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.value == key:
            return _Entry(key_node, value_node, max(_last_line(value_node), key_node.end_mark.line))
    return None


def _last_line(node: yaml.Node) -> int:
    """Return the last line with something of a node; the end that YAML gives a block is where the next begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return int(end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line)


def _replaced(lines: list[str], entry: _Entry, key: str, value: Any) -> str:
    start, end = entry.value.start_mark, entry.value.end_mark
    rendered = _rendered((key,), value, entry.key.start_mark.column)
    on_one_line = isinstance(entry.value, yaml.ScalarNode) and start.line == end.line and start != end
    if on_one_line and end.column > start.column and len(rendered) == 1:
        line = lines[start.line]
        scalar = rendered[0].lstrip()[len(_key(key)) + 2 :]
        lines[start.line] = line[: start.column] + scalar + line[end.column :]
    else:
        lines[entry.key.start_mark.line : entry.last + 1] = rendered
    return _joined(lines)


def _removed(lines: list[str], found: list[_Entry]) -> str:
    """Take the innermost entry out, and the blocks that hold nothing but it."""
    first = len(found) - 1
    while first and _only(found[first - 1]):
        first -= 1
    del lines[found[first].key.start_mark.line : found[first].last + 1]
    return _joined(lines)


def _only(entry: _Entry) -> bool:
    return isinstance(entry.value, yaml.MappingNode) and len(entry.value.value) == 1


def _rendered(path: Path, value: Any, column: int) -> list[str]:
    if value is MISSING:
        return []
    text = yaml.safe_dump(_nested(path, value), sort_keys=False, allow_unicode=True, width=_WIDTH)
    return [f"{' ' * column}{line}" if line else line for line in text.splitlines()]


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _key(key: str) -> str:
    return str(yaml.safe_dump(key, width=_WIDTH)).splitlines()[0]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
