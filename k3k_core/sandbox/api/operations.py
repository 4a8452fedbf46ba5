"""What the API does with objects, free of HTTP: create, update, patch, apply, delete.

One `Operations` works on one store. It decodes, defaults, admits, validates, tracks field ownership and stores; all
refusals are `ApiError`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from k3k_core.resources import NAMESPACE, Resource
from k3k_core.sandbox.api import allocation, crds, managedfields, patches, strategies, typed, validation
from k3k_core.sandbox.api.decoding import as_stored, canonical, empty_object, fill_zero_values
from k3k_core.sandbox.api.defaulting import set_defaults
from k3k_core.sandbox.api.event_versions import from_storage, to_storage
from k3k_core.sandbox.api.fieldsets import FieldSet
from k3k_core.sandbox.api.managedfields import Writer
from k3k_core.sandbox.api.objects import clone, encode, has_generation, timestamp
from k3k_core.sandbox.api.registry import Definition, Registry
from k3k_core.sandbox.api.schema import ANY, DEDUCED, Type, builtin_type, object_meta_type
from k3k_core.sandbox.api.statuses import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    internal,
    invalid,
    invalid_value,
    method_not_supported,
    not_found,
    required,
)
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import ObjectExistsError

Json = dict[str, Any]
Guard = Callable[[Definition, Json, Json], None]
AdmissionHook = Callable[[str, Definition, Json, Json | None], list[str]]

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Options:
    """How a write is to be done.

    Attributes:
        manager: field manager.
        dry_run: do everything but store.
        field_validation: "Strict", "Warn" or "Ignore".
        force: an apply takes contested fields.
        subresource: "status" or empty.
        user: who asks, for objects that record it.
    """

    manager: str = "unknown"
    dry_run: bool = False
    field_validation: str = "Warn"
    force: bool = False
    subresource: str = ""
    user: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a write: HTTP status, the object to answer, warnings for the client."""

    code: int
    object: Json
    warnings: tuple[str, ...] = ()


class Operations:
    """The API's write path on one store.

    Args:
        store: the objects.
        registry: the resource types.
        admission: hooks called with (operation, definition, object, old object); they may change the object,
            return warnings, or raise ApiError.
        seed: seed of generated names and allocated addresses.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        admission: tuple[AdmissionHook, ...] = (),
        seed: int | None = None,
    ) -> None:
        self.store = store
        self.registry = registry
        self.admission = list(admission)
        # Called with (definition, object, UserInfo) before an object is written; they raise ApiError.
        self.guards: list[Guard] = []
        self.random = random.Random(seed)  # noqa: S311 (names, not secrets)
        self.crds = crds.CustomResources(store, registry)

    # Types

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

    def create(
        self,
        definition: Definition,
        namespace: str | None,
        obj: Json,
        options: Options,
        *,
        problems: tuple[str, ...] = (),
    ) -> Result:
        """Create an object.

        Args:
            definition: its resource type.
            namespace: namespace of the request, None for cluster-scoped types.
            obj: the object as sent.
            options: how to write.
            problems: what parsing found (duplicate fields).
        """
        obj, warnings = self.decode(definition, obj, options, list(problems))
        self._check_namespace(definition, namespace, obj["metadata"])
        self.complete(definition, obj)
        return self._create(definition, obj, options, warnings, None)

    def _create(
        self,
        definition: Definition,
        obj: Json,
        options: Options,
        warnings: list[str],
        applied: managedfields.Applied | None,
    ) -> Result:
        resource, meta = definition.resource, obj["metadata"]
        self._namespace_lifecycle(definition, obj)
        generated = not meta.get("name") and bool(meta.get("generateName"))
        if generated:
            suffix = "".join(self.random.choice(_SUFFIX) for _ in range(5))
            meta["name"] = f"{meta['generateName'][:58]}{suffix}"
        if meta.get("resourceVersion") and applied is None:
            raise internal("resourceVersion should not be set on objects to be created")
        for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"):
            meta.pop(name, None)
        meta["uid"] = self.store.new_uid()
        meta["creationTimestamp"] = timestamp(self.store.now())
        if has_generation(resource):
            meta["generation"] = 1
        # As in the real server, ownership is noted before the kind's strategy and admission change the object.
        if applied is not None:
            applied.finish(obj)
        else:
            self._track(definition, self.empty(definition), obj, options)
        strategies.prepare_create(definition, obj, self.store, options.user)
        self.complete(definition, obj)
        self._guard(definition, obj, options)
        warnings = [*warnings, *self._admit("CREATE", definition, obj, None)]
        warnings += self._validate(definition, obj, None)
        as_stored(resource.kind, obj)
        allocation.allocate(resource, obj, None, self.store, self.random)
        if options.dry_run:
            if self.store.record(resource, meta.get("namespace"), meta["name"]):
                raise already_exists(resource, meta["name"], terminating=self._is_going(resource, meta))
            return Result(201, obj, tuple(warnings))
        try:
            stored = self.store.create(resource, to_storage(definition, obj))
        except ObjectExistsError:
            raise already_exists(resource, meta["name"], terminating=self._is_going(resource, meta)) from None
        self.crds.after_write(definition, stored)
        return Result(201, from_storage(definition, stored), tuple(warnings))

    def _is_going(self, resource: Resource, meta: Json) -> bool:
        found = self.store.get(resource, meta.get("namespace"), meta["name"])
        return found is not None and "deletionTimestamp" in found["metadata"]

    def empty(self, definition: Definition) -> Json:
        """Return the empty object of a type, which a create is compared with."""
        if definition.custom:
            return {"metadata": {}}
        return empty_object(definition.resource.kind, definition.resource.api_version)

    def _check_namespace(self, definition: Definition, namespace: str | None, meta: Json) -> None:
        if not definition.resource.namespaced:
            meta.pop("namespace", None)
            return
        given = meta.get("namespace") or namespace
        if given != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta["namespace"] = namespace

    def _namespace_lifecycle(self, definition: Definition, obj: Json) -> None:
        """Admission: objects can only be made in namespaces that exist and are not going away."""
        if not definition.resource.namespaced or not definition.stored:
            return
        name = obj["metadata"].get("namespace") or ""
        namespace = self.store.get(NAMESPACE, None, name)
        if namespace is None:
            raise not_found(NAMESPACE, name)
        if "deletionTimestamp" in namespace["metadata"]:
            raise strategies.namespace_terminating(definition.resource, obj["metadata"].get("name", ""), name)

    def _guard(self, definition: Definition, obj: Json, options: Options) -> None:
        for guard in self.guards:
            guard(definition, obj, options.user)

    def _admit(self, operation: str, definition: Definition, obj: Json, old: Json | None) -> list[str]:
        warnings = strategies.admit(operation, definition, obj, old, self.store)
        for hook in self.admission:
            warnings += hook(operation, definition, obj, old)
        return warnings

    def _validate(
        self, definition: Definition, obj: Json, old: Json | None, subresource: str = ""
    ) -> list[str]:
        resource = definition.resource
        errors = validation.validate_metadata(resource, obj, old)
        if definition.custom:
            errors += self.crds.validate(resource, obj, old)
        elif old is None:
            errors += validation.validate(resource, obj)
        else:
            errors += validation.validate_update(resource, obj, old, subresource)
        if errors:
            group = "" if resource.kind == "Event" else resource.group
            raise invalid(group, resource.kind, obj["metadata"].get("name", ""), errors)
        return validation.warnings(resource, obj, old)

    def _track(self, definition: Definition, before: Json, after: Json, options: Options) -> None:
        managedfields.update(
            self.type_of(definition),
            before,
            after,
            self.writer(definition, options),
            ignored=self._ignored(definition, options.subresource),
        )

    def writer(self, definition: Definition, options: Options) -> Writer:
        return Writer(
            options.manager, definition.resource.api_version, timestamp(self.store.now()), options.subresource
        )

    def _ignored(self, definition: Definition, subresource: str) -> FieldSet:
        if "status" not in definition.subresources:
            return frozenset()
        return frozenset({("f:spec",)} if subresource == "status" else {("f:status",)})

    # Read

    def get(self, definition: Definition, namespace: str | None, name: str) -> Json:
        """Return an object.

        Raises:
            ApiError: 404.
        """
        obj = self.store.get(definition.resource, namespace, name)
        if obj is None:
            raise not_found(definition.resource, name)
        return from_storage(definition, obj)

    # Update and patch

    def update(
        self,
        definition: Definition,
        namespace: str | None,
        name: str,
        obj: Json,
        options: Options,
        *,
        problems: tuple[str, ...] = (),
    ) -> Result:
        """Replace an object (PUT)."""
        obj, warnings = self.decode(definition, obj, options, list(problems))
        self._check_names(definition, namespace, name, obj["metadata"])
        old = self.get(definition, namespace, name)
        meta = obj["metadata"]
        if not meta.get("resourceVersion") and not strategies.unconditional_update(definition):
            error = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(definition.resource.group, definition.resource.plural, name, [error])
        return self._update(definition, old, obj, options, warnings, None, patched=False)

    def _check_names(self, definition: Definition, namespace: str | None, name: str, meta: Json) -> None:
        if not meta.get("name"):
            raise bad_request(
                f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )
        if meta["name"] != name:
            raise bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
            )
        if definition.resource.namespaced and meta.get("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if definition.resource.namespaced:
            meta["namespace"] = namespace
        else:
            meta.pop("namespace", None)

    def _update(
        self,
        definition: Definition,
        old: Json,
        obj: Json,
        options: Options,
        warnings: list[str],
        applied: managedfields.Applied | None,
        *,
        patched: bool = True,
    ) -> Result:
        resource, meta, stored = definition.resource, obj["metadata"], old["metadata"]
        if meta.get("uid", stored["uid"]) != stored["uid"]:
            raise _another_uid(resource, stored, meta["uid"], patched=patched)
        version = meta.get("resourceVersion", stored["resourceVersion"])
        if not str(version).isdigit():
            raise internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if version != stored["resourceVersion"]:
            raise conflict(resource, stored["name"])
        self.complete(definition, obj)
        if applied is not None:
            applied.finish(obj)
        else:
            self._track(definition, old, obj, options)
        frozen = validation.immutable_metadata(meta, stored)
        if frozen:
            # Both the generic and the kind's own validation report these.
            raise invalid(resource.group, resource.kind, stored["name"], [*frozen, *frozen])
        now = timestamp(self.store.now())
        strategies.prepare_update(definition, obj, old, options.subresource, now)
        allocation.carry_over(resource, obj, old)
        self.complete(definition, obj)
        if {**obj, "metadata": None} != {**old, "metadata": None}:
            self._guard(definition, obj, options)
        warnings = [*warnings, *self._admit("UPDATE", definition, obj, old)]
        warnings += self._validate(definition, obj, old, options.subresource)
        as_stored(resource.kind, obj)
        allocation.allocate(resource, obj, old, self.store, self.random)
        if options.dry_run:
            return Result(200, obj, tuple(warnings))
        written = self.store.update(resource, to_storage(definition, obj))
        self.crds.after_write(definition, written)
        return Result(200, from_storage(definition, written), tuple(warnings))

    def patch(
        self,
        definition: Definition,
        namespace: str | None,
        name: str,
        body: Any,
        options: Options,
        *,
        media_type: str,
        problems: tuple[str, ...] = (),
    ) -> Result:
        """Apply a merge, JSON or strategic merge patch.

        Args:
            definition: resource type.
            namespace: of the request.
            name: of the object.
            body: the parsed patch.
            options: how to write.
            media_type: which kind of patch it is.
            problems: what parsing found (duplicate fields).
        """
        old = self.get(definition, namespace, name)
        patched = self._patched(definition, old, body, media_type)
        try:
            obj, warnings = self.decode(definition, patched, options, list(problems))
        except ApiError as error:
            raise _unusable_patch(definition, body, patched, str(error), media_type) from None
        self._check_names(definition, namespace, name, obj["metadata"])
        return self._update(definition, old, obj, options, warnings, None)

    def _patched(self, definition: Definition, old: Json, body: Any, media_type: str) -> Json:
        if media_type == "application/json-patch+json":
            return patches.json_patch(old, body)
        if not isinstance(body, dict):
            prefix = "" if media_type.startswith("application/strategic") else "error decoding patch: "
            raise bad_request(
                f"{prefix}json: cannot unmarshal array into Go value of type map[string]interface {{}}"
            )
        if media_type == "application/merge-patch+json":
            result: Json = patches.merge_patch(old, body)
            return result
        return patches.strategic_merge(clone(old), body, self.type_of(definition))

    def apply(
        self, definition: Definition, namespace: str | None, name: str, configuration: Json, options: Options
    ) -> Result:
        """Server-side apply; creates the object where there is none."""
        resource = definition.resource
        kind = self.type_of(definition)
        self._check_applied(definition, configuration, kind)
        old = self.store.get(resource, namespace, name)
        if old is None and options.subresource:
            raise not_found(resource, name)
        live = old if old is not None else self.empty(definition)
        configuration = clone(configuration)
        configuration.get("metadata", {}).pop("managedFields", None)
        applied = managedfields.apply(
            kind,
            live,
            configuration,
            self.writer(definition, options),
            force=options.force,
            ignored=self._ignored(definition, options.subresource),
        )
        lenient = replace(options, field_validation="Ignore")
        obj, _ = self.decode(definition, clone(applied.object), lenient, [])
        if old is None:
            obj["metadata"].setdefault("name", name)
        self._check_names(definition, namespace, name, obj["metadata"])
        if old is None:
            if configuration["metadata"].get("uid"):
                error = invalid_value("metadata.uid", configuration["metadata"]["uid"], "field is immutable")
                raise invalid(resource.group, resource.kind, name, [error, error])
            self.complete(definition, obj)
            return self._create(definition, obj, options, [], applied)
        return self._update(definition, old, obj, options, [], applied)

    def _check_applied(self, definition: Definition, configuration: Json, kind: Type) -> None:
        resource = definition.resource
        given = (configuration.get("apiVersion") or "", configuration.get("kind") or "")
        if given != (resource.api_version, resource.kind):
            group, _, version = str(given[0]).rpartition("/")
            raise bad_request(f"invalid object type: {group}/{version}, Kind={given[1]}")
        if not isinstance(configuration.setdefault("metadata", {}), dict):
            raise internal("metadata: expected map")
        if configuration["metadata"].get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        try:
            typed.check(kind, configuration)
        except typed.TypedError as error:
            meta = configuration["metadata"]
            where = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
            what = f"{where}; {resource.group}/{resource.version}, Kind={resource.kind}"
            raise internal(f"failed to create typed patch object ({what}): {error}") from None

    # Subresources that change one part

    def scale(self, definition: Definition, namespace: str | None, name: str) -> Json:
        """Return the Scale of an object."""
        return strategies.scale_of(definition, self.get(definition, namespace, name), self.crds)

    def set_scale(
        self, definition: Definition, namespace: str | None, name: str, scale: Json, options: Options
    ) -> Result:
        """Set the wanted number of replicas through the scale subresource."""
        old = self.get(definition, namespace, name)
        given = scale.get("metadata", {}).get("resourceVersion")
        if given and given != old["metadata"]["resourceVersion"]:
            raise conflict(definition.resource, name)
        replicas = (scale.get("spec") or {}).get("replicas", 0)
        if not isinstance(replicas, int) or replicas < 0:
            error = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
            raise invalid("autoscaling", "Scale", name, [error])
        obj = clone(old)
        path = self.crds.scale_paths(definition.resource)[0] if definition.custom else ".spec.replicas"
        *parents, last = path.strip(".").split(".")
        target = obj
        for part in parents:
            target = target.setdefault(part, {})
        target[last] = replicas
        managedfields.update(
            self.type_of(definition),
            old,
            obj,
            # What is written through a Scale is noted without a time.
            replace(self.writer(definition, options), subresource="scale", now=""),
        )
        if not replicas:
            # A Scale leaves out a zero, so nobody owns it.
            key = (options.manager, "Update", definition.resource.api_version, "scale")
            entries = managedfields.decode(obj)
            entries.pop(key, None)
            obj["metadata"]["managedFields"] = managedfields.encode(entries)
        self._validate(definition, obj, old)
        stored = obj if options.dry_run else self.store.update(definition.resource, obj)
        return Result(200, strategies.scale_of(definition, stored, self.crds))

    def subresource_not_supported(self, definition: Definition, verb: str) -> ApiError:
        return method_not_supported(definition.resource, verb)


def _other_custom_type(resource: Resource, api_version: str, kind: str, obj: Json) -> ApiError:
    if api_version != resource.api_version:
        return bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    error = invalid_value("kind", kind, f"must be {resource.kind}")
    name = (obj.get("metadata") or {}).get("name", "")
    return invalid(resource.group, kind, name, [error])


def _unusable_patch(
    definition: Definition, body: Any, patched: Json, problem: str, media_type: str
) -> ApiError:
    """A patch whose result cannot be read: the real server quotes the patch or the patched object."""
    detail = problem.split(f" cannot be handled as a {definition.resource.kind}: ", 1)[-1]
    if media_type == "application/strategic-merge-patch+json":
        shown = patches.go_format(body)
    else:
        ordered = {key: _sorted_map(key, patched[key]) for key in sorted(patched)}
        if isinstance(patched.get("metadata"), dict):
            ordered["metadata"] = _in_go_order(patched["metadata"])
        shown = encode(ordered).decode()
    return invalid("", "", "", [invalid_value("patch", shown, detail)])


_META_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def _in_go_order(meta: Json) -> Json:
    known = {key: _sorted_map(key, meta[key]) for key in _META_ORDER if key in meta}
    return known | {key: value for key, value in meta.items() if key not in known}


def _sorted_map(key: str, value: Any) -> Any:
    """Go writes the keys of maps, but not the fields of structs, in alphabetical order."""
    if key in {"data", "binaryData", "stringData", "labels", "annotations"} and isinstance(value, dict):
        return dict(sorted(value.items()))
    return value


def _another_uid(resource: Resource, stored: Json, given: str, *, patched: bool) -> ApiError:
    if patched:
        error = invalid_value("metadata.uid", given, "field is immutable")
        return invalid(resource.group, resource.kind, stored["name"], [error, error])
    key = "/".join(
        part
        for part in ("/registry", resource.group, resource.plural, stored.get("namespace"), stored["name"])
        if part and (part != resource.group or ("." in part and not part.endswith(".k8s.io")))
    )
    detail = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {given}, UID in object meta: {stored['uid']}"
    )
    return conflict(resource, stored["name"], detail)


def internal_group(group: str) -> str:
    return {"": "core", "rbac.authorization.k8s.io": "rbac"}.get(group, group.partition(".")[0])


__all__ = ["ANY", "Operations", "Options", "Resource", "Result", "object_meta_type", "required"]
