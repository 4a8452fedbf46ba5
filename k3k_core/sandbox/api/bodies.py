"""Parsing request bodies: JSON, YAML and protobuf, with errors worded as the real server words them."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from k3k_core.nesting import nested_too_deeply
from k3k_core.sandbox.api import protobuf
from k3k_core.sandbox.api.statuses import bad_request, unsupported_media_type

Json = dict[str, Any]

_BODY_TYPES = ("application/json", "application/yaml", protobuf.MEDIA_TYPE)
# Levels of nesting that are read; the real server stops at 10,000.
_DEPTH_LIMIT = 200
# How much of a body the real server shows in an error, in bytes.
_SHOWN = 30


class _Pairs(list[tuple[str, Any]]):
    """The fields of a JSON object in their order, duplicates included."""


class _TooDeepError(ValueError):
    """JSON nests deeper than is read."""


def _collapse(value: Any, path: str, problems: list[str], depth: int = 0) -> Any:
    """Turn pairs into mappings, the last of equal keys winning, and word the duplicates."""
    if depth > _DEPTH_LIMIT:
        raise _TooDeepError
    if isinstance(value, _Pairs):
        result: Json = {}
        for key, item in value:
            where = f"{path}.{key}" if path else key
            if key in result:
                problems.append(f'duplicate field "{where}"')
            result[key] = _collapse(item, where, problems, depth + 1)
        return result
    if isinstance(value, list):
        return [
            _collapse(item, f"{path}[{position}]", problems, depth + 1) for position, item in enumerate(value)
        ]
    return value


def load_json(text: bytes) -> tuple[Any, list[str]]:
    """Parse JSON; returns the value and its duplicate fields as strict reading words them.

    Raises:
        ValueError: it is no JSON.
    """
    problems: list[str] = []
    try:
        return _collapse(json.loads(text, object_pairs_hook=_Pairs), "", problems), problems
    except RecursionError:
        raise _TooDeepError from None


def parse_body(text: bytes, media_type: str, kind: str) -> tuple[Json, list[str]]:
    """Parse a request body in one of the encodings of objects.

    Args:
        text: the body.
        media_type: its Content-Type without parameters; empty counts as JSON.
        kind: kind the path expects.

    Returns:
        The object and what is wrong with it under strict reading.

    Raises:
        ApiError: 400, no such object; 415, another encoding.
    """
    if media_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(text, kind), []
    if media_type == "application/yaml":
        return parse_yaml(text, kind), []
    if media_type not in {"", "application/json"}:
        listed = ", ".join(_BODY_TYPES)
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {listed}",
            routed=False,
        )
    return parse_json(text, kind)


def parse_json(text: bytes, kind: str) -> tuple[Json, list[str]]:
    """Parse a JSON body.

    Args:
        text: the body.
        kind: kind the path expects, for the error.

    Returns:
        The object and what is wrong with it under strict reading.

    Raises:
        ApiError: 400, no JSON object.
    """
    try:
        value, problems = load_json(text)
    except ValueError as error:
        problem = go_json_error(text, error)
        raise _unrecognized(text, kind, f"couldn't get version/kind; json parse error: {problem}") from None
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        problem = (
            f"json: cannot unmarshal {json_kind(value)} into Go value of type struct "
            '{ APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        )
        raise _unrecognized(text, kind, f"couldn't get version/kind; json parse error: {problem}")
    return value, problems


def _unrecognized(text: bytes, kind: str, problem: str) -> Exception:
    if not text:
        shown = "<empty>"
    else:
        part = text[:_SHOWN]
        shown = part.decode("utf-8", "replace") if text.startswith(b"{") else part.hex()
        shown += " ..." if len(text) > _SHOWN else ""
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {problem} ({shown})")


def go_json_error(text: bytes, error: ValueError) -> str:
    """Word a JSON syntax error as Go's decoder does."""
    if isinstance(error, _TooDeepError):
        return f"invalid character '{_deepest(text)}' exceeded max depth"
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    shown = text.decode("utf-8", "replace")
    if error.pos >= len(shown):
        return "unexpected end of JSON input"
    if error.msg.startswith("Expecting value") and shown[error.pos] in _LITERALS:
        return _literal_error(shown[error.pos :])
    character = go_character(shown[error.pos])
    before = shown[: error.pos].rstrip()
    places = {
        "Expecting property name": "looking for beginning of object key string",
        "Expecting ':'": "after object key",
        "Expecting ','": "after array element" if _in_array(before) else "after object key:value pair",
        "Extra data": "after top-level value",
        "Expecting value": "looking for beginning of value",
        "Invalid control": "in string literal",
    }
    where = next((place for start, place in places.items() if error.msg.startswith(start)), "in literal")
    return f"invalid character '{character}' {where}"


_LITERALS = {"t": "true", "f": "false", "n": "null"}


def _literal_error(text: str) -> str:
    """Word what is wrong with a text that begins like `true`, `false` or `null`."""
    literal = _LITERALS[text[0]]
    for position, wanted in enumerate(literal):
        if position >= len(text):
            return "unexpected end of JSON input"
        if text[position] != wanted:
            found = go_character(text[position])
            return f"invalid character '{found}' in literal {literal} (expecting '{wanted}')"
    return "unexpected end of JSON input"


def _deepest(text: bytes) -> str:
    """The bracket that opens the first level that is too deep (about: strings are not looked into)."""
    depth = 0
    for bracket in re.finditer(rb'"(?:[^"\\\\]|\\\\.)*"|[\[{\]}]', text):
        if bracket[0] in b"[{":
            depth += 1
            if depth > _DEPTH_LIMIT:
                return bracket[0].decode()
        elif bracket[0] in b"]}":
            depth -= 1
    return text[:1].decode("utf-8", "replace")


_GO_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "'": r"\'",
    "\\": r"\\",
}


def go_character(character: str) -> str:
    """Write a character as Go's %q does, without quotes."""
    if character in _GO_ESCAPES:
        return _GO_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _in_array(text: str) -> bool:
    depth = 0
    for character in reversed(text):
        if character in "]}":
            depth += 1
        elif character in "[{":
            if depth == 0:
                return character == "["
            depth -= 1
    return False


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as Go's sigs.k8s.io/yaml reads it: 1.1 booleans, no dates; notes keys that occur twice."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                self.duplicates.append(f'line {line}: key "{key.value}" already set in map')
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Go's YAML 1.1 resolver also takes the one-letter booleans.
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))


def _boolean(loader: Any, node: Any) -> bool:
    return loader.construct_scalar(node).lower() in {"y", "yes", "on", "true"}


_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)


def _string_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _string_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_string_keys(item) for item in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return str(key).lower()
    return "null" if key is None else str(key)


def parse_yaml(text: bytes, kind: str = "") -> Json:
    """Parse a YAML (or JSON) body.

    Args:
        text: the body.
        kind: kind the path expects; empty for an apply configuration.

    Raises:
        ApiError: 400, no YAML mapping.
    """
    try:
        deep = nested_too_deeply(text, loader=_Loader, limit=_DEPTH_LIMIT)
        value = None if deep else yaml.load(text, _Loader)  # noqa: S506 (a subclass of the safe loader)
    except yaml.YAMLError as error:
        raise _no_yaml(text, kind, str(error).splitlines()[0]) from None
    if deep:
        raise _no_yaml(text, kind, "exceeded max depth of 10000")
    if not isinstance(value, dict):
        raise bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{json_kind(value)} into Go value of type "
            "map[string]interface {}"
        )
    result: Json = _string_keys(value)
    return result


def parse_apply(text: bytes, *, strict: bool) -> tuple[Json, list[str]]:
    """Parse the configuration of a server-side apply; returns it and what occurs twice in it.

    Raises:
        ApiError: 400, no YAML mapping, or a duplicate under strict reading.
    """
    configuration = parse_yaml(text)
    loader = _Loader(text)
    try:
        loader.get_single_data()
        duplicates = sorted(loader.duplicates)
    finally:
        loader.dispose()
    if duplicates and strict:
        listed = "\n".join(f"  {problem}" for problem in duplicates)
        raise bad_request(
            f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n{listed}"
        )
    return configuration, duplicates


def _no_yaml(text: bytes, kind: str, problem: str) -> Exception:
    if kind:
        return _unrecognized(text, kind, f"yaml: {problem}")
    return bad_request(f"error decoding YAML: error converting YAML to JSON: yaml: {problem}")


def json_kind(value: Any) -> str:
    """Return what Go calls the type of a JSON value."""
    if isinstance(value, bool):
        return "bool"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}.get(
        type(value), "null"
    )
