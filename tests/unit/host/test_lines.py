"""Cutting a watch's and a log's bytes into lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.host.lines import LineTooLongError, lines, text_lines

T = TypeVar("T")


async def _stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _cut(pieces: Iterable[bytes], limit: int = 100) -> list[bytes]:
    return [line async for line in lines(_stream(pieces), limit=limit)]


def _drive(cutting: Coroutine[None, None, list[T]]) -> list[T]:
    # Nothing in it waits, so it needs no event loop; hypothesis runs it a hundred times.
    with pytest.raises(StopIteration) as finished:
        cutting.send(None)
    result: list[T] = finished.value.value
    return result


@given(st.lists(st.binary(max_size=8)))
def test_where_the_pieces_end_makes_no_difference(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)

    assert _drive(_cut(pieces, 1000)) == [line.strip() for line in whole.split(b"\n") if line.strip()]


async def test_the_unfinished_last_line_is_a_line() -> None:
    assert await _cut([b"one\ntw", b"o"]) == [b"one", b"two"]


async def test_empty_lines_and_carriage_returns_are_left_out() -> None:
    assert await _cut([b"\r\n\none\r\n"]) == [b"one"]


@pytest.mark.parametrize(
    "pieces", [[b"x" * 101 + b"\n"], [b"x" * 60, b"x" * 60], [b"x" * 60, b"x" * 60 + b"\n"]]
)
async def test_a_line_longer_than_the_limit_ends_the_stream(pieces: list[bytes]) -> None:
    with pytest.raises(LineTooLongError):
        await _cut(pieces)


async def _text(pieces: Iterable[bytes], limit: int = 10) -> list[str]:
    return [line async for line in text_lines(_stream(pieces), limit=limit)]


async def test_blank_lines_and_indents_of_a_text_stay() -> None:
    assert await _text([b"one\r\n\n  t", b"wo\nthree"]) == ["one", "", "  two", "three"]


async def test_what_is_not_utf8_is_replaced_wherever_the_pieces_end() -> None:
    assert await _text([b"\xc3", b"\xa4 \xff\n"]) == ["ä \N{REPLACEMENT CHARACTER}"]


async def test_a_text_line_longer_than_the_limit_is_cut_into_several() -> None:
    assert await _text([b"x" * 12 + b"\ny"]) == ["x" * 10, "xx", "y"]
    assert await _text([b"x" * 7, b"x" * 7, b"x" * 7]) == ["x" * 10, "x" * 10, "x"]


@given(st.lists(st.binary(max_size=8)))
def test_no_byte_of_a_text_is_lost_or_doubled(pieces: list[bytes]) -> None:
    whole = b"".join(pieces).replace(b"\r", b"")
    plain = [piece.replace(b"\r", b"") for piece in pieces]
    assert "\n".join(_drive(_text(plain, 1000))) == whole.removesuffix(b"\n").decode("utf-8", "replace")
