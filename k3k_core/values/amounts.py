"""Kubernetes quantities and durations: reading and comparing them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from k3k_core.values.refusal import RefusedError, shown

# apimachinery, resource.Quantity: number, then a binary, decimal or exponent suffix.
QUANTITY_PATTERN: Final = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$"
DURATION_PATTERN: Final = r"^([0-9]+(\.[0-9]+)?(w|d|h|m|s))+$"

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST = 3650 * 86400
_SMALLEST_BYTES = 1024**2


def parse_quantity(text: str) -> Decimal:
    """Value of a Kubernetes quantity.

    Args:
        text: e.g. "500m", "2Gi", "1e3".

    Raises:
        RefusedError: it is none.
    """
    match = re.fullmatch(QUANTITY_PATTERN, text)
    if match is None or len(text) > _LONGEST_TEXT:
        raise RefusedError(f"{shown(text)} is not a Kubernetes quantity", "write e.g. `500m`, `2` or `2Gi`")
    number, suffix = Decimal(match[1]), match[3] or ""
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return number * Decimal(10) ** exponent


_LONGEST_TEXT = 24


def cpu(text: str) -> str:
    """An amount of processor time: cores or thousandths of a core."""
    amount = parse_quantity(text)
    if amount <= 0:
        raise RefusedError("must be more than 0", "write e.g. `100m` for a tenth of a core")
    if amount < Decimal("0.001"):
        raise RefusedError(f"{shown(text)} is less than a thousandth of a core", "write e.g. `100m`")
    return text


def size(text: str) -> str:
    """An amount of memory or storage in bytes, at least 1Mi."""
    amount = parse_quantity(text)
    if amount < _SMALLEST_BYTES:
        meant = re.fullmatch(r"([0-9]+)[mMgG]?", text)
        suffix = "Gi" if text.endswith(("g", "G")) else "Mi"
        remedy = f"did you mean `{meant[1]}{suffix}`?" if meant and int(meant[1]) else "write e.g. `512Mi`"
        raise RefusedError(f"{shown(text)} is less than one mebibyte", remedy)
    return text


def duration(text: str) -> str:
    """A time span such as `90m`, `2h`, `7d` or `1h30m`."""
    seconds(text)
    return text


def seconds(text: str) -> float:
    """Length of a time span in seconds.

    Args:
        text: numbers with units w, d, h, m or s.

    Raises:
        RefusedError: it is no time span, not positive, or longer than ten years.
    """
    example = "write a number with a unit, e.g. `90m`, `2h`, `7d` or `1h30m`"
    if not re.fullmatch(DURATION_PATTERN, text) or len(text) > _LONGEST_TEXT:
        raise RefusedError(f"{shown(text)} is not a duration", example)
    total = float(sum(Decimal(n) * _UNITS[unit] for n, unit in re.findall(r"([0-9.]+)([wdhms])", text)))
    if total <= 0:
        raise RefusedError("must be longer than nothing", example)
    if total > _LONGEST:
        raise RefusedError(
            f"{shown(text)} is longer than ten years", "leave `ttl` out for a control plane that stays"
        )
    return total
