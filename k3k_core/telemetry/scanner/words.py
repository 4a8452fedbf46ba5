"""The words of a comment line: `#`, what it tells, of which metric, and the rest."""

from __future__ import annotations

import re

from k3k_core.telemetry.labels import find_unquoted, is_legacy_name, seeker, unquote

BLANK = seeker(" \t")
SPACE = seeker(" ")
WHITE = seeker(" \t\n\r\v\f")


def split_words(line: str, separator: re.Pattern[str]) -> list[str]:
    """Split a comment line into at most four words, the last of which is all the rest.

    Args:
        line: the line without its end.
        separator: what stands between words; quotes hide it.
    """
    words: list[str] = []
    position = 0
    while position < len(line):
        cut = find_unquoted(separator, line, position)
        if cut == position:
            position += 1
            continue
        if cut < 0 or len(words) == 3:
            return [*words, line[position:]]
        words.append(line[position:cut])
        position = cut + 1
    return [*words, ""]


def read_name(word: str) -> str:
    """Return the name of a metric as a comment line spells it, perhaps in quotes.

    Raises:
        ValueError: it is none.
    """
    name, quoted = unquote(word)
    if not quoted and not is_legacy_name(name):
        raise ValueError("not the name of a metric")
    return name
