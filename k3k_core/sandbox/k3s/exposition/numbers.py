"""Numbers as Prometheus' Go library writes them."""

from __future__ import annotations

import math


def go_number(value: float) -> bytes:
    """Return a value as Go's `strconv.FormatFloat(value, 'g', -1, 64)` does, which pages are written with.

    Args:
        value: any number.
    """
    if value == 0:
        return b"0"
    if math.isinf(value):
        return b"+Inf" if value > 0 else b"-Inf"
    if math.isnan(value):
        return b"NaN"
    if 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0").encode()
    digits, _, exponent = f"{value:.17e}".partition("e")
    # The shortest digits that give the value again are those of repr.
    digits = repr(value)
    mantissa, _, _ = digits.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    figures = mantissa.lstrip("-").replace(".", "").strip("0") or "0"
    point = f".{figures[1:]}" if len(figures) > 1 else ""
    power = int(exponent)
    return f"{sign}{figures[0]}{point}e{'-' if power < 0 else '+'}{abs(power):02d}".encode()
