"""Cutting a stream of bytes into lines, wherever its pieces end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

LINE_LIMIT = 8 * 2**20


class LineTooLongError(Exception):
    """A line is longer than the limit."""


async def lines(pieces: AsyncIterator[bytes], *, limit: int = LINE_LIMIT) -> AsyncIterator[bytes]:
    """Yield the non-empty lines of a stream without their ends, the unfinished last one too.

    Args:
        pieces: the stream.
        limit: the longest line, bytes.

    Raises:
        LineTooLongError: a line is longer than that.
    """
    started: list[bytes] = []
    size = 0
    async for piece in pieces:
        *finished, rest = piece.split(b"\n")
        for part in finished:
            line = b"".join([*started, part]).strip()
            started, size = [], 0
            if len(line) > limit:
                raise LineTooLongError
            if line:
                yield line
        started.append(rest)
        size += len(rest)
        if size > limit:
            raise LineTooLongError
    line = b"".join(started).strip()
    if line:
        yield line


# Of what a program writes; longer lines are cut.
TEXT_LIMIT = 64 * 2**10


async def text_lines(pieces: AsyncIterator[bytes], *, limit: int = TEXT_LIMIT) -> AsyncIterator[str]:
    """Yield the lines of a text without their ends, blank ones and the unfinished last one too.

    Args:
        pieces: the text; what is not UTF-8 is replaced.
        limit: the longest line, bytes; a longer one is cut into several.
    """
    rest = b""
    async for piece in pieces:
        *finished, rest = (rest + piece).split(b"\n")
        for line in finished:
            for part in _parts(line, limit):
                yield part
        while len(rest) > limit:
            yield _text(rest[:limit])
            rest = rest[limit:]
    if rest:
        yield _text(rest)


def _parts(line: bytes, limit: int) -> Iterator[str]:
    for start in range(0, max(len(line), 1), limit):
        yield _text(line[start : start + limit])


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
