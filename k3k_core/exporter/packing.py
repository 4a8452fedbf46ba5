"""Compressing a page in pieces that are kept: what has not changed is not compressed again.

A gzip member is one deflate stream, a CRC-32 of everything and its length (RFC 1952). Deflate streams that end in a
full flush can be put one behind the other (RFC 1951, 3.2.4), and the CRC-32 of two texts follows from theirs: it is
linear, so that appending a text multiplies what was before by a power of x modulo the CRC's polynomial.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

# A fleet's page is so repetitive that a stronger level gains little for its time.
_LEVEL = 1
# Header without name and time, made on an unknown system (RFC 1952, 2.3).
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# An empty last block.
_END = b"\x03\x00"
# Polynomials stand with x^0 in the highest of 32 bits.
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
_BITS_OF_BYTE_AS_POWER = 3


@dataclass(frozen=True, slots=True)
class Packed:
    """A compressed piece of a page.

    Attributes:
        data: deflated, ends at a byte and refers to nothing before it.
        crc: CRC-32 of the piece.
        factor: what the CRC-32 of everything before it is multiplied with.
        size: bytes of the piece.
    """

    data: bytes
    crc: int
    factor: int
    size: int


class Packer:
    """Compresses one piece after another."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)

    def pack(self, piece: bytes) -> Packed:
        """Return a piece, compressed by itself.

        Args:
            piece: of a page.
        """
        data = self._deflate.compress(piece) + self._deflate.flush(zlib.Z_FULL_FLUSH)
        return Packed(data, zlib.crc32(piece), _factor(len(piece)), len(piece))


def gzip_of(pieces: Iterable[Packed]) -> bytes:
    """Return pieces as one gzip member.

    Args:
        pieces: in order.
    """
    parts, crc, size = [_HEADER], 0, 0
    for piece in pieces:
        parts.append(piece.data)
        crc = _times(piece.factor, crc) ^ piece.crc
        size += piece.size
    parts += (_END, struct.pack("<II", crc, size & 0xFFFFFFFF))
    return b"".join(parts)


def _times(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's; `a` is not 0."""
    product, bit = 0, _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _squares() -> tuple[int, ...]:
    """Return x^1, x^2, x^4, x^8 and so on; after 32 of them they come again."""
    powers = [_ONE >> 1]
    while len(powers) < 32:
        powers.append(_times(powers[-1], powers[-1]))
    return tuple(powers)


_POWERS = _squares()


def _factor(size: int) -> int:
    """Return x^(8 * size)."""
    product, power = _ONE, _BITS_OF_BYTE_AS_POWER
    while size:
        if size & 1:
            product = _times(_POWERS[power % 32], product)
        size >>= 1
        power += 1
    return product
