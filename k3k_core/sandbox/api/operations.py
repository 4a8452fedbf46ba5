"""What the API does with objects, free of HTTP: create, update, patch, apply, delete.

One `Operations` works on one store. It decodes, defaults, admits, validates, tracks field ownership and stores; all
refusals are `ApiError`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from k3k_core.resources import NAMESPACE, Resource
from k3k_core.sandbox.api import allocation, crds, managedfields, strategies, validation
from k3k_core.sandbox.api.event_versions import from_storage, to_storage
from k3k_core.sandbox.api.fieldsets import FieldSet
from k3k_core.sandbox.api.managedfields import Writer
from k3k_core.sandbox.api.objects import clone, has_generation, timestamp
from k3k_core.sandbox.api.patching import check_applied, patched, unusable_patch
from k3k_core.sandbox.api.registry import Definition, Registry
from k3k_core.sandbox.api.sent_objects import SentObjects
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
)
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.api.writes import Options, Result
from k3k_core.sandbox.api.zero_values import as_stored, empty_object

Json = dict[str, Any]
Guard = Callable[[Definition, Json, Json], None]
AdmissionHook = Callable[[str, Definition, Json, Json | None], list[str]]

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


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
        self.objects = SentObjects(registry, self.crds)

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
        obj, warnings = self.objects.decode(definition, obj, options, list(problems))
        self._check_namespace(definition, namespace, obj["metadata"])
        self.objects.complete(definition, obj)
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
        self.objects.complete(definition, obj)
        self._guard(definition, obj, options)
        warnings = [*warnings, *self._admit("CREATE", definition, obj, None)]
        warnings += self.validate(definition, obj, None)
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

    def validate(
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
        return validation.warnings(resource, obj)

    def _track(self, definition: Definition, before: Json, after: Json, options: Options) -> None:
        managedfields.update(
            self.objects.type_of(definition),
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
        obj, warnings = self.objects.decode(definition, obj, options, list(problems))
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
        self.objects.complete(definition, obj)
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
        self.objects.complete(definition, obj)
        if {**obj, "metadata": None} != {**old, "metadata": None}:
            self._guard(definition, obj, options)
        warnings = [*warnings, *self._admit("UPDATE", definition, obj, old)]
        warnings += self.validate(definition, obj, old, options.subresource)
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
        result = patched(self.objects.type_of(definition), old, body, media_type)
        try:
            obj, warnings = self.objects.decode(definition, result, options, list(problems))
        except ApiError as error:
            raise unusable_patch(definition, body, result, str(error), media_type) from None
        self._check_names(definition, namespace, name, obj["metadata"])
        return self._update(definition, old, obj, options, warnings, None)

    def apply(
        self, definition: Definition, namespace: str | None, name: str, configuration: Json, options: Options
    ) -> Result:
        """Server-side apply; creates the object where there is none."""
        resource = definition.resource
        kind = self.objects.type_of(definition)
        check_applied(definition, configuration, kind)
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
        obj, _ = self.objects.decode(definition, clone(applied.object), lenient, [])
        if old is None:
            obj["metadata"].setdefault("name", name)
        self._check_names(definition, namespace, name, obj["metadata"])
        if old is None:
            if configuration["metadata"].get("uid"):
                error = invalid_value("metadata.uid", configuration["metadata"]["uid"], "field is immutable")
                raise invalid(resource.group, resource.kind, name, [error, error])
            self.objects.complete(definition, obj)
            return self._create(definition, obj, options, [], applied)
        return self._update(definition, old, obj, options, [], applied)

    def subresource_not_supported(self, definition: Definition, verb: str) -> ApiError:
        return method_not_supported(definition.resource, verb)


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
