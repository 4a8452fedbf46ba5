"""The API's write path for controllers in the same process: defaults, admission and field ownership without HTTP."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.controllers.client import RefusedError
from k3k_core.sandbox.operations import Operations, Options
from k3k_core.sandbox.statuses import ApiError

Json = dict[str, Any]


class EngineAdmission:
    """What controllers' writes go through; see `controllers.client.Admission`."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def prepare(self, resource: Resource, obj: Json) -> Json:
        """Return a new object with its defaults.

        Raises:
            RefusedError: admission or validation refuses it.
        """
        try:
            return self._operations.prepare(self._operations.registry.of(resource), obj)
        except ApiError as error:
            raise RefusedError(str(error)) from None

    def track(
        self, resource: Resource, before: Json | None, after: Json, manager: str, subresource: str
    ) -> Json:
        """Return the object with `metadata.managedFields` brought up to date."""
        definition = self._operations.registry.of(resource)
        self._operations.track(definition, before, after, Options(manager=manager, subresource=subresource))
        return after
