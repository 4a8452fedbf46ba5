"""Label values from pages nobody vouches for: valid, short, and still telling different things apart."""

from __future__ import annotations

import re
from hashlib import sha256

MAX_LENGTH = 128
_DIGEST = 8
# Controls, surrogates, and what turns the direction of text or breaks lines in a terminal or a browser.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def clean(text: str) -> str:
    """Return a text as a label value: no control characters, at most `MAX_LENGTH` characters.

    A text that had to be changed ends in `~` and a digest of the original, so that different texts stay
    different.

    Args:
        text: anything.
    """
    if len(text) <= MAX_LENGTH and (text.isascii() and text.isprintable()):
        return text
    cut = text[:MAX_LENGTH]
    safe = _UNSAFE.sub("\ufffd", cut)
    if safe == text:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{safe[: MAX_LENGTH - _DIGEST - 1]}~{digest}"
