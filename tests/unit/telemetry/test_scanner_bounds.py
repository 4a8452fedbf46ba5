"""Whatever comes, a scanner takes a bounded amount of it: compressed streams, limits, memory."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import count, islice

import pytest

from k3k_core.errors import PageError
from k3k_core.telemetry.scanner import LayoutTable, ScanLimits, Scanner, inflate, scan

PAGE = b"# TYPE a gauge\na 1\n"
MEBIBYTE = 1024 * 1024


def test_gzip_is_known_by_its_first_bytes() -> None:
    compressed = gzip.compress(PAGE)

    assert scan(compressed, {"a"}).families.keys() == {"a"}
    assert scan(([b"", *(compressed[at : at + 1] for at in range(len(compressed)))]), {"a"}).size == len(PAGE)


@pytest.mark.usefixtures("library")
def test_several_gzip_members_are_one_page() -> None:
    compressed = gzip.compress(PAGE) + gzip.compress(b"a 2\n")

    assert list(scan(compressed, {"a"}).families["a"].values) == [1.0, 2.0]


@pytest.mark.usefixtures("library")
def test_zeros_after_gzip_data_are_tolerated() -> None:
    assert scan(gzip.compress(PAGE) + b"\0" * 512, {"a"}).size == len(PAGE)


@pytest.fixture(params=["zlib", "zlib_ng.zlib_ng"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decompress with either library."""
    monkeypatch.setattr(inflate, "LIBRARY", pytest.importorskip(request.param))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(PAGE)[:-1], "cut off"),
        (gzip.compress(PAGE)[:15], "cut off"),
        (b"", "cut off"),
        (gzip.compress(PAGE) + b"trailing", "not gzip"),
        (gzip.compress(PAGE)[:-8] + b"\0" * 8, "no valid gzip"),
        (PAGE, "no valid gzip"),
        (zlib.compress(PAGE), "no valid gzip"),
        (gzip.compress(b"") * 1000, "members"),
    ],
    ids=[
        "without its last byte",
        "half",
        "empty",
        "garbage after it",
        "wrong sum",
        "plain",
        "zlib",
        "members",
    ],
)
def test_what_is_not_one_whole_gzip_stream_is_refused(data: bytes, reason: str, size: int) -> None:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    with pytest.raises(PageError, match=reason):
        scan(pieces, {"a"}, gzip=True)


def test_a_gzip_bomb_is_refused_when_it_has_made_as_much_as_is_allowed() -> None:
    bomb = gzip.compress(b"b 1\n" * (16 * MEBIBYTE))

    with pytest.raises(PageError, match="larger than"):
        scan(bomb, {"a"}, limits=ScanLimits(page_bytes=MEBIBYTE))


def test_steps_of_a_gzip_bomb_are_small() -> None:
    scanner = Scanner({"a"}, gzip=True)
    bomb = gzip.compress(b"# TYPE b gauge\n" + b"b 1\n" * 500_000)
    assert len(bomb) < 10_000

    assert sum(1 for _ in scanner.steps(bomb)) >= 2_000_000 / (256 * 1024)


@pytest.mark.parametrize("size", [100, 1_000_000])
@pytest.mark.parametrize(
    "text",
    [
        b"# TYPE b gauge\n" + b"b" * 1001,
        b"b 1\n" + b"b" * 1001 + b" 1\nb 2\n",
        b"# " + b"x" * 1000 + b"\na 1\n",
    ],
)
def test_a_line_that_is_too_long_is_refused_wherever_it_stands(text: bytes, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    with pytest.raises(PageError, match="longer than 1000 bytes"):
        scan(pieces, {"a"}, limits=ScanLimits(line_bytes=1000))


def test_a_line_may_be_as_long_as_is_allowed() -> None:
    line = b'a{x="' + b"y" * 991 + b'"} 1'

    page = scan(b"a 1\n" + line + b"\n" + line, {"a"}, limits=ScanLimits(line_bytes=1000))

    assert len(line) == 1000
    assert len(page.families["a"].values) == 3


@pytest.mark.parametrize(
    ("text", "limits", "reason"),
    [
        (b"# TYPE a gauge\n" + b"a 1\n" * 11, ScanLimits(series=10), "10 samples"),
        (b"a 1\n" * 11, ScanLimits(series=10), "10 samples"),
        (b"# TYPE b gauge\n" + b"b 1\n" * 11, ScanLimits(lines=10), "10 lines"),
        (b"\n" * 11, ScanLimits(lines=10), "10 lines"),
        (b"# x\n" * 11, ScanLimits(comments=10), "10 comments"),
        (b"b 1\n" * 11, ScanLimits(page_bytes=40), "40 bytes"),
        (b"a 1 5\n" * 11, ScanLimits(odd_bytes=60), "out of the ordinary"),
    ],
)
def test_a_page_may_have_only_so_much_of_anything(text: bytes, limits: ScanLimits, reason: str) -> None:
    with pytest.raises(PageError, match=reason):
        scan(text, {"a"}, limits=limits)


def endless(line: str) -> Iterator[bytes]:
    """A thousand lines a piece, each with its number for the `@`, without an end."""
    numbers = count()
    while True:
        yield "".join(line.replace("@", f"{number:040}") for number in islice(numbers, 1000)).encode()


@pytest.mark.parametrize(
    ("line", "mebibytes"),
    [
        ('b{x="@"} 1\n', 3),
        ("\n" * 60, 3),
        ("x" * 60, 3),
        ("# HELP b " + "x" * 60 + "\n", 9),
        ("# TYPE b@ gauge\nb@ 1\n", 12),
        ('b@{x="y"} 1\n', 3),
        ("# TYPE a histogram\na {" + "x" * 30 + "\n", 12),
        ('a{x="@"} 1\n', 16),
    ],
    ids=["unwanted", "blank", "one line", "comments", "families", "undeclared", "malformed", "wanted"],
)
def test_an_endless_page_is_refused_with_little_memory_used(line: str, mebibytes: int) -> None:
    limits = ScanLimits(page_bytes=8 * MEBIBYTE, series=20_000)
    table = LayoutTable()
    tracemalloc.start()
    try:
        with pytest.raises(PageError):
            scan(endless(line), {"a"}, limits=limits, layouts=table)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert used < mebibytes * MEBIBYTE


def test_random_bytes_are_refused_or_give_nothing() -> None:
    noise = random.Random(7)
    for _ in range(200):
        data = noise.randbytes(noise.randrange(1, 400))
        try:
            page = scan(data, {"a"})
        except PageError:
            continue
        assert page.families == {}
