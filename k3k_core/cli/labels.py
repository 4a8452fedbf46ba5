"""Labels as the command line gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from k3k_core.errors import UsageError

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_NAME: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY: Final = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE: Final = re.compile(rf"({_NAME})?")


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
        if not equals or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise UsageError(
                f"{text!r} is no label.",
                hint="Write --label KEY=VALUE: letters, digits, `-`, `_` and `.`, the key as in example.com/team.",
            )
        labels[key] = value
    return labels
