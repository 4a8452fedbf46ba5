"""Files of bbolt, the storage of etcd: buckets of sorted keys in a tree of pages, read and written whole.

Of a file that etcd wrote everything is understood; what is written here is as small as bbolt itself would make it, in
one go. The format is that of https://github.com/etcd-io/bbolt (internal/common: page, meta, inode, bucket), with
integers in little-endian order, as on every machine that k3s runs on.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from k3k_core.errors import K3kError

Item = tuple[bytes, bytes]

_PAGE_SIZE = 4096
_MAGIC = 0xED0CDAED
_VERSION = 2
# id, flags, count, overflow
_PAGE = struct.Struct("<QHHI")
_BRANCH, _LEAF, _META, _FREELIST = 0x01, 0x02, 0x04, 0x10
# flags, position, size of the key, size of the value; the position counts from the element itself
_LEAF_ELEMENT = struct.Struct("<IIII")
# position, size of the key, page
_BRANCH_ELEMENT = struct.Struct("<IIQ")
_IS_BUCKET = 0x01
# root page, sequence
_BUCKET = struct.Struct("<QQ")
# magic, version, page size, flags, root page, sequence, free list, pages, transaction; then a checksum
_META_FIELDS = struct.Struct("<IIIIQQQQQ")
_CHECKSUM = struct.Struct("<Q")
# What is left of a page is for keys that bbolt puts in later.
_FILL = _PAGE_SIZE // 2
_MOST_ELEMENTS = 0xFFFF
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class BoltFile:
    """An open file of bbolt.

    Attributes:
        data: its bytes.
        page_size: of its pages.
        root: the page of the tree of buckets.
        name: of the file, for messages.
    """

    data: mmap.mmap
    page_size: int
    root: int
    name: str

    def bucket(self, name: bytes) -> Iterator[Item]:
        """Yield the keys and values of a bucket, ordered by key; nothing for one that is not there.

        Args:
            name: of a bucket at the top.

        Raises:
            K3kError: the file is damaged.
        """
        with _damage(self.name):
            for flags, key, value in self._leaves(self._page(self.root), 0):
                if key == name and flags & _IS_BUCKET:
                    root, _sequence = _BUCKET.unpack_from(value)
                    # A small bucket has its only page right behind its own entry.
                    page = self._page(root) if root else value[_BUCKET.size :]
                    yield from ((each, content) for _, each, content in self._leaves(page, 0))
                    return

    def _page(self, number: int) -> bytes:
        start = number * self.page_size
        _, _, _, overflow = _PAGE.unpack_from(self.data, start)
        return self.data[start : start + (overflow + 1) * self.page_size]

    def _leaves(self, page: bytes, depth: int) -> Iterator[tuple[int, bytes, bytes]]:
        _, flags, count, _ = _PAGE.unpack_from(page)
        if depth > _DEEPEST or not flags & (_LEAF | _BRANCH):
            raise ValueError("a page is not what it should be")
        for index in range(count):
            if flags & _BRANCH:
                _, _, child = _BRANCH_ELEMENT.unpack_from(page, _PAGE.size + index * _BRANCH_ELEMENT.size)
                yield from self._leaves(self._page(child), depth + 1)
                continue
            start = _PAGE.size + index * _LEAF_ELEMENT.size
            kind, position, key_size, value_size = _LEAF_ELEMENT.unpack_from(page, start)
            key_at = start + position
            value_at = key_at + key_size
            if value_at + value_size > len(page):
                raise ValueError("an element reaches beyond its page")
            yield kind, page[key_at:value_at], page[value_at : value_at + value_size]


@contextmanager
def open_bolt(path: Path) -> Iterator[BoltFile]:
    """Open a file of bbolt for reading, for the time of a block.

    Args:
        path: of the file; what follows its last page does no harm.

    Raises:
        K3kError: it cannot be opened, or is no such file.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise K3kError(f"{path} cannot be read: {error.strerror}", hint="Name another file.") from None
    with stream, _damage(str(path)), mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        page_size, root = _newest_meta(data)
        yield BoltFile(data, page_size, root, str(path))


def bolt_bytes(buckets: Mapping[bytes, Sequence[Item]]) -> bytes:
    """Return a file of bbolt.

    Args:
        buckets: the keys and values of each, ordered by key.
    """
    pages = _Pages()
    top: list[tuple[int, bytes, bytes]] = []
    for name, items in sorted(buckets.items()):
        root = pages.tree([(0, key, value) for key, value in items])
        top.append((_IS_BUCKET, name, _BUCKET.pack(root, 0)))
    root = pages.tree(top)
    return pages.finished(root)


class _Pages:
    """The pages of a new file. The first two tell where everything is, the third lists what is free: nothing."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._next = 3

    def tree(self, items: Sequence[tuple[int, bytes, bytes]]) -> int:
        """Write the pages of a tree and return the number of its root."""
        level = [
            (each[0][1] if each else b"", self._add(_LEAF, _leaf(each), len(each))) for each in _split(items)
        ]
        while len(level) > 1:
            level = [(part[0][0], self._add(_BRANCH, _branch(part), len(part))) for part in _groups(level)]
        return level[0][1]

    def finished(self, root: int) -> bytes:
        """Return the whole file."""
        freelist = _page(2, _FREELIST, 0, b"")
        return b"".join([self._meta(0, root), self._meta(1, root), freelist, *self._written])

    def _add(self, flags: int, body: bytes, count: int) -> int:
        number = self._next
        page = _page(number, flags, count, body)
        self._written.append(page)
        self._next += len(page) // _PAGE_SIZE
        return number

    def _meta(self, number: int, root: int) -> bytes:
        fields = _META_FIELDS.pack(_MAGIC, _VERSION, _PAGE_SIZE, 0, root, 0, 2, self._next, number)
        return _page(number, _META, 0, fields + _CHECKSUM.pack(_fnv(fields)))


def _page(number: int, flags: int, count: int, body: bytes) -> bytes:
    size = _PAGE.size + len(body)
    pages = -(-size // _PAGE_SIZE)
    head = _PAGE.pack(number, flags, count, pages - 1)
    return (head + body).ljust(pages * _PAGE_SIZE, b"\0")


def _leaf(items: Sequence[tuple[int, bytes, bytes]]) -> bytes:
    elements, contents = bytearray(), bytearray()
    table = len(items) * _LEAF_ELEMENT.size
    for index, (flags, key, value) in enumerate(items):
        position = table - index * _LEAF_ELEMENT.size + len(contents)
        elements += _LEAF_ELEMENT.pack(flags, position, len(key), len(value))
        contents += key + value
    return bytes(elements + contents)


def _branch(children: Sequence[tuple[bytes, int]]) -> bytes:
    elements, keys = bytearray(), bytearray()
    table = len(children) * _BRANCH_ELEMENT.size
    for index, (key, number) in enumerate(children):
        elements += _BRANCH_ELEMENT.pack(table - index * _BRANCH_ELEMENT.size + len(keys), len(key), number)
        keys += key
    return bytes(elements + keys)


def _split(items: Sequence[tuple[int, bytes, bytes]]) -> Iterator[Sequence[tuple[int, bytes, bytes]]]:
    """Yield the items of each leaf; at least one leaf, an empty one for nothing."""
    first, size = 0, _PAGE.size
    for index, (_, key, value) in enumerate(items):
        needed = _LEAF_ELEMENT.size + len(key) + len(value)
        if index > first and (size + needed > _FILL or index - first >= _MOST_ELEMENTS):
            yield items[first:index]
            first, size = index, _PAGE.size
        size += needed
    yield items[first:]


def _groups(level: Sequence[tuple[bytes, int]]) -> Iterator[Sequence[tuple[bytes, int]]]:
    """Yield the children of each branch page; every branch has two at least, so that the tree gets narrower."""
    first, size = 0, _PAGE.size
    for index, (key, _) in enumerate(level):
        needed = _BRANCH_ELEMENT.size + len(key)
        if index - first >= 2 and size + needed > _FILL and len(level) - index >= 2:
            yield level[first:index]
            first, size = index, _PAGE.size
        size += needed
    yield level[first:]


def _newest_meta(data: mmap.mmap) -> tuple[int, int]:
    """Return the page size and the root page by the newer of the two pages that are whole."""
    found: list[tuple[int, int, int]] = []
    # The second stands a page further, whose size only the first one tells.
    for start in (0, *(1 << shift for shift in range(9, 17))):
        fields = data[start + _PAGE.size : start + _PAGE.size + _META_FIELDS.size + _CHECKSUM.size]
        if len(fields) < _META_FIELDS.size + _CHECKSUM.size:
            break
        magic, version, page_size, _, root, _, _, _, transaction = _META_FIELDS.unpack_from(fields)
        (checksum,) = _CHECKSUM.unpack_from(fields, _META_FIELDS.size)
        if (magic, version) == (_MAGIC, _VERSION) and checksum == _fnv(fields[: _META_FIELDS.size]):
            found.append((transaction, page_size, root))
    if not found:
        raise ValueError("no page tells where its contents are")
    _, page_size, root = max(found)
    return page_size, root


def _fnv(data: bytes) -> int:
    """Return the FNV-1a checksum of 64 bits (https://datatracker.ietf.org/doc/html/draft-eastlake-fnv)."""
    result = 0xCBF29CE484222325
    for byte in data:
        result = (result ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return result


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, struct.error, IndexError) as error:
        raise K3kError(
            f"{name} is not a whole etcd database: {error}", hint="Take the snapshot again, or use another."
        ) from None
