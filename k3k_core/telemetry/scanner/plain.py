"""Checks many series at once that they are well-formed, by the parts they share."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from k3k_core.telemetry.labels import LABEL_NAME, METRIC_NAME, VALUE

_LAST_LABEL = re.compile(rb"(%b)=%b\}" % (LABEL_NAME, VALUE))
# A series with one quote in place of each value.
_OUTLINE = re.compile(rb'(%b)(?:\{%b="(?:,%b=")*+\})?+' % (METRIC_NAME, LABEL_NAME, LABEL_NAME))
_LABEL = re.compile(rb"[{,](%b)=" % LABEL_NAME)


def are_plain(series: Sequence[bytes], names: frozenset[bytes]) -> bool:
    """Tell whether all of them are well-formed, with nothing in them that would need a closer look.

    Args:
        series: as the page spells them; at least one.
        names: the names they may have.
    """
    return _by_parts(series, names) or _outlines(series, b"\n", names) is not None


def _by_parts(series: Sequence[bytes], names: frozenset[bytes]) -> bool:
    """Check what comes before the last label once for all series that share it, and each last label once.

    The lines of a histogram differ in their last label alone.
    """
    parts = [text.rpartition(b",") for text in series]
    heads, tails = [head for head, _, _ in parts], [tail for _, _, tail in parts]
    distinct, endings = list(set(heads)), set(tails)
    last = {tail: match[1] for tail in endings if (match := _LAST_LABEL.fullmatch(tail))}
    if len(last) < len(endings) or not _is_utf8(b"".join(endings)):
        return False
    outlines = _outlines(distinct, b"}\n", names)
    if outlines is None:
        return False
    outline_of = dict(zip(distinct, outlines, strict=True))
    pairs = set(zip(map(outline_of.get, heads), map(last.get, tails), strict=True))
    return not any(label in _LABEL.findall(outline or b"") for outline, label in pairs)


def _outlines(texts: Collection[bytes], end: bytes, names: frozenset[bytes]) -> list[bytes] | None:
    """Return each text with one quote for each value; None if one is not plain, is misnamed or repeats a label.

    Cut at its quotes, every other piece is the inside of a value. A line feed is in none of the texts; so if all
    of those put between them are found outside values, each text has closed its quotes.

    Args:
        texts: series, perhaps without an end that is common to all.
        end: that end, and a line feed.
        names: the names they may have.
    """
    joined = end.join(texts) + end
    if b"\\" in joined or not _is_utf8(joined):
        return None
    outlines = b'"'.join(joined.split(b'"')[::2]).split(b"\n")
    if outlines.pop() or len(outlines) != len(texts):
        return None
    for outline in set(outlines):
        match = _OUTLINE.fullmatch(outline)
        labels = _LABEL.findall(outline)
        if match is None or match[1] not in names or len(set(labels)) < len(labels):
            return None
    return outlines


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
