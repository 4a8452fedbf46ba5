"""Objects as clients send them: of which type, how they are read, and what is filled in."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api import crds, strategies
from k3k_core.sandbox.api.decoding import canonical
from k3k_core.sandbox.api.defaulting import set_defaults
from k3k_core.sandbox.api.registry import Definition, Registry
from k3k_core.sandbox.api.schema import DEDUCED, Type, builtin_type
from k3k_core.sandbox.api.statuses import (
    ApiError,
    bad_request,
    invalid,
    invalid_value,
)
from k3k_core.sandbox.api.writes import Options
from k3k_core.sandbox.api.zero_values import fill_zero_values

Json = dict[str, Any]


class SentObjects:
    """Reads objects that clients send.

    Args:
        registry: the resource types.
        custom: custom resources.
    """

    def __init__(self, registry: Registry, custom: crds.CustomResources) -> None:
        self.registry = registry
        self.crds = custom

    def type_of(self, definition: Definition) -> Type:
        """Return the type of a resource's objects."""
        resource = definition.resource
        if definition.custom:
            return self.crds.type_of(resource)
        return builtin_type(resource.group, resource.version, resource.kind) or DEDUCED

    def decode(
        self, definition: Definition, obj: Json, options: Options, extra: list[str]
    ) -> tuple[Json, list[str]]:
        """Read a sent object: check its type, drop unknown and empty fields, set defaults.

        Args:
            definition: its resource type.
            obj: as parsed.
            options: how strictly to read.
            extra: problems found while parsing (duplicate fields).

        Returns:
            The object and warnings.

        Raises:
            ApiError: 400, another type, a wrong JSON type, or unknown fields under strict validation.
        """
        resource = definition.resource
        self._check_type(definition, obj)
        if definition.custom:
            clean, unknown = self.crds.prune(resource, obj)
        else:
            clean, unknown = canonical(self.type_of(definition), obj, name=resource.kind)
        problems = [*extra, *unknown]
        if problems and options.field_validation == "Strict":
            listed = ", ".join(problems)
            if definition.custom:
                raise bad_request(
                    f'{resource.kind} in version "{resource.version}" cannot be handled as a '
                    f"{resource.kind}: strict decoding error: {listed}"
                )
            raise bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                f"strict decoding error: {listed}"
            )
        clean["kind"], clean["apiVersion"] = resource.kind, resource.api_version
        if not isinstance(clean.get("metadata"), dict):
            clean["metadata"] = {}
        return clean, problems if options.field_validation == "Warn" else []

    def _check_type(self, definition: Definition, obj: Json) -> None:
        resource = definition.resource
        api_version, kind = obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind
        if (api_version, kind) == (resource.api_version, resource.kind):
            return
        if definition.custom:
            raise _other_custom_type(resource, api_version, kind, obj)
        group, _, version = api_version.rpartition("/")
        if self.registry.by_kind(api_version, kind) is None:
            raise bad_request(
                f'{kind} in version "{version}" cannot be handled as a {resource.kind}: no kind "{kind}" is '
                f'registered for version "{api_version}" in scheme '
                '"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"'
            )
        if group == resource.group and kind == resource.kind:
            raise bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version "
                f"({resource.api_version})"
            )
        raise bad_request(
            f'{kind} in version "{version}" cannot be handled as a {resource.kind}: converting '
            f"({version}.{kind}) to ({internal_group(resource.group)}.{resource.kind}): "
            "unknown conversion"
        )

    def complete(self, definition: Definition, obj: Json) -> None:
        """Set defaults and the fields Go always writes."""
        if definition.custom:
            self.crds.default(definition.resource, obj)
            return
        strategies.normalize(definition.resource.kind, obj)
        set_defaults(definition.resource.kind, obj)
        fill_zero_values(definition.resource.kind, obj)

    # Create


def _other_custom_type(resource: Resource, api_version: str, kind: str, obj: Json) -> ApiError:
    if api_version != resource.api_version:
        return bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    error = invalid_value("kind", kind, f"must be {resource.kind}")
    name = (obj.get("metadata") or {}).get("name", "")
    return invalid(resource.group, kind, name, [error])


def internal_group(group: str) -> str:
    return {"": "core", "rbac.authorization.k8s.io": "rbac"}.get(group, group.partition(".")[0])
