"""Manifests on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k3k_core.cli.output import to_json, to_yaml
from k3k_core.cli.session import Session

MASK = "(masked)"


def masked(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with the values of a Secret replaced.

    Args:
        manifest: a Kubernetes object.
    """
    if manifest.get("kind") != "Secret":
        return dict(manifest)
    hidden = {key: dict.fromkeys(manifest[key], MASK) for key in ("data", "stringData") if manifest.get(key)}
    return {**manifest, **hidden}


def write_manifests(session: Session, manifests: Sequence[Mapping[str, Any]]) -> None:
    """Write manifests as YAML documents, or as one JSON List, in the order they are applied in.

    Args:
        session: of the verb; its output format "json" makes a List.
        manifests: Kubernetes objects.
    """
    if session.settings.output == "json":
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        session.console.data(to_json(document))
    else:
        session.console.data(to_yaml(*manifests))
