"""What a check says when it refuses a value."""

from __future__ import annotations

_LONGEST_SHOWN = 64


class RefusedError(ValueError):
    """A value is not usable.

    Args:
        problem: what is wrong; it never repeats a secret.
        remedy: what would be right.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def shown(text: str) -> str:
    """A value as an error may repeat it: left out when it could hold a credential.

    Args:
        text: a value from a field that is not a secret; somebody may have put a secret there all the same.

    Returns:
        The text in backquotes; "this value" if it is long, holds control characters or looks like a URL that
        has a password in it.
    """
    if not text or len(text) > _LONGEST_SHOWN or not text.isprintable() or "://" in text or "@" in text:
        return "this value" if text else "the empty text"
    return f"`{text}`"
