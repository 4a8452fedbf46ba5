"""Kubernetes quantities such as `500m`, `1Gi`, `2e3`."""

from __future__ import annotations

import re
from decimal import Decimal

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_FORM = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?")
_FACTORS: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def is_quantity(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def parse(text: str) -> Decimal:
    """Return the number a quantity stands for.

    Raises:
        ValueError: it is none.
    """
    match = _FORM.fullmatch(str(text))
    if match is None:
        raise ValueError(text)
    number = Decimal(match[1])
    if match[3]:
        return number.scaleb(int(match[3]))
    return number * _FACTORS.get(match[2] or "", Decimal(1))


_BINARY = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")
_DECIMAL = ("E", "P", "T", "G", "M", "k", "", "m", "u", "n")


def canonical(text: str) -> str:
    """Write a quantity as the API writes it: a whole number with the largest suffix that keeps it one.

    Raises:
        ValueError: it is none.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    number = parse(text)
    if number == 0:
        return "0"
    if match[3]:
        return _exponential(number)
    if (match[2] or "").endswith("i") and abs(number) >= 1024 and number == int(number):
        for suffix in _BINARY:
            if number % _FACTORS[suffix] == 0:
                return f"{int(number / _FACTORS[suffix])}{suffix}"
        return str(int(number))
    for suffix in _DECIMAL:
        scaled = number / _FACTORS.get(suffix, Decimal(1))
        if scaled == int(scaled):
            return f"{int(scaled)}{suffix}"
    # Nothing smaller than a billionth is kept; it is rounded up.
    return f"{int(number / _FACTORS['n']) + 1}n"


def _exponential(number: Decimal) -> str:
    for exponent in (18, 15, 12, 9, 6, 3):
        if number % (Decimal(10) ** exponent) == 0:
            return f"{int(number.scaleb(-exponent))}e{exponent}"
    return canonical(format(number, "f"))
