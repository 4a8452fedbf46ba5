"""Which CustomResourceDefinitions the sandbox refuses, in the words of the real server."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.sandbox.api.validation_crds import validate, validate_update

Json = dict[str, Any]

SCHEMA: Json = {"openAPIV3Schema": {"type": "object"}}
VERSION: Json = {"name": "v1", "served": True, "storage": True, "schema": SCHEMA}


def crd(**changes: Any) -> Json:
    spec = {
        "group": "test.k3k",
        "scope": "Namespaced",
        "names": {"plural": "boxes", "kind": "Box"},
        "versions": [VERSION],
        **changes,
    }
    return {"metadata": {"name": "boxes.test.k3k"}, "spec": spec}


def with_schema(schema: Json) -> Json:
    return crd(versions=[{**VERSION, "schema": {"openAPIV3Schema": schema}}])


def established(obj: Json) -> Json:
    return {**obj, "status": {"conditions": [{"type": "Established", "status": "True"}]}}


def found(obj: Json) -> list[tuple[str, str]]:
    return [(error.field, error.message) for error in validate(obj)]


def test_an_ordinary_one_is_taken() -> None:
    assert found(crd()) == []


SUPPORTED = '"array", "boolean", "integer", "number", "object", "string"'


@pytest.mark.parametrize(
    ("obj", "field", "message"),
    [
        (
            crd(names={"plural": "crates", "kind": "Box"}),
            "metadata.name",
            'Invalid value: "boxes.test.k3k": must be spec.names.plural+"."+spec.group',
        ),
        (
            crd(scope="Galaxy"),
            "spec.scope",
            'Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
        ),
        (
            crd(versions=[]),
            "spec.versions",
            "Invalid value: []: must have exactly one version marked as storage version",
        ),
        (
            crd(versions=[]),
            "status.storedVersions",
            "Invalid value: null: must have at least one stored version",
        ),
        (
            crd(versions=[{**VERSION, "schema": None}]),
            "spec.versions[0].schema.openAPIV3Schema",
            "Required value",
        ),
        (
            with_schema({"type": "object", "properties": {"spec": {}}}),
            "spec.validation.openAPIV3Schema.properties[spec].type",
            "Required value: must not be empty for specified object fields",
        ),
        (
            with_schema({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "wat"}}}}),
            "spec.validation.openAPIV3Schema.properties[a].items.type",
            f'Unsupported value: "wat": supported values: {SUPPORTED}',
        ),
        (
            with_schema({"properties": {}}),
            "spec.validation.openAPIV3Schema.type",
            "Required value: must not be empty at the root",
        ),
    ],
)
def test_what_is_wrong_is_named(obj: Json, field: str, message: str) -> None:
    assert (field, message) in found(obj)


def test_a_field_that_takes_numbers_and_texts_needs_no_type() -> None:
    port = {"x-kubernetes-int-or-string": True}
    assert found(with_schema({"type": "object", "properties": {"port": port}})) == []


def test_scope_and_kind_stay_once_it_is_established() -> None:
    old = established(crd())
    new = crd(scope="Cluster", names={"plural": "boxes", "kind": "Bax"})
    assert [error.field for error in validate_update(new, old)] == ["spec.scope", "spec.names.kind"]
    assert [error.field for error in validate_update(new, crd())] == []


def test_versions_may_be_added() -> None:
    new = crd(versions=[VERSION, {**VERSION, "name": "v2", "storage": False}])
    assert validate_update(new, established(crd())) == []
