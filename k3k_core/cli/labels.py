"""Labels as the command line gives them."""

from __future__ import annotations

from collections.abc import Iterable

from k3k_core.errors import UsageError


def parse_labels(given: Iterable[str]) -> dict[str, str]:
    """Return labels by key.

    Args:
        given: each as KEY=VALUE.

    Raises:
        UsageError: one is not written so.
    """
    labels: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"{text!r} is no label.", hint="Write --label KEY=VALUE.")
        labels[key] = value
    return labels
