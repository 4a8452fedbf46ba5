"""Request bodies that are no objects are refused as the real server refuses them, and never end the process."""

from __future__ import annotations

import pytest

from k3k_core.sandbox.api.bodies import load_json, parse_body, parse_json, parse_yaml
from k3k_core.sandbox.api.statuses import ApiError

JSON = "application/json"
UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NO_KIND = f"{UNRECOGNIZED}couldn't get version/kind; json parse error: "


def refusal(text: bytes, media_type: str = JSON) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_body(text, media_type, "ConfigMap")
    return caught.value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            b"[" * 100_000,
            "invalid character '[' exceeded max depth (5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b",
        ),
        (
            b'{"a":' * 100_000,
            'invalid character \'{\' exceeded max depth ({"a":{"a":{"a":{"a":{"a":{"a": ...)',
        ),
        (
            b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}",
            "invalid character '[' exceeded max depth ({\"data\":[[[[[[[[[[[[[[[[[[[[[[ ...)",
        ),
    ],
)
def test_json_that_nests_too_deeply_is_refused(text: bytes, problem: str) -> None:
    error = refusal(text)

    assert error.code == 400
    assert str(error).startswith(f"{NO_KIND}{problem}")


def test_yaml_that_nests_too_deeply_is_refused_before_it_is_built() -> None:
    error = refusal(b"[" * 100_000, "application/yaml")

    assert str(error).startswith(f"{UNRECOGNIZED}yaml: exceeded max depth of 10000 (5b5b")


def test_a_configuration_that_nests_too_deeply_is_refused_in_words_of_its_own() -> None:
    with pytest.raises(ApiError, match=r"^error decoding YAML: .* exceeded max depth of 10000$"):
        parse_yaml(b"[" * 100_000)


def test_an_empty_body_is_shown_as_such() -> None:
    assert str(refusal(b"")).endswith("(<empty>)")


def test_nesting_that_objects_need_is_read() -> None:
    text = b'{"a":' * 150 + b"1" + b"}" * 150

    value, problems = load_json(text)

    assert (list(value), problems) == (["a"], [])
    assert parse_json(text, "ConfigMap") == (value, [])


def test_another_encoding_is_an_unsupported_media_type() -> None:
    assert refusal(b"", "text/plain").code == 415
