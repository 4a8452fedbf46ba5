"""What each verb on a resource path does, from the parsed request to the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from k3k_core.sandbox.api import (
    certificates,
    deletion,
    listing,
    pod_operations,
    reviews,
    scaling,
    tables,
    watching,
)
from k3k_core.sandbox.api.authn import ServiceAccountTokens
from k3k_core.sandbox.api.bodies import (
    parse_apply,
    parse_body,
    parse_yaml,
)
from k3k_core.sandbox.api.call_options import delete_options, patch_body, sent_body, write_options
from k3k_core.sandbox.api.calls import Answer, Call, WatchAnswer
from k3k_core.sandbox.api.event_versions import from_storage
from k3k_core.sandbox.api.objects import encode
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.rbac import Authorizer
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.representations import (
    check_form,
    encoded_item,
    encoded_version,
    in_version,
    represent,
)
from k3k_core.sandbox.api.requests import Representation, RequestInfo, is_true
from k3k_core.sandbox.api.statuses import (
    ApiError,
    FieldError,
    bad_request,
    invalid,
    method_not_allowed,
    method_not_supported,
    not_found,
    required,
    unknown_resource,
    unsupported_media_type,
)
from k3k_core.sandbox.api.writes import Options, Result

_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


class Handlers:
    """Handles requests on resource paths.

    Args:
        operations: the write path.
        authorizer: for reviews.
        accounts: makes service-account tokens.
    """

    def __init__(
        self, operations: Operations, authorizer: Authorizer, accounts: ServiceAccountTokens | None
    ) -> None:
        self.operations = operations
        self.store = operations.store
        self.registry = operations.registry
        self._authorizer = authorizer
        self.reviews = reviews.Reviews(operations, authorizer, accounts)

    def handle(self, call: Call) -> Answer | WatchAnswer:
        """Answer a request.

        Raises:
            ApiError: anything but success.
        """
        info = call.info
        definition = self.registry.find(info.group, info.version, info.plural)
        if definition is None:
            if self.registry.is_builtin_group(info.group):
                raise unknown_resource()
            raise ApiError(404, "404 page not found\n")
        _check_scope(definition, info)
        answer = self._answer(call, definition)
        if definition.deprecation and isinstance(answer, Answer):
            return replace(answer, warnings=(definition.deprecation, *answer.warnings))
        return answer

    def _answer(self, call: Call, definition: Definition) -> Answer | WatchAnswer:
        info = call.info
        if info.subresource:
            return self._subresource(call, definition)
        wrong_target = (info.verb == "create") == bool(info.name) and info.verb in {
            "create",
            "update",
            "patch",
        }
        if info.verb not in definition.verbs or wrong_target:
            raise (
                method_not_supported(definition.resource, info.verb)
                if definition.custom
                else method_not_allowed()
            )
        if not definition.stored and info.verb == "create":
            return self._review(call, definition)
        actions: dict[str, Callable[[Call, Definition], Answer | WatchAnswer]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }
        return actions[info.verb](call, definition)

    def _now(self) -> float:
        return self.store.now().timestamp()

    # Reading

    def _get(self, call: Call, definition: Definition) -> Answer:
        chosen = represent(call)
        check_form(chosen, definition, is_list=False)
        _check_get_version(self.store.version, call.query)
        obj = self.operations.get(definition, call.info.namespace, call.info.name)
        if not chosen.form and chosen.media_type == "application/json":
            record = self.store.record(definition.resource, call.info.namespace, call.info.name)
            if record is not None:
                return Answer(200, raw=encoded_version(definition, record))
        return self._answer_object(call, definition, Result(200, obj), chosen)

    def _answer_object(
        self, call: Call, definition: Definition, result: Result, chosen: Representation
    ) -> Answer:
        obj = result.object
        if obj.get("kind") != "Status":
            obj = {**obj, "kind": obj.get("kind"), "apiVersion": obj.get("apiVersion")}
            if definition.stored and obj["kind"] == definition.resource.kind:
                obj = from_storage(definition, obj)
        if chosen.form == "Table" and obj.get("kind") != "Status":
            version = obj["metadata"].get("resourceVersion", "")
            value: Any = tables.table(
                definition, self.operations.crds, [obj], {"resourceVersion": version}, call.query, self._now()
            )
        elif chosen.form.startswith("PartialObjectMetadata") and obj.get("kind") != "Status":
            value = tables.metadata_only(obj)
        else:
            value = obj
        return Answer(
            result.code,
            json=in_version(value, chosen),
            content_type=chosen.media_type,
            warnings=result.warnings,
        )

    def _list(self, call: Call, definition: Definition) -> Answer:
        chosen = represent(call)
        check_form(chosen, definition, is_list=True)
        wanted = listing.selection(definition, call.query, name="")
        page = listing.list_page(self.store, definition, call.info.namespace, call.query, wanted)
        return self._answer_list(call, definition, page, chosen)

    def _answer_list(
        self, call: Call, definition: Definition, page: listing.Page, chosen: Representation
    ) -> Answer:
        if chosen.form == "Table":
            objects = [record.object for record in page.records]
            value: Any = tables.table(
                definition, self.operations.crds, objects, page.metadata(), call.query, self._now()
            )
            return Answer(200, json=in_version(value, chosen), content_type=chosen.media_type)
        if chosen.form:
            items = [tables.metadata_only(record.object) for record in page.records] or None
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            listed = {**head, "metadata": page.metadata(), "items": items}
            return Answer(200, json=in_version(listed, chosen), content_type=chosen.media_type)
        head = {"kind": definition.list_kind, "apiVersion": definition.resource.api_version}
        # Lists of custom resources are built from maps, which leave nothing out.
        metadata = {"continue": "", **page.metadata()} if definition.custom else page.metadata()
        prefix = encode({**head, "metadata": metadata})[:-1]
        items_raw = b",".join(encoded_item(definition, record) for record in page.records)
        return Answer(200, raw=prefix + b',"items":[' + items_raw + b"]}", content_type=chosen.media_type)

    def _watch(self, call: Call, definition: Definition) -> WatchAnswer:
        chosen = represent(call)
        watching.check(call.query)
        wanted = listing.selection(definition, call.query, name=call.info.name)
        encoder, bookmark = self._encoders(call, definition, chosen)
        watch = watching.Watch(
            definition=definition,
            namespace=call.info.namespace,
            selection=wanted,
            timeout=watching.timeout_of(call.query),
            bookmarks=is_true(call.query, "allowWatchBookmarks"),
            encoder=encoder,
            bookmark_encoder=bookmark,
        )
        return WatchAnswer(watching.events(self.store, watch, call.query))

    def _encoders(self, call: Call, definition: Definition, chosen: Representation) -> tuple[Any, Any]:
        resource = definition.resource
        head = {"kind": resource.kind, "apiVersion": resource.api_version}
        if chosen.form == "Table":
            printer = tables.WatchTables(definition, self.operations.crds, call.query, self._now)
            return printer.encode, printer.bookmark
        if chosen.form:
            partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return (
                lambda record: encode(tables.metadata_only(record.object)),
                lambda meta: encode({**partial, "metadata": meta}),
            )
        return (
            lambda record: encoded_version(definition, record),
            lambda meta: encode({**head, "metadata": meta, **tables.empty_parts(definition)}),
        )

    # Writing

    def _create(self, call: Call, definition: Definition) -> Answer:
        options = write_options(call, "CreateOptions")
        obj, problems = sent_body(call, definition)
        result = self.operations.create(
            definition, call.info.namespace, obj, options, problems=tuple(problems)
        )
        return self._answer_object(call, definition, result, represent(call))

    def _update(self, call: Call, definition: Definition) -> Answer:
        options = write_options(call, "UpdateOptions")
        obj, problems = sent_body(call, definition)
        result = self.operations.update(
            definition, call.info.namespace, call.info.name, obj, options, problems=tuple(problems)
        )
        return self._answer_object(call, definition, result, represent(call))

    def _patch(self, call: Call, definition: Definition) -> Answer:
        options = write_options(call, "PatchOptions")
        media_type = call.media_type
        allowed = [item for item in _PATCH_TYPES if not (definition.custom and "strategic" in item)]
        if media_type not in allowed:
            if media_type in _PATCH_TYPES:
                listed = ", ".join(allowed)
                raise unsupported_media_type(
                    f"the body of the request was in an unknown format - accepted media types include: {listed}",
                    routed=False,
                )
            raise unsupported_media_type()
        if media_type == "application/apply-patch+yaml":
            return self._apply(call, definition, options)
        if "force" in call.query:
            error = FieldError("force", "Forbidden: may not be specified for non-apply patch")
            raise invalid("meta.k8s.io", "PatchOptions", "", [error])
        body, problems = patch_body(call)
        result = self.operations.patch(
            definition,
            call.info.namespace,
            call.info.name,
            body,
            options,
            media_type=media_type,
            problems=tuple(problems),
        )
        return self._answer_object(call, definition, result, represent(call))

    def _apply(self, call: Call, definition: Definition, options: Options) -> Answer:
        if not call.query.get("fieldManager"):
            error = required("fieldManager", "is required for apply patch")
            raise invalid("meta.k8s.io", "PatchOptions", "", [error])
        configuration, problems = parse_apply(call.body, strict=options.field_validation == "Strict")
        if options.field_validation == "Ignore":
            problems = []
        result = self.operations.apply(
            definition, call.info.namespace, call.info.name, configuration, options
        )
        result = replace(result, warnings=(*problems, *result.warnings))
        return self._answer_object(call, definition, result, represent(call))

    def _delete(self, call: Call, definition: Definition) -> Answer:
        options = delete_options(call)
        result = deletion.delete(self.operations, definition, call.info.namespace, call.info.name, options)
        return self._answer_object(call, definition, result, represent(call))

    def _delete_collection(self, call: Call, definition: Definition) -> Answer:
        chosen = represent(call)
        options = delete_options(call)
        wanted = listing.selection(definition, call.query)
        page = listing.list_page(self.store, definition, call.info.namespace, call.query, wanted)
        for record in page.records:
            meta = record.object["metadata"]
            if self.store.record(definition.resource, meta.get("namespace"), meta["name"]) is not None:
                deletion.delete(self.operations, definition, meta.get("namespace"), meta["name"], options)
        return self._answer_list(call, definition, page, chosen)

    # Subresources

    def _subresource(self, call: Call, definition: Definition) -> Answer | WatchAnswer:
        info = call.info
        subresource = definition.subresources.get(info.subresource)
        if subresource is None:
            if definition.custom and info.subresource in {"status", "scale"}:
                raise not_found(definition.resource, info.name)
            if definition.custom:
                raise ApiError(404, "404 page not found\n")
            raise unknown_resource()
        if info.verb not in subresource.verbs:
            raise (
                method_not_supported(definition.resource, info.verb)
                if definition.custom
                else method_not_allowed()
            )
        if info.subresource == "scale":
            return self._scale(call, definition)
        if definition.resource == certificates.CSR:
            self._check_signer(call)
        if info.subresource in {"status", "ephemeralcontainers", "resize", "approval", "finalize"}:
            actions = {"get": self._get, "update": self._update, "patch": self._patch}
            return actions[info.verb](call, definition)
        if info.subresource in {"binding", "eviction"}:
            return self._pod_operation(call, definition)
        answer: Answer = self.reviews.subresource(call, definition)
        return answer

    def _check_signer(self, call: Call) -> None:
        verb = {"approval": "approve", "status": "sign"}[call.info.subresource]
        stored = self.store.get(certificates.CSR, None, call.info.name)
        if stored is not None and call.info.verb != "get":
            certificates.check_signer_permission(self._authorizer, call.user, stored, verb)

    def _pod_operation(self, call: Call, definition: Definition) -> Answer:
        info = call.info
        options = write_options(call, "CreateOptions")
        kind = "Binding" if info.subresource == "binding" else "Eviction"
        body, _ = parse_body(call.body, call.media_type, kind)
        if kind == "Binding":
            value = pod_operations.bind(self.operations, definition, info.namespace, info.name, body, options)
            return Answer(201, json=value)
        wanted = body.get("deleteOptions") or {}
        deleting = deletion.DeleteOptions(
            policy=wanted.get("propagationPolicy"),
            grace=wanted.get("gracePeriodSeconds"),
            uid=(wanted.get("preconditions") or {}).get("uid"),
            dry_run=options.dry_run or bool(wanted.get("dryRun")),
        )
        value = pod_operations.evict(self.operations, definition, info.namespace, info.name, deleting)
        return Answer(201, json=value)

    def _scale(self, call: Call, definition: Definition) -> Answer:
        info = call.info
        current = scaling.scale(self.operations, definition, info.namespace, info.name)
        if info.verb == "get":
            return Answer(200, json=current)
        options = write_options(call, "PatchOptions")
        if info.verb == "update":
            body, _ = parse_body(call.body, call.media_type, "Scale")
            if body.get("metadata", {}).get("name", info.name) != info.name:
                raise bad_request(
                    f"the name of the object ({body['metadata']['name']}) does not match "
                    f"the name on the URL ({info.name})"
                )
        elif call.media_type == "application/apply-patch+yaml":
            body = {**current, "spec": parse_yaml(call.body).get("spec", {})}
        else:
            from k3k_core.sandbox.api import patches

            patch, _ = patch_body(call)
            is_json = call.media_type == "application/json-patch+json"
            body = patches.json_patch(current, patch) if is_json else patches.merge_patch(current, patch)
        result = scaling.set_scale(self.operations, definition, info.namespace, info.name, body, options)
        return Answer(result.code, json=result.object, warnings=result.warnings)

    def _review(self, call: Call, definition: Definition) -> Answer:
        obj, problems = sent_body(call, definition)
        options = write_options(call, "CreateOptions")
        clean, warnings = self.operations.objects.decode(definition, obj, options, problems)
        value = self.reviews.create(call, definition, clean, options)
        return Answer(201, json=value, warnings=tuple(warnings))


def _check_scope(definition: Definition, info: RequestInfo) -> None:
    """A namespaced object has no path outside a namespace, nor a cluster-scoped one inside."""
    namespaced = definition.resource.namespaced
    if info.namespace is not None and not namespaced:
        raise unknown_resource() if not definition.custom else ApiError(404, "404 page not found\n")
    if namespaced and info.namespace is None and (info.name or info.verb in {"create", "deletecollection"}):
        if info.verb in {"create", "deletecollection"} and not info.name:
            raise method_not_allowed()
        raise unknown_resource() if not definition.custom else ApiError(404, "404 page not found\n")


def _check_get_version(current: int, query: Mapping[str, str]) -> None:
    version = listing.parse_version(query.get("resourceVersion", ""))
    if version > current:
        from k3k_core.sandbox.api.statuses import version_too_large

        raise version_too_large(version, current)
