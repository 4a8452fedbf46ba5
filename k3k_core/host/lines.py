"""Cutting a stream of bytes into lines, wherever its pieces end."""

from __future__ import annotations

from collections.abc import AsyncIterator

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
