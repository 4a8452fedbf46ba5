"""Kubernetes' own schemas of objects, one set per minor version; strict: unknown fields are errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

MINORS = tuple(f"1.{minor}" for minor in range(28, 37))


def complaints(manifest: Mapping[str, Any], version: str) -> list[str]:
    """Return what is wrong with an object for a version of Kubernetes.

    Args:
        manifest: the object.
        version: Kubernetes version without patch, e.g. "1.36".
    """
    group, _, api = str(manifest["apiVersion"]).rpartition("/")
    name = f"{manifest['kind']}-{group.partition('.')[0]}-{api}" if group else f"{manifest['kind']}-{api}"
    return [
        f"{'.'.join(str(step) for step in error.absolute_path)}: {error.message}"
        for error in _validator(name.lower(), version).iter_errors(manifest)
    ]


@cache
def _validator(name: str, version: str) -> Draft202012Validator:
    return Draft202012Validator(_load(f"{name}.json", version), registry=_registry(version))


@cache
def _registry(version: str) -> Registry[Any]:
    return Resource.from_contents(_load("_definitions.json", version)) @ Registry()


def _load(name: str, version: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    return json.loads((folder / name).read_text(encoding="utf-8"))
