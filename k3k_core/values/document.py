"""Reading YAML: one mapping with text keys, where each value stands, and what is wrong with its form.

Plain scalars mean what YAML 1.1 says, as in Helm and kubectl, but for three traps. Numbers with a leading
zero stay
text, so that `mode: 0644` is the mode 0644 and not 420; `1:30` is no number to base 60; and dates are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from k3k_core.errors import Issue
from k3k_core.nesting import nested_too_deeply
from k3k_core.values.paths import Path, child, display

MAX_BYTES: Final = 1024 * 1024
_MAX_NODES: Final = 5_000
_MAX_DEPTH: Final = 24

_TAG: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"


def loader_on(base: type) -> Any:
    """A YAML loader in which plain scalars have the meanings that this module's docstring gives them.

    Args:
        base: a safe loader of PyYAML.
    """
    loader: Any = type("_Loader", (base,), {"yaml_implicit_resolvers": {}})
    for name, pattern, first in (
        ("bool", rf"^(?:{_BOOLEANS})$", [*"yYnNtTfFoO"]),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", [*"-+0123456789"]),
        ("float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+][0-9]+)?$|^\.[0-9]+$", [*"-+0123456789."]),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("merge", r"^<<$", ["<"]),
    ):
        loader.add_implicit_resolver(f"{_TAG}{name}", re.compile(pattern), first)
    return loader


# The C parser where PyYAML has one.
_LOADER: Final = loader_on(getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in its file.

    Attributes:
        line: from 1.
        column: from 1.
        text: a scalar as it is written, "" for others.
    """

    line: int
    column: int
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A values file that has been read.

    Attributes:
        tree: its mapping, empty if there was none.
        places: where each value stands.
        issues: what is wrong with its form.
        usable: False if no part of it could be understood.
    """

    tree: dict[str, Any] = field(repr=False)
    places: dict[Path, Place] = field(default_factory=dict, repr=False)
    issues: tuple[Issue, ...] = ()
    usable: bool = True


def read_document(text: str, *, loader: Any = _LOADER) -> Document:
    """Read a values file.

    Args:
        text: YAML with one document or none.
        loader: what `loader_on` made.

    Returns:
        What it holds, together with every problem of its form.
    """
    if len(text) > MAX_BYTES:
        return _unusable("the file is larger than 1 MiB", "a values file has a few hundred lines at most")
    too_deep = _unusable("the file is nested too deeply", "check brackets and indentation")
    try:
        if nested_too_deeply(text, loader=loader):
            return too_deep
        nodes: list[yaml.Node] = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        return _unusable(*_syntax_error(error, text))
    except RecursionError:
        return too_deep
    if len(nodes) > 1:
        line = nodes[1].start_mark.line + 1
        return _unusable(
            f"the file has more than one YAML document (line {line})", "keep one document in each values file"
        )
    if not nodes or _is_null(nodes[0]):
        return Document({})
    if not isinstance(nodes[0], yaml.MappingNode):
        return _unusable(
            f"the file holds {_kind(nodes[0])} and not a mapping",
            "write `key: value` lines, e.g. `servers: 1`",
        )
    builder = _Builder()
    try:
        tree = builder.mapping(nodes[0], (), 0)
    except _TooBigError as error:
        return _unusable(str(error), "write the values out, without aliases and needless brackets")
    return Document(tree, builder.places, tuple(builder.issues))


def read_value(text: str) -> tuple[Any, list[Issue]]:
    """Read one YAML value as it may follow `--set path=`: a scalar, `[a, b]` or `{a: b}`.

    Args:
        text: the value.

    Returns:
        The value and what is wrong with its form; the value is None then.
    """
    try:
        if nested_too_deeply(text, loader=_LOADER):
            raise _TooBigError("the value is nested too deeply")
        node = yaml.compose(text, Loader=_LOADER)
        builder = _Builder()
        value = None if node is None else builder.build(node, (), 0)
    except (yaml.YAMLError, RecursionError, _TooBigError):
        return None, [
            Issue("", "the value is not valid YAML", "put it in quotes, e.g. `--set 'a.b=\"text\"'`")
        ]
    return value, builder.issues


class _TooBigError(Exception):
    """Aliases or nesting blow the document up."""


class _Builder:
    """Turns YAML nodes into plain values, noting places and problems."""

    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.issues: list[Issue] = []
        self._nodes = 0

    def build(self, node: yaml.Node, path: Path, depth: int) -> Any:
        """Value of a node."""
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _TooBigError(f"the file holds more than {_MAX_NODES} values once its aliases are followed")
        if depth > _MAX_DEPTH:
            raise _TooBigError("the file is nested too deeply, or an alias holds itself")
        mark = node.start_mark
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        self.places.setdefault(path, Place(mark.line + 1, mark.column + 1, text))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        """Mapping of a node, merge keys (`<<`) resolved."""
        result: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in result:
                self._note(child(path, key), "is given twice", f"keep one of them (line {_line(key_node)})")
                continue
            here = (*path, key)
            mark = key_node.start_mark
            result[key] = self.build(value_node, here, depth + 1)
            self.places[here] = Place(mark.line + 1, mark.column + 1, self.places[here].text)
        for source in merged:
            if not isinstance(source, yaml.MappingNode):
                self._note(path, "`<<` must name a mapping", "write `<<: *NAME` with the anchor of a mapping")
                continue
            for key, value in self.mapping(source, path, depth + 1).items():
                result.setdefault(key, value)
        return result

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        if isinstance(node, yaml.ScalarNode) and node.tag.startswith(_TAG) and not _is_null(node):
            self._note(
                child(path, node.value),
                "the key is not text in YAML",
                f"put the key in quotes (line {_line(node)})",
            )
        else:
            self._note(path, f"line {_line(node)} has a key that is not text", "write plain names as keys")
        return None

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix(_TAG)
        text = str(node.value)
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool" and re.fullmatch(_BOOLEANS, text):
            return text.lower() in {"yes", "true", "on"}
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text)
        except ValueError:
            pass
        self._note(
            path, f"has a YAML tag that is not understood (line {_line(node)})", "leave the `!...` out"
        )
        return None

    def _note(self, path: Path, problem: str, remedy: str) -> None:
        self.issues.append(Issue(display(path), problem, remedy))


def _unusable(problem: str, remedy: str) -> Document:
    return Document({}, issues=(Issue("", problem, remedy),), usable=False)


def _syntax_error(error: yaml.YAMLError, text: str) -> tuple[str, str]:
    """Problem and remedy for text that is no YAML, without any of the text: it may be a token."""
    remedy = "check indentation, colons and quotes there"
    mark = (error.problem_mark or error.context_mark) if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return "not valid YAML: it holds control characters", "save the file as plain UTF-8 text"
    # The Python parser quotes names from the file; quoted punctuation is what it misses there.
    problem = re.sub(r"\s*(['\"])(?!<)[^'\"]*\w[^'\"]*\1", "", error.problem or "this is not understood")
    line = (text.splitlines() or [""])[min(mark.line, text.count("\n"), len(text.splitlines()) - 1)]
    if "\t" in line[: len(line) - len(line.lstrip())]:
        problem, remedy = "a tab in the indentation", "indent with spaces"
    elif "alias" in problem:
        problem, remedy = (
            "an alias without its anchor",
            "define `&NAME` before `*NAME`, or put the text in quotes",
        )
    return f"not valid YAML at line {mark.line + 1}, column {mark.column + 1}: {problem}", remedy


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def to_yaml(tree: Mapping[str, Any]) -> str:
    """Write a tree of values as a values file, in the order of the tree.

    Args:
        tree: plain values, e.g. `LoadedValues.given`. Secrets in it are written too.
    """
    return str(yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True, width=110))
