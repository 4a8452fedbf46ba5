"""Reading request bodies in Kubernetes' protobuf encoding, which typed clients such as kubectl's send.

A body is `k8s\\0`, then a `runtime.Unknown` (1: TypeMeta {1: apiVersion, 2: kind}, 2: the object's own
message). The fields of messages are in `data/protobuf.txt`, one message a line, as the public
`generated.proto` files of Kubernetes 1.36 number them: `number:name[:type]`. A type is a message or one of
`string` (the default), `string!` and `string*` (written in JSON even when empty), `int`, `bool` (`?`: left
out of JSON when zero), `bytes`, `strings` (a message that only wraps a list); `[...]` is repeated, `{...}` a
map from strings. The name `-` marks a message whose fields belong to the object around it.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from k3k_core.sandbox.api.statuses import bad_request, unsupported_media_type

Json = dict[str, Any]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_PREFIX = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# How much of a body the real server shows in an error, in bytes.
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message.

    Attributes:
        name: its JSON name; empty when the message's fields are those of the owner.
        type: name of a message or scalar.
        shape: "one", "list" or "map".
    """

    name: str
    type: str
    shape: str


@cache
def _messages() -> dict[str, dict[int, Field]]:
    text = files("k3k_core.sandbox.api").joinpath("data/protobuf.txt").read_text("utf-8")
    found: dict[str, dict[int, Field]] = {}
    for line in text.splitlines():
        name, *cells = line.split()
        found[name] = dict(map(_field, cells))
    return found


def _field(cell: str) -> tuple[int, Field]:
    number, name, *rest = cell.split(":")
    kind = rest[0] if rest else "string"
    shape = {"[": "list", "{": "map"}.get(kind[0], "one")
    return int(number), Field("" if name == "-" else name, kind.strip("[]{}"), shape)


def fields_of(message: str) -> dict[int, Field] | None:
    """Return the fields of a message by number, None for one that is not known."""
    return _messages().get(message)


def decode(body: bytes, kind: str) -> Json:
    """Read a request body.

    Args:
        body: as sent.
        kind: kind the path expects, which a body without a type is taken for.

    Returns:
        The object as a client would have written it in JSON.

    Raises:
        ApiError: 400, no such encoding; 415, a kind whose fields are not known.
    """
    if not _is_object(kind):
        raise unsupported_media_type(routed=False)
    if not body:
        raise _unrecognized(body, kind, "empty data")
    if not body.startswith(_PREFIX):
        problem = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        raise _unrecognized(body, kind, problem)
    if body == _PREFIX:
        raise _unrecognized(body, kind, "empty body")
    try:
        envelope = dict(_wire(body[len(_PREFIX) :]))
        head = dict(_wire(_raw(envelope.get(1, b""))))
        api_version, sent = _text(head.get(1, b"")), _text(head.get(2, b""))
    except ValueError as error:
        raise _unrecognized(body, kind, str(error)) from None
    found: Json = {"apiVersion": api_version, "kind": sent} if sent else {}
    if (sent or kind) != kind:
        # The caller refuses the type, so the rest need not be read.
        return found
    try:
        return found | _message(kind, _raw(envelope.get(2, b"")))
    except ValueError as error:
        version = api_version.rpartition("/")[2] or "v1"
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {error}') from None


def _is_object(kind: str) -> bool:
    """Whether a message is one that is sent by itself: other things than kinds have the names of kinds."""
    fields = _messages().get(kind, {})
    return kind == "DeleteOptions" or (1 in fields and fields[1].name == "metadata")


def _unrecognized(body: bytes, kind: str, problem: str) -> Exception:
    shown = body[:_SHOWN].hex() + (" ..." if len(body) > _SHOWN else "")
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): {problem} ({shown or '<empty>'})"
    )


# The wire format


def _wire(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value); ValueError words a malformed message as Go's decoder does."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError(f"proto: illegal tag {number} (wire type {wire})")
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == _BYTES:
            length, position = _varint(data, position)
        elif wire in {_FIXED64, _FIXED32}:
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"proto: illegal wireType {wire}")
        if position + length > len(data):
            raise ValueError("unexpected EOF")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ValueError("unexpected EOF")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, position
    raise ValueError("proto: integer overflow")


class _WireError(ValueError):
    """A field is sent with the encoding of another type."""

    def __init__(self, wire: int) -> None:
        super().__init__(f"proto: wrong wireType = {wire} for field")


def _raw(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _WireError(_VARINT)
    return value


def _text(value: int | bytes) -> str:
    return _raw(value).decode("utf-8", "replace")


def _number(value: int | bytes) -> int:
    """Read a signed number: negative ones are sent as 64-bit two's complements."""
    if isinstance(value, bytes):
        raise _WireError(_BYTES)
    return value - (1 << 64) if value >= 1 << 63 else value


# Messages


def _message(name: str, data: bytes) -> Json:
    fields, result = _messages()[name], Json()
    for number, raw in _wire(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.shape == "map":
            entry = dict(_wire(_raw(raw)))
            empty = b"" if field.type not in {"int", "bool"} else 0
            result.setdefault(field.name, {})[_text(entry.get(1, b""))] = _value(
                field.type, entry.get(2, empty)
            )
        elif field.shape == "list":
            result.setdefault(field.name, []).extend(_items(field.type, raw))
        elif not field.name:
            result |= _message(field.type, _raw(raw))
        else:
            value = _value(field.type, raw)
            if not _left_out(field.type, value):
                result[field.name] = value
    return result


def _items(kind: str, raw: int | bytes) -> list[Any]:
    if kind == "int" and isinstance(raw, bytes):
        # Packed: the numbers one after the other.
        numbers, position = [], 0
        while position < len(raw):
            number, position = _varint(raw, position)
            numbers.append(_number(number))
        return numbers
    return [_value(kind, raw)]


def _left_out(kind: str, value: Any) -> bool:
    """Whether a client would leave a value out of JSON."""
    if value is None:
        return True
    if kind == "string":
        return bool(value == "")
    return kind.endswith("?") and not value


def _value(kind: str, raw: int | bytes) -> Any:
    read = _READERS.get(kind)
    return _message(kind, _raw(raw)) if read is None else read(raw)


def _time(raw: int | bytes, *, digits: int = 0) -> str | None:
    """Read {1: seconds, 2: nanoseconds}; an empty message is no time."""
    parts = dict(_wire(_raw(raw)))
    if not parts:
        return None
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=_number(parts.get(1, 0)))
    except OverflowError:
        raise ValueError("timestamp: seconds out of range") from None
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{_number(parts.get(2, 0)) // 1000:0{digits}d}Z" if digits else f"{text}Z"


def _int_or_string(raw: int | bytes) -> int | str:
    parts = dict(_wire(_raw(raw)))
    return _text(parts.get(3, b"")) if parts.get(1) else _number(parts.get(2, 0))


def _inner(raw: int | bytes) -> bytes:
    """The first field of a message that wraps one value."""
    return _raw(dict(_wire(_raw(raw))).get(1, b""))


def _fields_v1(raw: int | bytes) -> Any:
    return json.loads(_inner(raw) or b"{}")


def _double(raw: int | bytes) -> float:
    (value,) = struct.unpack("<d", _raw(raw)[:8].ljust(8, b"\0"))
    return float(value)


_READERS: dict[str, Callable[[int | bytes], Any]] = {
    "FieldsV1": _fields_v1,
    "IntOrString": _int_or_string,
    "MicroTime": lambda raw: _time(raw, digits=6),
    "Quantity": lambda raw: _inner(raw).decode("utf-8", "replace"),
    "Time": _time,
    "bool": lambda raw: bool(_number(raw)),
    "bool?": lambda raw: bool(_number(raw)),
    "bytes": lambda raw: base64.b64encode(_raw(raw)).decode(),
    "float": _double,
    "int": _number,
    "int?": _number,
    "string": _text,
    "string!": _text,
    "string*": _text,
    "strings": lambda raw: [_text(value) for number, value in _wire(_raw(raw)) if number == 1],
}
