"""Controllers' writes through the API's write path: defaults, admission, validation, field ownership."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api import managedfields
from k3k_core.sandbox.api.certificates import CSR
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import ApiError
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.api.writes import Options
from k3k_core.sandbox.controllers.client import RefusedError

_STATUS = frozenset({("f:status",)})
_SPEC = frozenset({("f:spec",)})


class ApiAdmission:
    """Writes as the API would on behalf of a client.

    Args:
        operations: the API's write path on the store.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def _definition(self, resource: Resource) -> Definition:
        found = self._operations.registry.find(resource.group, resource.version, resource.plural)
        if found is None:
            raise RefusedError(f"the server has no resource type {resource.plural}")
        return found

    def create(self, resource: Resource, obj: dict[str, Any], manager: str) -> dict[str, Any]:
        """Create an object; see `client.Admission`."""
        definition = self._definition(resource)
        namespace = obj["metadata"].get("namespace") if resource.namespaced else None
        try:
            return self._operations.create(definition, namespace, obj, Options(manager=manager)).object
        except ApiError as error:
            if error.reason == "AlreadyExists":
                raise ObjectExistsError(resource, obj["metadata"]["name"]) from None
            raise RefusedError(str(error)) from None

    def apply(self, resource: Resource, obj: dict[str, Any], manager: str) -> None:
        """Apply a configuration; see `client.Admission`."""
        definition, meta = self._definition(resource), obj["metadata"]
        try:
            self._operations.apply(
                definition, meta.get("namespace"), meta["name"], obj, Options(manager=manager, force=True)
            )
        except ApiError as error:
            raise RefusedError(str(error)) from None

    def track(
        self,
        resource: Resource,
        before: dict[str, Any],
        after: dict[str, Any],
        manager: str,
        subresource: str,
    ) -> None:
        """Note who changed what; see `client.Admission`."""
        if resource == CSR:
            # The recorded server tracks nobody's fields of these.
            return
        definition = self._definition(resource)
        if "status" not in definition.subresources:
            ignored: frozenset[tuple[str, ...]] = frozenset()
        else:
            ignored = _SPEC if subresource == "status" else _STATUS
        managedfields.update(
            self._operations.objects.type_of(definition),
            before,
            after,
            self._operations.writer(definition, Options(manager=manager, subresource=subresource)),
            ignored=ignored,
        )
