"""Which resource types a server has: the built-in ones of Kubernetes 1.36, and those that CRDs add."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from k3k_core.resources import Resource

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
STATUS_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A part of a resource type with a path of its own.

    Attributes:
        name: e.g. "status".
        kind: kind of the objects it exchanges.
        verbs: what can be done with it.
        group_version: (group, version) of `kind` where they differ from the parent's.
    """

    name: str
    kind: str
    verbs: tuple[str, ...]
    group_version: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A resource type as discovery describes it.

    Attributes:
        resource: group, version, names, scope.
        singular: name for people.
        verbs: what can be done with its objects.
        short_names: abbreviations.
        categories: groups such as "all".
        subresources: by name.
        list_kind: kind of its lists.
        custom: whether a CRD defines it.
        storage: (group, version) its objects are stored in.
        deprecation: what every answer warns of; empty when there is nothing.
    """

    resource: Resource
    singular: str
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: dict[str, Subresource] = field(default_factory=dict)
    list_kind: str = ""
    custom: bool = False
    storage: tuple[str, str] = ("", "")
    deprecation: str = ""

    @property
    def storage_hash(self) -> str:
        """`storageVersionHash`: the first 8 bytes of a SHA-256 over group, version and kind."""
        text = f"{self.storage[0]}/{self.storage[1]}/{self.resource.kind}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()

    @property
    def stored(self) -> bool:
        """Whether objects of this type are kept (reviews are only answered)."""
        return "get" in self.verbs and self.resource.kind != "ComponentStatus"


# Storage versions that differ from the served one.
_STORAGE = {
    ("events.k8s.io", "Event"): ("", "v1"),
    ("autoscaling", "HorizontalPodAutoscaler"): ("autoscaling", "v2"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("apiextensions.k8s.io", "v1beta1"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): ("admissionregistration.k8s.io", "v1beta1"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): (
        "admissionregistration.k8s.io",
        "v1beta1",
    ),
}


_DEPRECATIONS = {
    ("", "ComponentStatus"): "v1 ComponentStatus is deprecated in v1.19+",
    ("", "Endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}


def _verbs(text: str) -> tuple[str, ...]:
    return {"*": ALL_VERBS, "s": STATUS_VERBS}.get(text) or tuple(text.split(","))


def _options(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


@cache
def builtin_definitions() -> tuple[Definition, ...]:
    """Return the built-in resource types in the order of the recorded discovery."""
    text = files("k3k_core.sandbox.api").joinpath("data/resources.txt").read_text("utf-8")
    found: list[Definition] = []
    group, version = "", ""
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "=":
            group, _, version = words[1].rpartition("/")
        elif words[0].startswith("/"):
            name, options = words[0][1:], _options(words[3:])
            other = options.get("gv", "").rpartition("/")
            found[-1].subresources[name] = Subresource(
                name, words[1], _verbs(words[2]), (other[0], other[2]) if other[2] else None
            )
        else:
            found.append(_definition(group, version, words))
    return tuple(found)


def _definition(group: str, version: str, words: list[str]) -> Definition:
    options = _options(words[5:])
    return Definition(
        resource=Resource(group, version, words[0], words[2], namespaced=words[3] == "N"),
        singular=words[1],
        verbs=_verbs(words[4]),
        short_names=tuple(filter(None, options.get("short", "").split(","))),
        categories=tuple(filter(None, options.get("cat", "").split(","))),
        list_kind=f"{words[2]}List",
        storage=_STORAGE.get((group, words[2]), (group, version)),
        deprecation=_DEPRECATIONS.get((group, words[2]), ""),
    )


@cache
def _builtin_index() -> dict[tuple[str, str, str], Definition]:
    return {(d.resource.group, d.resource.version, d.resource.plural): d for d in builtin_definitions()}


@cache
def _builtin_kinds() -> dict[tuple[str, str], Definition]:
    return {(d.resource.api_version, d.resource.kind): d for d in builtin_definitions()}


class Registry:
    """The resource types of one server; the built-in ones are shared between servers."""

    def __init__(self) -> None:
        self._custom: dict[tuple[str, str, str], Definition] = {}

    def __iter__(self) -> Iterator[Definition]:
        yield from builtin_definitions()
        yield from self._custom.values()

    def find(self, group: str, version: str, plural: str) -> Definition | None:
        """Return a resource type by its URL path."""
        key = (group, version, plural)
        return _builtin_index().get(key) or self._custom.get(key)

    def by_kind(self, api_version: str, kind: str) -> Definition | None:
        """Return a resource type by `apiVersion` and `kind` of its objects."""
        found = _builtin_kinds().get((api_version, kind))
        if found is not None:
            return found
        for definition in self._custom.values():
            if (definition.resource.api_version, definition.resource.kind) == (api_version, kind):
                return definition
        return None

    def of(self, resource: Resource) -> Definition:
        """Return the definition of a resource type that is known to exist."""
        definition = self.find(resource.group, resource.version, resource.plural)
        if definition is None:
            raise KeyError(resource)
        return definition

    def has_group_version(self, group: str, version: str) -> bool:
        return any(d.resource.group == group and d.resource.version == version for d in self)

    def is_builtin_group(self, group: str) -> bool:
        return any(d.resource.group == group for d in builtin_definitions())

    def add(self, definition: Definition) -> None:
        """Serve a custom resource type."""
        resource = definition.resource
        self._custom[resource.group, resource.version, resource.plural] = definition

    def remove(self, group: str, plural: str) -> None:
        """Stop serving a custom resource type in all its versions."""
        for key in [key for key in self._custom if (key[0], key[2]) == (group, plural)]:
            del self._custom[key]

    @property
    def custom(self) -> tuple[Definition, ...]:
        return tuple(self._custom.values())
