"""The fields of a form, made from the model of the values file: none is written down here twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

# How a value is written in its field. "lines": one entry of a list a line; "entries": one `key: value` a line;
# "yaml": a YAML value on several lines.
Kind = Literal["text", "secret", "number", "boolean", "choice", "lines", "entries", "yaml"]
Path: TypeAlias = tuple[str, ...]

# Where a control plane goes, beside what its values say.
TARGET: Final = "target"
HOST: Final = f"{TARGET}.host"
NAMESPACE: Final = f"{TARGET}.namespace"
NAME: Final = f"{TARGET}.name"
PRESET: Final = f"{TARGET}.preset"

# What most people decide, in the order in which they do, with a short name for each.
_ESSENTIALS: Final[Mapping[Path, str]] = {
    ("version",): "k3s version",
    ("servers",): "Servers",
    ("datastore", "kind"): "Datastore",
    ("persistence", "enabled"): "Keep data",
    ("persistence", "size"): "Volume size",
    ("loadbalancer", "enabled"): "Load balancer",
    ("ttl",): "Time to live",
}
# Left out, a create settles these itself (k3k_core.lifecycle.claim.settled): saying the default is saying something.
SETTLED: Final[frozenset[Path]] = frozenset({("version",), ("persistence", "enabled")})
_CAPITALS: Final = {
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "dns": "DNS",
    "ip": "IP",
    "cpu": "CPU",
    "tls": "TLS",
    "sans": "SANs",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        key: dotted path of its value, or "target.…" for where the control plane goes.
        title: its label.
        summary: what it means.
        kind: how it is written.
        default: the value it has when it is left out; None for none.
        choices: the values it may have, for kind "choice".
        example: how it may look.
        form: what its text looks like, such as "time span"; empty when the kind says it.
        low: least number.
        high: greatest number.
    """

    key: str
    title: str
    summary: str
    kind: Kind
    default: Any = None
    choices: tuple[Any, ...] = ()
    example: Any = None
    form: str = ""
    low: int | None = None
    high: int | None = None

    @property
    def path(self) -> Path:
        """Where its value stands."""
        return tuple(self.key.split("."))

    @property
    def about_target(self) -> bool:
        """Whether it says where the control plane goes, and is no value."""
        return self.key.startswith(f"{TARGET}.")


@dataclass(frozen=True, slots=True)
class Section:
    """Fields of one block of the values file.

    Attributes:
        key: dotted path of the block; empty for the essentials.
        summary: what it is about.
        fields: in the order of the model.
    """

    key: str
    summary: str
    fields: tuple[Field, ...]


# What stands beside the blocks of the values file, and in none of them.
_TOP = "general"
_TOP_SUMMARY = "Labels, protection, and how much a server gets."


@cache
def essentials() -> Section:
    """Return the values that most people decide."""
    known = {field.path: field for section in _blocks() for field in section.fields}
    return Section("", "", tuple(known[path] for path in _ESSENTIALS))


@cache
def advanced() -> tuple[Section, ...]:
    """Return everything else, a section for each block of the values file."""
    found = []
    for section in _blocks():
        rest = tuple(field for field in section.fields if field.path not in _ESSENTIALS)
        if rest:
            top = not section.key
            found.append(
                Section(_TOP if top else section.key, _TOP_SUMMARY if top else section.summary, rest)
            )
    return tuple(found)


@cache
def field_of(key: str) -> Field | None:
    """Return the field of a value; None if there is none.

    Args:
        key: dotted path of the value.
    """
    return next((field for section in _blocks() for field in section.fields if field.key == key), None)


@cache
def _blocks() -> tuple[Section, ...]:
    from k3k_core.values import json_schema

    return tuple(_sections(json_schema(), ()))


def _sections(node: Mapping[str, Any], path: Path) -> Iterator[Section]:
    inner = node["properties"]
    own = (_field(inner[key], (*path, key)) for key in inner if "properties" not in inner[key])
    # A value that can be nothing else is nothing to ask for.
    fields = tuple(field for field in own if len(field.choices) != 1)
    if fields:
        yield Section(".".join(path), node.get("description", ""), fields)
    for key, child in inner.items():
        if "properties" in child:
            yield from _sections(child, (*path, key))


def _field(node: Mapping[str, Any], path: Path) -> Field:
    choices = tuple(choice for choice in node.get("enum", ()) if choice is not None)
    kind = _kind(node, choices)
    return Field(
        key=".".join(path),
        title=_ESSENTIALS.get(path) or _title(path[-1]),
        summary=node["description"],
        kind=kind,
        default=node.get("default"),
        choices=choices,
        example=next(iter(node.get("examples", ())), None),
        form=node.get("format", "") or node.get("items", {}).get("format", ""),
        low=node.get("minimum") if kind == "number" else None,
        high=node.get("maximum") if kind == "number" else None,
    )


def _kind(node: Mapping[str, Any], choices: tuple[Any, ...]) -> Kind:
    if node.get("writeOnly"):
        return "secret"
    if choices:
        return "choice"
    kind = next(kind for kind in node["type"] if kind != "null")
    if kind == "array":
        return "lines" if node["items"].get("type") == "string" else "yaml"
    kinds: Mapping[str, Kind] = {"boolean": "boolean", "integer": "number", "object": "entries"}
    # Amounts may be text or a number; as text they keep their form.
    return "text" if "string" in node["type"] else kinds.get(kind, "text")


def _title(key: str) -> str:
    first, *rest = (_CAPITALS.get(word, word) for word in key.split("_"))
    return " ".join((first[:1].upper() + first[1:], *rest))
