"""Taking secrets out of what a host says before it is shown."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
MESSAGE_LIMIT = 600

_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL),
    # k3s tokens, https://docs.k3s.io/cli/token
    re.compile(r"\bK10[0-9a-f]{16,}(?:::\S+)?"),
    # JSON web tokens, and the same base64-encoded once more by a Secret
    re.compile(r"\b(?:eyJ|ZXlK)[A-Za-z0-9+/=_-]{16,}(?:\.[A-Za-z0-9_-]+)*"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(r"(?i)\b(?:bearer|basic) +[A-Za-z0-9+/=._~-]{8,}"),
    # what a base64-encoded PEM block begins with
    re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]*"),
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
# Up to the last explanation, because a value may hold what looks like one.
_ECHO = re.compile(r"(Invalid value|Duplicate value|Unsupported value): .*(?:(?=: [a-z])|\Z)", re.DOTALL)


def redact(text: str) -> str:
    """Return a host's words on one line, shortened, with everything that looks like a credential hidden."""
    # Cut before the patterns run, so that a huge answer costs nothing.
    text = text[: 8 * MESSAGE_LIMIT]
    for pattern in _SECRETS:
        text = pattern.sub(HIDDEN, text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 3] + "..."


def redact_values(text: str) -> str:
    """Return a host's words about an object whose every value is secret: no echoed value survives."""
    hidden = _QUOTED.sub(HIDDEN, text[: 8 * MESSAGE_LIMIT])
    return redact(_ECHO.sub(lambda match: f"{match[1]}: {HIDDEN}", hidden))
