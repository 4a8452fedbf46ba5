"""Deciding about the image that guards the members of a dedicated etcd: once, when there is to be one."""

from __future__ import annotations

from k3k_core.manifests.tasks import k3s_image
from k3k_core.values import Values


def settle_guard(values: Values) -> Values:
    """Return values that name the image, if there is an etcd and nobody has chosen one.

    Args:
        values: checked values.
    """
    if values.datastore.kind != "etcd" or values.datastore.etcd.guard_image:
        return values
    return with_guard(values, k3s_image(values))


def with_guard(values: Values, image: str | None) -> Values:
    """Return values with another image.

    Args:
        values: checked values.
        image: with its tag; None for the one of the servers.
    """
    etcd = values.datastore.etcd.model_copy(update={"guard_image": image})
    return values.model_copy(update={"datastore": values.datastore.model_copy(update={"etcd": etcd})})
