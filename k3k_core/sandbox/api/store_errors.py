"""What the store refuses, and why."""

from __future__ import annotations

from k3k_core.resources import Resource


class StoreError(Exception):
    """An operation the store refuses; `reason` is the API's word for it."""

    reason = ""

    def __init__(self, resource: Resource, name: str) -> None:
        super().__init__(f"{self.reason}: {resource.plural} {name}")
        self.resource = resource
        self.name = name


class ObjectMissingError(StoreError):
    """There is no such object."""

    reason = "NotFound"


class ObjectExistsError(StoreError):
    """There is an object of this name already."""

    reason = "AlreadyExists"


class StaleVersionError(StoreError):
    """The object carries another resourceVersion (or uid) than the stored one."""

    reason = "Conflict"


class CompactedError(Exception):
    """The history no longer reaches back to the version asked for.

    Args:
        asked: resourceVersion asked for.
        oldest: the oldest one a watch could start from.
    """

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")
        self.asked = asked
        self.oldest = oldest
