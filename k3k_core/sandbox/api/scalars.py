"""Reading strings, numbers, times and quantities of built-in kinds, with the errors of the real server."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from k3k_core.sandbox.api import quantities
from k3k_core.sandbox.api.bodies import json_kind
from k3k_core.sandbox.api.schema import Type
from k3k_core.sandbox.api.statuses import bad_request

GO_SCALARS = {"str": "string", "int": "int32", "bool": "bool", "float": "float64", "bytes": "[]uint8"}
_INT64 = frozenset(
    {
        "activeDeadlineSeconds",
        "deletionGracePeriodSeconds",
        "expirationSeconds",
        "fsGroup",
        "generation",
        "gracePeriodSeconds",
        "observedGeneration",
        "revision",
        "runAsGroup",
        "runAsUser",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
    }
)


def read_scalar(kind: Type, value: Any, path: str, root: str, owner: str) -> Any:
    """Read a string, number or boolean.

    Args:
        kind: its type.
        value: as sent.
        path: where it lies.
        root: kind of the object, for errors.
        owner: struct that holds it, for errors.

    Raises:
        ApiError: 400, a value of the wrong JSON type or form.
    """
    if isinstance(value, str) and kind.scalar == "datetime":
        return _time(value, path, root)
    if isinstance(value, str) and kind.scalar == "str":
        return value
    if kind.scalar == "int-or-string" and isinstance(value, (str, int)) and not isinstance(value, bool):
        return value
    if kind.scalar == "bool" and isinstance(value, bool):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.scalar == "float" and number:
        return value
    if kind.scalar == "int" and number and value == int(value):
        return int(value)
    if kind.scalar == "quantity" and (number or isinstance(value, str)):
        return _quantity(str(value), root)
    if kind.scalar == "bytes" and isinstance(value, str):
        _check_base64(value, root)
        return value
    field = path.rpartition(".")[2].partition("[")[0]
    expected = "int64" if kind.scalar == "int" and field in _INT64 else GO_SCALARS.get(kind.scalar, "string")
    raise type_error(value, path, root, owner, expected)


_MICRO_TIMES = frozenset({"acquireTime", "eventTime", "lastObservedTime", "renewTime"})


def _time(text: str, path: str, root: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        micro = ".000000" if path.rpartition(".")[2] in _MICRO_TIMES else ""
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: parsing time "{text}" as '
            f'"2006-01-02T15:04:05{micro}Z07:00": cannot parse "{text}" as "2006"'
        ) from None
    return text


def _quantity(text: str, root: str) -> str:
    try:
        return quantities.canonical(text.strip())
    except ValueError:
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: quantities must match the regular '
            f"expression '{quantities.PATTERN}'"
        ) from None


def _check_base64(value: str, root: str) -> None:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n")
        body = value.rstrip("=")
        bad = next((i for i, character in enumerate(body) if character not in alphabet), len(body))
        if bad == len(body):
            bad = len(value) if len(value) == len(body) else len(body)
            bad = bad - bad % 4 if len(value) == len(body) else bad
        raise bad_request(
            f'{root} in version "v1" cannot be handled as a {root}: illegal base64 data at input byte {bad}'
        ) from None


def type_error(value: Any, path: str, root: str, owner: str, expected: str) -> Exception:
    """Return the error about a value of the wrong JSON type, as Go words it."""
    clean = ".".join(part.partition("[")[0] for part in path.split("."))
    return bad_request(
        f'{root} in version "v1" cannot be handled as a {root}: json: cannot unmarshal {json_kind(value)} '
        f"into Go struct field {owner or root}.{clean} of type {expected}"
    )
