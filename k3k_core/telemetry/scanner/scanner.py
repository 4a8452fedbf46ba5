"""The scanner."""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Collection, Iterable

from k3k_core.errors import PageError
from k3k_core.telemetry.page import Family, Page
from k3k_core.telemetry.scanner.limits import ScanLimits
from k3k_core.telemetry.scanner.table import LayoutTable

_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SUFFIXES = {"histogram": (b"_bucket", b"_sum", b"_count"), "summary": (b"", b"_sum", b"_count")}


class Scanner:
    """Takes a page in pieces of any size and keeps the wanted families.

    Args:
        wanted: names of families, a counter's with its `_total`.
        gzip: whether the bytes are gzipped.
        limits: bounds of the page.
        layouts: what pages share; a private one by default.
    """

    def __init__(
        self,
        wanted: Collection[str],
        *,
        gzip: bool = False,
        limits: ScanLimits = ScanLimits(),  # noqa: B008 - frozen
        layouts: LayoutTable | None = None,
    ) -> None:
        self._wanted = {name.encode(): name for name in wanted}
        self._inflate = zlib.decompressobj(31) if gzip else None
        self._limits = limits
        self._layouts = LayoutTable() if layouts is None else layouts
        self._rest = b""
        self._size = 0
        self._family = b""
        self._kind = "unknown"
        self._found: dict[bytes, tuple[str, list[bytes], array[float]]] = {}

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the page.

        Raises:
            PageError: the page is malformed or larger than the limits allow.
        """
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data)
            except zlib.error as error:
                raise PageError(f"page is not valid gzip: {error}") from error
        self._size += len(data)
        if self._size > self._limits.page_bytes:
            raise PageError(f"page is larger than {self._limits.page_bytes} bytes")
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line.strip())

    def close(self) -> Page:
        """Return what was found.

        Raises:
            PageError: the page is truncated or its last line malformed.
        """
        if self._inflate is not None and not self._inflate.eof:
            raise PageError("page ends within its gzip data")
        self._line(self._rest.strip())
        families = {
            self._wanted[name]: Family(self._wanted[name], kind, self._layouts.layout(series), values)
            for name, (kind, series, values) in self._found.items()
        }
        return Page(families, self._size)

    def _line(self, line: bytes) -> None:
        if line.startswith(b"#"):
            parts = line.split(None, 3)
            if len(parts) == 4 and parts[1] == b"TYPE":
                self._family, self._kind = parts[2], parts[3].decode()
            return
        match = _NAME.match(line)
        if match is None:
            if line:
                raise PageError(f"page has a line that is not a metric: {line[:80]!r}")
            return
        name = match[0]
        allowed = (self._family + suffix for suffix in _SUFFIXES.get(self._kind, (b"",)))
        family, kind = (self._family, self._kind) if name in allowed else (name, "unknown")
        if family not in self._wanted:
            return
        end = line.rfind(b"}") + 1 or len(name)
        _, series, values = self._found.setdefault(family, (kind, [], array("d")))
        try:
            values.append(float(line[end:].split()[0]))
        except (ValueError, IndexError):
            raise PageError(f"page has a sample without a number: {line[:80]!r}") from None
        series.append(line[:end])


def scan(
    data: bytes | Iterable[bytes],
    wanted: Collection[str],
    *,
    gzip: bool | None = None,
    limits: ScanLimits = ScanLimits(),  # noqa: B008 - frozen
    layouts: LayoutTable | None = None,
) -> Page:
    """Scan a whole page.

    Args:
        data: the page, whole or in pieces.
        wanted: names of families.
        gzip: whether it is gzipped; None looks at its first bytes.
        limits: bounds of the page.
        layouts: what pages share; a private one by default.

    Raises:
        PageError: the page is malformed, truncated or larger than the limits allow.
    """
    pieces = iter((data,) if isinstance(data, bytes) else data)
    first = next(pieces, b"")
    scanner = Scanner(
        wanted,
        gzip=first.startswith(b"\x1f\x8b") if gzip is None else gzip,
        limits=limits,
        layouts=layouts,
    )
    scanner.feed(first)
    for piece in pieces:
        scanner.feed(piece)
    return scanner.close()
