"""Discovery documents, `/version`, and the OpenAPI that kubectl asks for before it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from k3k_core.sandbox.api.health import checks
from k3k_core.sandbox.api.registry import Definition, Registry, builtin_definitions

Json = dict[str, Any]


def version_document(version: str, *, go_version: str = "go1.26.6") -> Json:
    """Return `/version`.

    Args:
        version: e.g. "v1.36.2" or "v1.36.2+k3s1".
        go_version: what the server claims to be built with.
    """
    major, minor = version.removeprefix("v").split(".")[:2]
    document: Json = {"major": major, "minor": minor}
    if int(minor) >= 34:
        document |= {
            "emulationMajor": major,
            "emulationMinor": minor,
            "minCompatibilityMajor": major,
            "minCompatibilityMinor": str(int(minor) - 1),
        }
    return document | {
        "gitVersion": version,
        "gitCommit": hashlib.sha1(version.encode(), usedforsecurity=False).hexdigest(),
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": go_version,
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def core_versions(address: str) -> Json:
    """Return `/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _groups(definitions: Iterable[Definition]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for definition in definitions:
        versions = found.setdefault(definition.resource.group, [])
        if definition.resource.version not in versions:
            versions.append(definition.resource.version)
    return found


def group(name: str, versions: list[str]) -> Json:
    """Return an APIGroup without its type."""
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def group_list(registry: Registry) -> Json:
    """Return `/apis`."""
    groups = [group(name, versions) for name, versions in _groups(registry).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_document(registry: Registry, name: str) -> Json | None:
    """Return `/apis/GROUP`, None for an unknown group."""
    versions = _groups(registry).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **group(name, versions)} if name and versions else None


def resource_list(registry: Registry, group_name: str, version: str) -> Json | None:
    """Return `/api/v1` or `/apis/GROUP/VERSION`, None where there is no such thing."""
    found = [d for d in registry if (d.resource.group, d.resource.version) == (group_name, version)]
    if not found:
        return None
    resources: list[Json] = []
    for definition in found:
        resources += _resources(definition)
    text = f"{group_name}/{version}" if group_name else version
    document: Json = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": text,
        "resources": resources,
    }
    if not group_name:
        # The legacy group's list is written without its own version.
        del document["apiVersion"]
    return document


def _resources(definition: Definition) -> list[Json]:
    resource = definition.resource
    entry: Json = {
        "name": resource.plural,
        "singularName": definition.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(definition.verbs),
    }
    if definition.short_names:
        entry["shortNames"] = list(definition.short_names)
    if definition.categories:
        entry["categories"] = list(definition.categories)
    if definition.stored:
        entry["storageVersionHash"] = definition.storage_hash
    found = [entry]
    for subresource in definition.subresources.values():
        item: Json = {
            "name": f"{resource.plural}/{subresource.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
        }
        if subresource.group_version:
            item |= {"group": subresource.group_version[0], "version": subresource.group_version[1]}
        found.append({**item, "kind": subresource.kind, "verbs": list(subresource.verbs)})
    return found


def aggregated(registry: Registry, *, legacy: bool) -> Json:
    """Return the aggregated discovery of `/api` (legacy) or `/apis`, version v2."""
    items: list[Json] = []
    for name, versions in _groups(registry).items():
        if bool(name) == legacy:
            continue
        entries = [
            {
                "version": version,
                "resources": [
                    _aggregated_resource(definition)
                    for definition in registry
                    if (definition.resource.group, definition.resource.version) == (name, version)
                ],
                "freshness": "Current",
            }
            for version in versions
        ]
        items.append({"metadata": {"name": name} if name else {}, "versions": entries})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_resource(definition: Definition) -> Json:
    resource = definition.resource
    gv = (resource.group, resource.version) if definition.custom else ("", "")
    entry: Json = {
        "resource": resource.plural,
        "responseKind": {"group": gv[0], "version": gv[1], "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": definition.singular,
        "verbs": list(definition.verbs),
    }
    if definition.short_names:
        entry["shortNames"] = list(definition.short_names)
    if definition.categories:
        entry["categories"] = list(definition.categories)
    parts: list[Json] = []
    for subresource in definition.subresources.values():
        at = subresource.group_version or gv
        parts.append(
            {
                "subresource": subresource.name,
                "responseKind": {"group": at[0], "version": at[1], "kind": subresource.kind},
                "verbs": list(subresource.verbs),
            }
        )
    if parts:
        entry["subresources"] = parts
    return entry


def paths(registry: Registry) -> list[str]:
    """Return the paths that `/` lists."""
    found = {"/api", "/api/v1", "/apis", "/apis/", "/openapi/v3", "/openapi/v3/", "/version"}
    for name, versions in _groups(registry).items():
        if name:
            found |= {f"/apis/{name}", *(f"/apis/{name}/{version}" for version in versions)}
    for kind in ("healthz", "livez", "readyz"):
        found |= {f"/{kind}", *(f"/{kind}/{check}" for check in checks(kind))}
    return sorted(found)


# OpenAPI v3: kubectl looks up whether a kind's PATCH takes `fieldValidation`; schemas are left open.

_PATCH_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
]


def openapi_index(registry: Registry) -> Json:
    """Return `/openapi/v3`."""
    paths: Json = {}
    for definition in registry:
        resource = definition.resource
        key = f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
        kinds = "".join(d.resource.kind for d in registry if d.resource.group == resource.group)
        mark = hashlib.sha256(kinds.encode()).hexdigest().upper()
        paths[key] = {"serverRelativeURL": f"/openapi/v3/{key}?hash={mark}"}
    return {"paths": paths}


def openapi_document(registry: Registry, group_name: str, version: str, title: str) -> Json | None:
    """Return `/openapi/v3/...` of one group version: its PATCH operations and open schemas."""
    found = [d for d in registry if (d.resource.group, d.resource.version) == (group_name, version)]
    if not found:
        return None
    paths: Json = {}
    schemas: Json = {}
    for definition in found:
        kind = _group_version_kind(definition)
        schemas[f"k3k.{definition.resource.kind}"] = {
            "type": "object",
            "x-kubernetes-group-version-kind": [kind],
            "x-kubernetes-preserve-unknown-fields": True,
        }
        if "patch" in definition.verbs:
            path = definition.resource.path(
                "{namespace}" if definition.resource.namespaced else None, "{name}"
            )
            paths[path] = {"patch": _patch_operation(kind)}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": title},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _group_version_kind(definition: Definition) -> Json:
    resource = definition.resource
    return {"group": resource.group, "kind": resource.kind, "version": resource.version}


def _patch_operation(kind: Mapping[str, Any]) -> Json:
    types = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
    return {
        "parameters": _PATCH_PARAMETERS,
        "requestBody": {"content": {media_type: {"schema": {"type": "object"}} for media_type in types}},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind,
    }


@cache
def builtin_groups() -> frozenset[str]:
    return frozenset(definition.resource.group for definition in builtin_definitions())
