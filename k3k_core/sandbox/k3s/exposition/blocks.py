"""gzip of pages most of which does not change: what is fixed is compressed once.

A DEFLATE stream may be cut at a full flush (RFC 1951, https://www.zlib.net/manual.html): the parts before and after
do not refer to each other, so a part that was compressed earlier can stand between parts compressed now.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Fixed:
    """Text that is the same on every page.

    Attributes:
        text: as it stands on the page.
        deflated: compressed, cut off from what is before and after it.
    """

    text: bytes
    deflated: bytes

    @classmethod
    def of(cls, text: bytes) -> Fixed:
        """Compress a text."""
        return cls(text, _deflate(zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS), text))


def _deflate(stream: zlib._Compress, text: bytes) -> bytes:
    return stream.compress(text) + stream.flush(zlib.Z_FULL_FLUSH)


def compress(blocks: Sequence[Fixed | bytes]) -> bytes:
    """Return one gzip member with the blocks in turn.

    Args:
        blocks: fixed ones, and texts of this page alone.
    """
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    out = [_HEADER]
    crc, size = 0, 0
    for block in blocks:
        if isinstance(block, Fixed):
            text = block.text
            out.append(block.deflated)
        else:
            text = block
            out.append(_deflate(stream, text))
        crc = zlib.crc32(text, crc)
        size += len(text)
    out += [stream.flush(zlib.Z_FINISH), struct.pack("<II", crc, size & 0xFFFFFFFF)]
    return b"".join(out)


def plain(blocks: Sequence[Fixed | bytes]) -> bytes:
    """Return the blocks' text.

    Args:
        blocks: as for `compress`.
    """
    return b"".join(block.text if isinstance(block, Fixed) else block for block in blocks)
