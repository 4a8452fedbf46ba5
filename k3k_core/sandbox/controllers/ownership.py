"""Who owns what: whom a change of an object is to wake, and which objects are somebody's."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.client import controller_of
from k3k_core.sandbox.controllers.runtime import Key


def owner_keys(change: Change, owner: Resource) -> tuple[Key, ...]:
    """Return the key of the owner that a change is about: itself, or the one that owns what has changed.

    Args:
        change: of an owner, or of anything else in a namespace.
        owner: the resource type of the owners.

    Returns:
        One key, or none when no such owner controls the object.
    """
    meta = change.object["metadata"]
    if change.resource == owner:
        return ((meta["namespace"], meta["name"]),)
    reference = controller_of(change.object)
    if reference is None or reference["kind"] != owner.kind:
        return ()
    return ((meta["namespace"], reference["name"]),)


def owned_by(store: Store, owner: dict[str, Any], resource: Resource) -> list[dict[str, Any]]:
    """Return the objects of a type that an object controls, by name.

    Args:
        store: the objects.
        owner: any version of the object; one of the same name with another uid is not the same.
        resource: the type of what it owns.
    """
    meta = owner["metadata"]
    return [
        each
        for each in store.list(resource, meta["namespace"])
        if (controller_of(each) or {}).get("uid") == meta["uid"]
    ]
