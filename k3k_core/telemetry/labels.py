"""Series as a page spells them: a name, and labels in braces.

The grammar is the one that `prometheus_client` reads: the text format 0.0.4 and OpenMetrics 1.0, with UTF-8 names
in quotes as Prometheus 3 writes them (`{"my.name","my label"="x"}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL_NAME = rb"(?!__)[a-zA-Z_:][a-zA-Z0-9_:]*+"
METRIC_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*+"
VALUE = rb'"[^"\\\n]*+"'
_LABEL = rb"%b=%b" % (LABEL_NAME, VALUE)
# What all but a few series look like: nothing escaped, no white space outside values, no name in quotes.
PLAIN_SERIES = re.compile(rb"(%b)(?:\{%b(?:,%b)*+\})?+" % (METRIC_NAME, _LABEL, _LABEL))
PLAIN_PAIR = re.compile(r'([^{,="]+)="([^"]*)"')


def seeker(characters: str) -> re.Pattern[str]:
    """Return the pattern with which `find_unquoted` looks for any of some characters."""
    quoted = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<closed>"?)'
    return re.compile(rf'\\+"?|{quoted}|[{re.escape(characters)}]', re.DOTALL)


OPENING_BRACE = seeker("{")
CLOSING_BRACE = seeker("}")
_END_OF_NAME = seeker("=,}")
_END_OF_TERM = seeker(",}")
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LEGACY_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\n?")
_RESERVED = re.compile(r"__.*\n?")
_ESCAPE = re.compile(r'\\[\\n"]')
_UNESCAPED = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def parse_series(text: bytes) -> tuple[str, dict[str, str]]:
    """Split a series into its name and its labels.

    Args:
        text: such as `b'up{job="x"}'`, without value; UTF-8 names in quotes (OpenMetrics 1.0, Prometheus 3) too.

    Returns:
        the name, and the labels in the order of the text.

    Raises:
        ValueError: it is malformed, names a label twice or names none of the metric.
    """
    series = text.decode()
    if PLAIN_SERIES.fullmatch(text) is not None:
        name, brace, inside = series.partition("{")
        if not brace:
            return name, {}
        pairs = PLAIN_PAIR.findall(inside)
        labels = dict(pairs)
        if len(labels) == len(pairs):
            return name, labels
        raise ValueError(f"a label is named twice in {series[:200]!r}")
    series = series.strip()
    start = find_unquoted(OPENING_BRACE, series)
    if start < 0:
        if not is_legacy_name(series):
            raise ValueError(f"not a series: {series[:200]!r}")
        return series, {}
    end = find_unquoted(CLOSING_BRACE, series, start)
    if end != len(series) - 1:
        raise ValueError(f"not a series: {series[:200]!r}")
    return named(series[:start].strip(), parse_labels(series[start + 1 : end], strict=False))


def spell_series(name: str, labels: Mapping[str, str]) -> bytes:
    """Write a series in its usual form; `parse_series` reads it back.

    Args:
        name: name of the sample.
        labels: its labels; their order is kept.
    """
    plain = is_plain_name(name)
    terms = [] if plain else [_quote(name)]
    for label, value in labels.items():
        terms.append(f"{label if is_plain_name(label) else _quote(label)}={_quote(value)}")
    head = name if plain else ""
    return (f"{head}{{{','.join(terms)}}}" if terms else head).encode()


def parse_labels(text: str, *, strict: bool) -> dict[str, str]:
    """Read what stands between the braces of a series.

    Args:
        text: without the braces.
        strict: refuse empty terms and a leading comma, as OpenMetrics does; the text format skips them.

    Returns:
        labels in order; a metric's name in quotes comes under `__name__`.

    Raises:
        ValueError: it is malformed, or a label is named twice.
    """
    text = text.strip()
    if strict and text.startswith(","):
        raise ValueError("labels begin with a comma")
    labels: dict[str, str] = {}
    position, end = 0, len(text)
    while position < end:
        if text[position] == ",":
            position += 1
            if position < end and text[position] == ",":
                raise ValueError("two commas between labels")
        name, term, position = _next_term(text, position)
        if not term.strip():
            if strict or (position < end and text[position] == "}"):
                raise ValueError("an empty label")
            continue
        label = _label_name(name)
        if label in labels:
            raise ValueError(f"label {label[:100]!r} is named twice")
        labels[label] = _label_value(term.strip())
    return labels


def named(name: str, labels: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the name and the labels of a series whose name may stand among its labels, in quotes.

    Raises:
        ValueError: it has no name, or two.
    """
    if not name:
        if "__name__" not in labels:
            raise ValueError("a series without a name")
        name = labels.pop("__name__")
        if not name:
            raise ValueError("a series with an empty name")
    elif "__name__" in labels:
        raise ValueError("a series with two names")
    return name, labels


def find_unquoted(pattern: re.Pattern[str], text: str, start: int = 0) -> int:
    """Return where a character first stands outside quotes, -1 when it does nowhere.

    A quote after an odd number of backslashes is none.

    Args:
        pattern: of `seeker`.
        text: what to search.
        start: where to begin, outside quotes.
    """
    while (match := pattern.search(text, start)) is not None:
        token = match[0]
        if token[0] == "\\":
            opens = token[-1] == '"' and len(token) % 2 == 1
            start = match.end() - opens
        elif token[0] == '"':
            if not match["closed"]:
                return -1
            start = match.end()
        else:
            return match.start()
    return -1


def unquote(text: str) -> tuple[str, bool]:
    """Return a name without its quotes and escapes, and whether it had quotes.

    Raises:
        ValueError: the closing quote is missing, or there are only blanks.
    """
    if not text:
        return text, False
    text = text.strip()
    quoted = text.startswith('"')
    if not text or (quoted and (len(text) == 1 or text[-1] != '"')):
        raise ValueError("a name without its closing quote")
    return unescape(text[1:-1] if quoted else text), quoted


def unescape(text: str) -> str:
    """Resolve the escapes of a label value; any other backslash stands for itself."""
    return _ESCAPE.sub(lambda escape: _UNESCAPED[escape[0]], text) if "\\" in text else text


def is_legacy_name(name: str) -> bool:
    """Tell whether a name may stand without quotes; one line feed at its end is tolerated as the reference does."""
    return _LEGACY_NAME.fullmatch(name) is not None


def is_plain_name(name: str) -> bool:
    """Tell whether a name may stand without quotes."""
    return is_legacy_name(name) and not name.endswith("\n")


def _next_term(text: str, position: int) -> tuple[str, str, int]:
    cut = find_unquoted(_END_OF_NAME, text, position)
    name = "__name__"
    if cut >= 0 and text[cut] == "=":
        name, position = text[position:cut], cut + 1
        cut = find_unquoted(_END_OF_TERM, text, position)
    end = len(text) if cut < 0 else cut
    return name, text[position:end], end


def _label_name(text: str) -> str:
    label, quoted = unquote(text)
    if not quoted and not is_legacy_name(label):
        raise ValueError(f"not the name of a label: {text[:100]!r}")
    if label != "__name__" and _RESERVED.fullmatch(label):
        raise ValueError(f"a reserved name of a label: {text[:100]!r}")
    return label


def _label_value(text: str) -> str:
    if _QUOTED.fullmatch(text) is None:
        raise ValueError(f"not the value of a label: {text[:100]!r}")
    return unescape(text[1:-1])


def _quote(text: str) -> str:
    return f'"{text.translate(_ESCAPED)}"'
