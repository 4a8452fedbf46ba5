"""What all objects have in common: names, labels, owners; and how Secrets carry their data."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.manifests.blueprint import Manifest, OwnerReference
from k3k_core.names import (
    FIELD_MANAGER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    LABEL_INSTANCE,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    LABEL_PART_OF,
    LABEL_VERSION,
    ControlPlaneId,
)
from k3k_core.versions import K3sVersion


def selector(identity: ControlPlaneId, component: str) -> dict[str, str]:
    """Return the labels by which the pods of a component are found; they never change.

    Args:
        identity: the control plane.
        component: one of the COMPONENT_ names.
    """
    return {LABEL_CONTROL_PLANE: identity.name, LABEL_COMPONENT: component}


def labels(identity: ControlPlaneId, component: str, *, version: str = "") -> dict[str, str]:
    """Return the labels of an object.

    Args:
        identity: the control plane.
        component: one of the COMPONENT_ names.
        version: k3s version; left out where a change of labels is impossible.
    """
    result = {
        LABEL_NAME: "etcd" if component == "etcd" else "k3s",
        LABEL_INSTANCE: identity.name,
        LABEL_PART_OF: "k3k",
        LABEL_MANAGED_BY: FIELD_MANAGER,
        **selector(identity, component),
    }
    if version:
        # A label value has no plus sign, so the form of the image tag stands in.
        result[LABEL_VERSION] = K3sVersion.parse(version).image_tag
    return result


def metadata(
    identity: ControlPlaneId,
    name: str,
    component: str,
    owner: OwnerReference | None,
    *,
    annotations: Mapping[str, str] | None = None,
    version: str = "",
) -> dict[str, Any]:
    """Return the metadata of a namespaced object.

    Args:
        identity: the control plane.
        name: name of the object.
        component: what it belongs to.
        owner: the root Secret, None for the root itself and for objects that nobody owns.
        annotations: annotations, if any.
        version: k3s version for the version label.
    """
    result: dict[str, Any] = {
        "name": name,
        "namespace": identity.namespace,
        "labels": labels(identity, component, version=version),
    }
    if annotations:
        result["annotations"] = dict(annotations)
    if owner is not None:
        result["ownerReferences"] = [owner.to_dict()]
    return result


def labelled(manifest: Manifest, wanted: Mapping[str, str]) -> Manifest:
    """Return an object with the user's labels on it and on the pods it makes; k3k's own labels stay as they are.

    Templates of volumes are left alone: a StatefulSet does not let them change.

    Args:
        manifest: the object.
        wanted: `labels` of the values.
    """
    if not wanted:
        return manifest
    found = {**manifest, "metadata": _with_labels(manifest["metadata"], wanted)}
    spec = manifest.get("spec")
    if isinstance(spec, Mapping):
        for key in ("template", "jobTemplate"):
            if key in spec:
                spec = {**spec, key: _labelled_template(spec[key], wanted)}
        found["spec"] = spec
    return found


def _labelled_template(template: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    found = {**template, "metadata": _with_labels(template.get("metadata") or {}, wanted)}
    inner = (template.get("spec") or {}).get("template")
    if isinstance(inner, Mapping):
        found["spec"] = {**template["spec"], "template": _labelled_template(inner, wanted)}
    return found


def _with_labels(meta: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    return {**meta, "labels": {**wanted, **(meta.get("labels") or {})}}


def secret(meta: dict[str, Any], data: Mapping[str, str], *, kind: str = "Opaque") -> Manifest:
    """Return a Secret.

    Args:
        meta: its metadata.
        data: its contents as text.
        kind: its `type`.
    """
    encoded = {key: base64.b64encode(text.encode()).decode("ascii") for key, text in sorted(data.items())}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "data": encoded}


def secret_data(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the contents of a Secret as text.

    Args:
        manifest: a Secret as rendered or as the host stores it.

    Raises:
        K3kError: a value is not base64 of text.
    """
    try:
        return {
            key: base64.b64decode(value, validate=True).decode()
            for key, value in (manifest.get("data") or {}).items()
        }
    except ValueError:
        meta = manifest["metadata"]
        raise K3kError(
            f"Secret {meta.get('namespace')}/{meta.get('name')} holds data that is not text.",
            hint="Restore the Secret from a backup.",
        ) from None


def checksum(*parts: Mapping[str, Any]) -> str:
    """Return a digest of configuration and secrets; equal input gives equal output.

    The parts always include tokens of 128 random bits, so that nothing can be guessed from the digest.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
