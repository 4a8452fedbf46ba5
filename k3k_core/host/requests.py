"""Requests to a Kubernetes API as data: what to send is decided here, sending happens elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from k3k_core.errors import UsageError
from k3k_core.names import FIELD_MANAGER
from k3k_core.resources import POD, Resource, resource_of

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about, for messages.

    Attributes:
        verb: the RBAC verb, e.g. "get"; for a subresource what is done in words, e.g. "read the log of".
        resource: the resource type, None for paths outside the resource tree.
        namespace: None for cluster-scoped objects and for all namespaces.
        name: None for collections.
        subresource: RBAC verb and subresource, e.g. ("get", "log"); None when it is about the object itself.
    """

    verb: str
    resource: Resource | None = None
    namespace: str | None = None
    name: str | None = None
    subresource: tuple[str, str] | None = None

    @property
    def changes(self) -> bool:
        """Whether the request would change something."""
        verb = self.verb if self.subresource is None else self.subresource[0]
        return verb not in {"get", "list", "watch"}

    @property
    def permission(self) -> str:
        """What has to be permitted, as `kubectl auth can-i` takes it; empty outside the resource tree."""
        if self.resource is None:
            return ""
        group = f".{self.resource.group}" if self.resource.group else ""
        if self.subresource is None:
            return f"{self.verb} {self.resource.plural}{group}"
        verb, name = self.subresource
        return f"{verb} {self.resource.plural}{group} --subresource={name}"

    def __str__(self) -> str:
        if self.resource is None:
            return self.name or "the API"
        thing = f"{self.resource.kind} {self.name}" if self.name else self.resource.plural
        if not self.resource.namespaced:
            return thing
        if self.namespace is None:
            return thing if self.name else f"{thing} in all namespaces"
        return f"{thing} in namespace {self.namespace}"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: HTTP method.
        path: path and query, percent-encoded.
        subject: what it is about.
        body: the body; never shown, since it may hold secrets.
        content_type: type of the body.
        accept: types of answer that are understood.
        repeatable: whether sending it twice has the effect of sending it once.
        compressed: whether a compressed answer is worth its CPU time.
    """

    method: str
    path: str
    subject: Subject
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON
    accept: str = JSON
    repeatable: bool = True
    compressed: bool = False

    @property
    def doing(self) -> str:
        """The request in words, e.g. "get Secret a in namespace b"."""
        return f"{self.subject.verb} {self.subject}"


def get(resource: Resource, namespace: str | None, name: str) -> Request:
    """Build the request that reads one object."""
    subject = Subject("get", resource, namespace, name)
    return Request("GET", _object_path(resource, namespace, name), subject)


def list_page(
    resource: Resource,
    namespace: str | None,
    *,
    labels: str,
    fields: str,
    metadata_only: bool,
    page_size: int,
    token: str = "",
) -> Request:
    """Build the request for one page of a list; a `page_size` of 0 asks for everything in one page."""
    query = {
        "labelSelector": labels,
        "fieldSelector": fields,
        "limit": str(page_size) if page_size else "",
        "continue": token,
    }
    return Request(
        "GET",
        _collection_path(resource, namespace) + _query(query),
        Subject("list", resource, namespace),
        accept=METADATA_LIST if metadata_only else JSON,
        compressed=True,
    )


def watch(
    resource: Resource,
    namespace: str | None,
    *,
    labels: str,
    fields: str,
    resource_version: str,
    metadata_only: bool,
    timeout: float,
) -> Request:
    """Build the request that opens a watch; bookmarks are always asked for."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(max(1, int(timeout))),
        "labelSelector": labels,
        "fieldSelector": fields,
        "resourceVersion": resource_version,
    }
    return Request(
        "GET",
        _collection_path(resource, namespace) + _query(query),
        Subject("watch", resource, namespace),
        accept=METADATA if metadata_only else JSON,
    )


def create(manifest: Mapping[str, Any], *, dry_run: bool) -> Request:
    """Build the request that creates an object."""
    resource, namespace, name = identify(manifest)
    return Request(
        "POST",
        _collection_path(resource, namespace) + _write_query(dry_run),
        Subject("create", resource, namespace, name),
        body=_encode(manifest),
        repeatable=False,
    )


def apply(manifest: Mapping[str, Any], *, force: bool, dry_run: bool) -> Request:
    """Build the request for server-side apply.

    Without this content type the host would take the body for another kind of patch.
    """
    resource, namespace, name = identify(manifest)
    return Request(
        "PATCH",
        _object_path(resource, namespace, name) + _write_query(dry_run, force="true" if force else ""),
        Subject("patch", resource, namespace, name),
        body=_encode(manifest),
        content_type=APPLY,
    )


def replace(manifest: Mapping[str, Any], *, dry_run: bool) -> Request:
    """Build the request that replaces an object."""
    resource, namespace, name = identify(manifest)
    return Request(
        "PUT",
        _object_path(resource, namespace, name) + _write_query(dry_run),
        Subject("update", resource, namespace, name),
        body=_encode(manifest),
    )


def patch(
    resource: Resource,
    namespace: str | None,
    name: str,
    changes: Mapping[str, Any],
    *,
    subresource: str | None,
    dry_run: bool,
) -> Request:
    """Build the request for a JSON merge patch (RFC 7386)."""
    return Request(
        "PATCH",
        _object_path(resource, namespace, name, subresource) + _write_query(dry_run),
        Subject("patch", resource, namespace, name),
        body=_encode(changes),
        content_type=MERGE_PATCH,
    )


def delete(
    resource: Resource, namespace: str | None, name: str, *, propagation: str, uid: str | None
) -> Request:
    """Build the request that deletes one object, bound to a uid when one is given."""
    options = _delete_options(propagation)
    if uid is not None:
        options["preconditions"] = {"uid": uid}
    return Request(
        "DELETE",
        _object_path(resource, namespace, name),
        Subject("delete", resource, namespace, name),
        body=_encode(options),
    )


def delete_collection(resource: Resource, namespace: str | None, *, labels: str, propagation: str) -> Request:
    """Build the request that deletes every object with the given labels.

    Raises:
        UsageError: the selector is empty, which would delete everything.
    """
    if not labels.strip():
        raise UsageError(f"Refusing to delete all {resource.plural}: a label selector is needed.")
    return Request(
        "DELETE",
        _collection_path(resource, namespace) + _query({"labelSelector": labels}),
        Subject("deletecollection", resource, namespace),
        body=_encode(_delete_options(propagation)),
    )


def logs(
    namespace: str,
    pod: str,
    *,
    container: str | None,
    follow: bool,
    tail: int | None,
    previous: bool,
    since: float | None,
    timestamps: bool,
) -> Request:
    """Build the request for the log of a container (PodLogOptions, API reference of Kubernetes)."""
    query = {
        "container": container or "",
        "follow": "true" if follow else "",
        "tailLines": "" if tail is None else str(max(0, tail)),
        "previous": "true" if previous else "",
        # The host refuses zero.
        "sinceSeconds": "" if since is None else str(max(1, math.ceil(since))),
        "timestamps": "true" if timestamps else "",
    }
    path = _object_path(POD, namespace, pod, "log") + _query(query)
    return Request("GET", path, Subject("read the log of", POD, namespace, pod, ("get", "log")), accept="*/*")


def port_forward(namespace: str, pod: str, port: int) -> Request:
    """Build the request that opens a connection to a pod's port.

    Args:
        port: number of the port.
    """
    path = _object_path(POD, namespace, pod, "portforward") + _query({"ports": str(port)})
    return Request("GET", path, Subject("forward a port to", POD, namespace, pod, ("create", "portforward")))


def run_program(
    namespace: str, pod: str, command: Sequence[str], *, container: str | None, stdin: bool
) -> Request:
    """Build the request that runs a program in a container (PodExecOptions, API reference of Kubernetes).

    Args:
        command: the program and its arguments; messages leave them out, since they may be anything.
        stdin: whether the program is to read something.
    """
    query = [("container", container)] if container else []
    query += [("stdin", "true")] if stdin else []
    query += [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)]
    path = f"{_object_path(POD, namespace, pod, 'exec')}?{urlencode(query)}"
    subject = Subject("run a program in", POD, namespace, pod, ("create", "exec"))
    return Request("GET", path, subject, repeatable=False)


def version() -> Request:
    """Build the request for the host's version."""
    return Request("GET", "/version", Subject("get", name="the host's version"))


def identify(manifest: Mapping[str, Any]) -> tuple[Resource, str | None, str]:
    """Return an object's resource type, namespace and name.

    Raises:
        UsageError: it is of a type k3k does not deal with, or lacks a name or a namespace.
    """
    kind = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
    try:
        resource = resource_of(manifest)
    except KeyError:
        raise UsageError(f"k3k does not deal with objects of type {kind}.") from None
    metadata = manifest.get("metadata") or {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name or (resource.namespaced and not namespace):
        missing = "namespace" if name else "name"
        raise UsageError(f"An object of type {kind} needs metadata.{missing}.")
    return resource, namespace if resource.namespaced else None, name


def _object_path(resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> str:
    if resource.namespaced and not namespace:
        raise UsageError(f"{resource.kind} {name} needs a namespace.")
    return resource.path(_segment(namespace) if namespace else None, _segment(name), subresource)


def _collection_path(resource: Resource, namespace: str | None) -> str:
    return resource.path(_segment(namespace) if namespace else None)


def _segment(name: str) -> str:
    # The rule of apimachinery's path segment validation; without it a name could reach another object's URL.
    if name in {"", ".", ".."} or "/" in name or "%" in name:
        raise UsageError(f"{name!r} cannot be the name of a Kubernetes object.")
    return quote(name, safe="")


def _query(parameters: Mapping[str, str]) -> str:
    given = {key: value for key, value in parameters.items() if value}
    return "?" + urlencode(given) if given else ""


def _write_query(dry_run: bool, **more: str) -> str:
    return _query({"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else "", **more})


def _delete_options(propagation: str) -> dict[str, Any]:
    return {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
