"""Series as a page spells them: a name, and labels in braces."""

from __future__ import annotations

import re

_LABEL = re.compile(r'\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)
_ESCAPE = re.compile(r'\\[\\n"]')
_ESCAPED = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}


def parse_series(text: bytes) -> tuple[str, dict[str, str]]:
    """Split a series into its name and its labels.

    Args:
        text: such as `b'up{job="x"}'`, without value; UTF-8 names in quotes (OpenMetrics 1.0, Prometheus 3) too.

    Raises:
        ValueError: it is malformed.
    """
    name, brace, rest = text.decode().partition("{")
    if not brace:
        return name, {}
    labels: dict[str, str] = {}
    rest = rest.strip()[:-1]
    position = 0
    while position < len(rest):
        match = _LABEL.match(rest, position)
        if match is None:
            raise ValueError(f"malformed series: {text[:200]!r}")
        labels[match[1]] = _ESCAPE.sub(lambda escape: _ESCAPED[escape[0]], match[2])
        position = match.end()
    return name, labels
