"""Checks many series at once that they are well-formed, by the parts they share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from k3k_core.telemetry.labels import LABEL_NAME, PLAIN_SERIES, VALUE

_LAST_LABEL = re.compile(rb"(%b)=%b\}" % (LABEL_NAME, VALUE))
_LABEL_NAMES = re.compile(rb"[{,](%b)=%b" % (LABEL_NAME, VALUE))


def are_plain(series: Sequence[bytes], names: frozenset[bytes]) -> bool:
    """Tell whether all of them are well-formed, with nothing in them that would need a closer look.

    The lines of a histogram differ in their last label alone. So what comes before it is checked once for all
    lines that share it, and so is each last label.

    Args:
        series: as the page spells them.
        names: the names they may have.
    """
    parts = [text.rpartition(b'",') for text in series]
    alone = {text for head, comma, text in parts if not comma}
    heads = {head for head, comma, _ in parts if comma}
    tails = {text for _, comma, text in parts if comma}
    if not _is_utf8(b"\n".join((*alone, *heads, *tails))):
        return False
    if not all(_labels_of(text, names) is not None for text in alone):
        return False
    labels = {head: _labels_of(head + b'"}', names) for head in heads}
    last = {tail: match[1] for tail in tails if (match := _LAST_LABEL.fullmatch(tail))}
    if None in labels.values() or len(last) < len(tails):
        return False
    # Few distinct tuples of labels stand for all heads.
    kinds = {found: number for number, found in enumerate(set(labels.values()))}
    known = list(kinds)
    of_head = {head: kinds[found] for head, found in labels.items()}
    pairs = {(of_head[head], last[tail]) for head, comma, tail in parts if comma}
    return not any(name in (known[number] or ()) for number, name in pairs)


def _labels_of(text: bytes, names: frozenset[bytes]) -> tuple[bytes, ...] | None:
    """Return the names of the labels of a series; None when it is not plain, not one of these, or repeats one."""
    match = PLAIN_SERIES.fullmatch(text)
    if match is None or match[1] not in names:
        return None
    labels = tuple(_LABEL_NAMES.findall(text, match.end(1)))
    return labels if len(set(labels)) == len(labels) else None


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
