"""The OpenAPI v2 document in protobuf, read back as an old kubectl reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from k3k_core.resources import CONFIG_MAP
from k3k_core.sandbox.api.openapi_v2 import document, encode
from k3k_core.sandbox.api.registry import Registry


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number, content) of the fields of a message, which all have a length."""
    rest = iter(message)

    def varint() -> int | None:
        value = shift = 0
        for byte in rest:
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        return None

    while (tag := varint()) is not None:
        assert tag & 7 == 2
        length = varint()
        assert length is not None
        yield tag >> 3, bytes(next(rest) for _ in range(length))


def inside(message: bytes, *numbers: int) -> bytes:
    """Return the only field at a path of field numbers."""
    for number in numbers:
        (message,) = (content for found, content in fields(message) if found == number)
    return message


def operations() -> dict[str, bytes]:
    """Return the PATCH operations by path."""
    encoded = encode(document(Registry(), "v1.36.2"))
    paths = [content for number, content in fields(inside(encoded, 8)) if number == 2]
    return {inside(path, 1).decode(): inside(path, 2, 8) for path in paths}


def test_it_is_of_the_version_that_kubectl_parses() -> None:
    assert inside(encode(document(Registry(), "v1.36.2")), 1) == b"2.0"


def test_a_patch_names_its_kind() -> None:
    patch = operations()[CONFIG_MAP.path("{namespace}", "{name}")]
    extension = inside(patch, 13)
    assert inside(extension, 1) == b"x-kubernetes-group-version-kind"
    kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert json.loads(inside(extension, 2, 2)) == kind


def test_a_patch_says_that_it_takes_a_dry_run() -> None:
    patch = operations()[CONFIG_MAP.path("{namespace}", "{name}")]
    schemas = [inside(content, 1, 2, 3) for number, content in fields(patch) if number == 8]
    assert (b"query", b"dryRun") in [(inside(schema, 2), inside(schema, 4)) for schema in schemas]


def test_what_cannot_be_patched_is_left_out() -> None:
    assert not [path for path in operations() if "subjectaccessreviews" in path]
