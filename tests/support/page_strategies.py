"""Made-up pages, from usual to hostile, for property tests of the scanner.

All names come from one small set, so that families are prefixes of each other, stand interleaved and come twice, and
so that a test can ask for every name there is.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from hypothesis import strategies as st

BASES = ("a", "ab", "a_bucket", "a_count", "a_total", "b", "b_total", "nan", "x:y", "my.name", 'q"{#} \\')
SUFFIXES = ("", "_bucket", "_sum", "_count", "_total", "_created", "_info", "_gsum", "_gcount")
UNIVERSE = frozenset(base + suffix for base in BASES for suffix in SUFFIXES) | {"na"}
"""Every name that a sample or a family of these pages can have."""

_KINDS = ("counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "gaugehistogram")
_NUMBERS = st.sampled_from(
    [
        "1",
        "0",
        "2.5",
        "1e3",
        "NaN",
        "+Inf",
        "-Inf",
        "-1",
        "inf",
        "Infinity",
        ".5",
        "5.",
        "1e400",
        "+1",
        "999999999999999999999999999999",
        "0x10",
        "1_0",
        "",
        "abc",
        "\N{FULLWIDTH DIGIT ONE}",
        "--1",
    ]
)
_USUAL_NUMBERS = st.sampled_from(["1", "0", "2.5", "17", "1e3", "4"])
_TIMESTAMPS = st.sampled_from(
    ["1", "1234567890123", "1.5", "-1.5", "-0.5", "123.123456789", "1e3", ".5", "1.", "x"]
)
_LABEL_NAMES = st.sampled_from(["x", "le", "quantile", "a", "b_c", "d:e", "my label", "__no", "ü"])
_LABEL_TEXT = st.text(alphabet=' ab#{},="\\\n\té\u2028\x1c01', max_size=5)
_BOUNDS = st.sampled_from(["0.5", "1", "+Inf", "Inf", "NaN"])
_SPACES = st.sampled_from([" "] * 12 + ["  ", "\t", "", "\r", "\v", " \t", "\u00a0"])
_ENDS = st.sampled_from([""] * 20 + [" ", "\r", "\t", " #", " # x", " 5", "\x1c", '"', "}"])
_BEGINNINGS = st.sampled_from([""] * 30 + [" ", "\t", "\u00a0"])
_ODD_LINES = st.sampled_from(
    [
        "",
        "  ",
        "# a comment",
        "#",
        "# HELP",
        "# TYPE",
        "# HELP a",
        "# TYPE a",
        "# TYPE a b",
        "#TYPE a gauge",
        "# TYPE  a  gauge",
        " # TYPE a counter",
        "# TYPE a counter ",
        "#x TYPE b gauge",
        "# TYPE a\tcounter",
        '# TYPE "my.name" gauge',
        '# HELP "my.name" "x',
        "nan",
        "a",
        "a{",
        'a{x="1"',
        "{} 1",
        '{"b"} 2',
        "a{,} 1",
        'a{x="1",,a="2"} 1',
        'a{x="1" a="2"} 1',
        'a{x="1",x="2"} 1',
        "a{x} 1",
        'a{"b"} 1',
        "b 1 # {} 2",
    ]
)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _plain(name: str) -> bool:
    return name.isascii() and name.replace(":", "_").isidentifier()


def series(name: str, labels: Sequence[tuple[str, str]]) -> str:
    """Spell a series, names in quotes where they have to be."""
    terms = [f"{label if _plain(label) else _quoted(label)}={_quoted(value)}" for label, value in labels]
    if not _plain(name):
        return "{" + ",".join([_quoted(name), *terms]) + "}"
    return f"{name}{{{','.join(terms)}}}" if terms else name


@st.composite
def _labels(draw: st.DrawFn, name: str) -> list[tuple[str, str]]:
    labels = draw(st.lists(st.tuples(_LABEL_NAMES, _LABEL_TEXT), max_size=2))
    if name.endswith("_bucket"):
        labels.append(("le", draw(_BOUNDS)))
    return labels


@st.composite
def _exemplars(draw: st.DrawFn) -> str:
    labels = draw(st.lists(st.tuples(_LABEL_NAMES, _LABEL_TEXT), max_size=2))
    terms = ",".join(
        f"{label if _plain(label) else _quoted(label)}={_quoted(value)}" for label, value in labels
    )
    at = draw(st.sampled_from(["", "", " 5", " 1.5"]))
    return f" # {{{terms}}} {draw(_USUAL_NUMBERS)}{at}"


@st.composite
def _samples(draw: st.DrawFn, base: str, *, usual: bool) -> str:
    name = base + draw(st.sampled_from(SUFFIXES))
    text = series(name, draw(_labels(name)))
    if usual:
        return f"{text} {draw(_USUAL_NUMBERS)}"
    timestamp = draw(st.sampled_from(["", "", "", "t"])) and draw(_SPACES) + draw(_TIMESTAMPS)
    exemplar = draw(st.one_of(st.just(""), st.just(""), st.just(""), _exemplars()))
    space = draw(_SPACES) or ("" if text.endswith("}") else " ")
    return f"{draw(_BEGINNINGS)}{text}{space}{draw(_NUMBERS)}{timestamp}{exemplar}{draw(_ENDS)}"


@st.composite
def _blocks(draw: st.DrawFn) -> list[str]:
    """A declaration and what stands below it: samples of any name, mostly its own."""
    base, kind = draw(st.sampled_from(BASES)), draw(st.sampled_from(_KINDS))
    word = base if _plain(base) else _quoted(base)
    lines = draw(
        st.sampled_from(
            [
                [f"# HELP {word} it's a \"x", f"# TYPE {word} {kind}"],
                [f"# TYPE {word} {kind}"],
                [f"# HELP {word} x"],
                [],
            ]
        )
    )
    usual = draw(st.booleans())
    own = st.one_of(st.just(base), st.just(base), st.just(base), st.sampled_from(BASES))
    body = draw(st.lists(own.flatmap(lambda name: _samples(name, usual=usual)), max_size=6))
    if not usual:
        body += draw(st.lists(_ODD_LINES, max_size=1))
    return [*lines, *body]


@st.composite
def text_pages(draw: st.DrawFn) -> str:
    """A page of the text format, most often malformed somewhere or at least odd."""
    lines = [line for block in draw(st.lists(_blocks(), max_size=4)) for line in block]
    if draw(st.integers(0, 9)) == 0:
        lines = draw(st.permutations(lines))
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from([end, end, ""]))


@st.composite
def _metric_families(draw: st.DrawFn) -> list[str]:
    """A family as OpenMetrics wants it, apart from what labels and exemplars may do to it."""
    base = draw(st.sampled_from(BASES))
    kind = draw(st.sampled_from(["counter", "gauge", "histogram", "summary", "info", "stateset", "unknown"]))
    word = base if _plain(base) else _quoted(base)
    lines = [f"# HELP {word} x"] if draw(st.booleans()) else []
    lines.append(f"# TYPE {word} {kind}")
    at = draw(st.sampled_from(["", "", " 1", " 1.5", " 123.123456789"]))
    for number in range(draw(st.integers(1, 3))):
        labels = [("group", str(number)), *draw(st.lists(st.tuples(st.just("x"), _LABEL_TEXT), max_size=1))]
        exemplar = draw(st.one_of(st.just(""), _exemplars()))
        of_kind: dict[str, list[tuple[str, list[tuple[str, str]], str, str]]] = {
            "counter": [("_total", [], "3", exemplar), ("_created", [], "1.5", "")],
            "gauge": [("", [], draw(_USUAL_NUMBERS), "")],
            "unknown": [("", [], "NaN", "")],
            "info": [("_info", [], "1", "")],
            "stateset": [("", [(base, "on")], "1", ""), ("", [(base, "off")], "0", "")],
            "summary": [
                ("", [("quantile", "0.5")], "2", ""),
                ("_count", [], "3", ""),
                ("_sum", [], "4.5", ""),
            ],
            "histogram": [
                ("_bucket", [("le", "1")], "1", exemplar),
                ("_bucket", [("le", "+Inf")], "3", ""),
                ("_count", [], "3", ""),
                ("_sum", [], "4.5", ""),
                ("_created", [], "7", ""),
            ],
        }
        lines += [
            f"{series(base + suffix, labels + more)} {value}{at}{tail}"
            for suffix, more, value, tail in of_kind[kind]
        ]
        if kind == "histogram" and _plain(base) and draw(st.booleans()):
            lines.append(f"{base} {{count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:0}}")
    return lines


@st.composite
def metrics_pages(draw: st.DrawFn) -> str:
    """An OpenMetrics page: as it should be, or with a few lines that should not be there."""
    lines = [line for block in draw(st.lists(_metric_families(), max_size=3)) for line in block]
    for line in draw(st.lists(st.one_of(_ODD_LINES, _samples("a", usual=False)), max_size=1)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return "\n".join([*lines, "# EOF"]) + draw(st.sampled_from(["\n", "\n", "\n", ""]))


@st.composite
def cuts(draw: st.DrawFn, page: bytes) -> list[bytes]:
    """The same bytes in pieces, down to single ones, gzipped or not."""
    data = gzip.compress(page, 1, mtime=0) if draw(st.booleans()) else page
    size = draw(st.sampled_from([1, 2, 3, 7, 64, 4096]))
    return [data[start : start + size] for start in range(0, len(data), size)]
