"""Takes a page in pieces and hands back the wanted families."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from k3k_core.errors import PageError
from k3k_core.telemetry.page import Family, Page
from k3k_core.telemetry.scanner.inflate import PIECE, Inflater
from k3k_core.telemetry.scanner.journal import Journal
from k3k_core.telemetry.scanner.limits import ScanLimits
from k3k_core.telemetry.scanner.openmetrics import read_journal
from k3k_core.telemetry.scanner.reader import PageReader
from k3k_core.telemetry.scanner.table import LayoutTable
from k3k_core.telemetry.scanner.text import TextFormat

_LIMITS = ScanLimits()
_GZIP_MAGIC = b"\x1f\x8b"
_SLACK = 1024 * 1024
_SMALL_PIECE = 16 * 1024


class Scanner:
    """Scans one page that comes in pieces of any size: text format 0.0.4 or OpenMetrics 1.0.

    What is kept at any time is one piece of decompressed page, one line, and the samples of wanted families.

    Args:
        wanted: names of families. A counter is asked for by the name of its samples in both formats.
        gzip: whether the bytes are gzipped.
        limits: bounds of the page.
        layouts: what pages share; a private one by default.
        openmetrics: whether the page is OpenMetrics, as its Content-Type says; None finds out by its `# EOF`.
        previous: the target's page before this one. Its layouts are tried first, which saves time only.
    """

    def __init__(
        self,
        wanted: Collection[str],
        *,
        gzip: bool = False,
        limits: ScanLimits = _LIMITS,
        layouts: LayoutTable | None = None,
        openmetrics: bool | None = None,
        previous: Page | None = None,
    ) -> None:
        self._table = LayoutTable() if layouts is None else layouts
        self._wanted = self._table.wanted(frozenset(wanted))
        self._limits = limits
        self._openmetrics = openmetrics
        self._inflater = Inflater(limits.page_bytes + _SLACK) if gzip else None
        self._journal = None if openmetrics is False else Journal()
        before: Mapping[str, Family] = {} if previous is None else previous.families
        self._text = TextFormat(self._wanted, self._table, before)
        self._reader = PageReader(self._wanted, self._text, self._journal, limits)
        self._rest = b""
        self._size = 0
        self._step = _SMALL_PIECE
        self._failure: PageError | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the page.

        Raises:
            PageError: the page is damaged, malformed or larger than the limits allow.
        """
        for _ in self.steps(data):
            pass

    def steps(self, data: bytes) -> Iterator[None]:
        """Take the next bytes of the page in steps of bounded work, so that others may run between them.

        A few compressed bytes may stand for a very large page. The iterator must be used up before anything else
        is done with the scanner.

        Raises:
            PageError: the page is damaged, malformed or larger than the limits allow.
        """
        if self._failure is not None:
            raise self._failure
        try:
            for piece in self._pieces(data):
                start = 0
                while start < len(piece):
                    end = start + self._step
                    self._read_step(piece[start:end])
                    start = end
                    yield
        except PageError as failure:
            self._failure = failure
            raise

    def close(self) -> Page:
        """Return the page when all of it was fed. A page without any bytes has no families.

        Raises:
            PageError: the page is cut off or malformed.
        """
        if self._failure is not None:
            raise self._failure
        if self._inflater is not None:
            self._inflater.finish()
        if self._rest:
            self._reader.read(self._rest + b"\n", len(self._rest) + 1)
        journal = self._journal
        if journal is not None and (journal.ended or self._openmetrics):
            return Page(read_journal(journal, self._wanted, self._table), self._size)
        return Page(self._reader.families(), self._size)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is not None:
            return self._inflater.pieces(data)
        if len(data) <= PIECE:
            return iter((data,))
        return (data[start : start + PIECE] for start in range(0, len(data), PIECE))

    def _read_step(self, piece: bytes) -> None:
        """Read a piece; the next one will be small if many lines had to be read one by one."""
        before = self._reader.singly
        self._read(piece)
        if self._reader.singly - before > _SMALL_PIECE // 2:
            self._step = _SMALL_PIECE
        elif len(piece) >= _SMALL_PIECE:
            self._step = PIECE

    def _read(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limits.page_bytes:
            raise PageError(f"the page is larger than {self._limits.page_bytes} bytes")
        end = piece.rfind(b"\n") + 1
        data = self._rest + piece if self._rest else piece
        end = end and end + len(data) - len(piece)
        self._check_lines(data, end)
        if end:
            self._reader.read(data, end)
        self._rest = data[end:]

    def _check_lines(self, data: bytes, end: int) -> None:
        """Refuse a line that is too long, whole or not: from the start of one line to the end of the last that fits."""
        start, longest = 0, self._limits.line_bytes
        while len(data) - start > longest:
            after = data.rfind(b"\n", start, min(start + longest + 1, end)) + 1
            if not after:
                line = self._reader.line + 1 + data.count(b"\n", 0, start)
                raise PageError(f"line {line} of the page is longer than {longest} bytes", line=line)
            start = after


def scan(
    data: bytes | Iterable[bytes],
    wanted: Collection[str],
    *,
    gzip: bool | None = None,
    limits: ScanLimits = _LIMITS,
    layouts: LayoutTable | None = None,
    openmetrics: bool | None = None,
    previous: Page | None = None,
) -> Page:
    """Scan a whole page.

    Args:
        data: the page, whole or in pieces.
        wanted: names of families. A counter is asked for by the name of its samples in both formats.
        gzip: whether it is gzipped; None looks at its first bytes.
        limits: bounds of the page.
        layouts: what pages share; a private one by default.
        openmetrics: whether the page is OpenMetrics; None finds out by its `# EOF`.
        previous: the target's page before this one, to save time.

    Raises:
        PageError: the page is damaged, malformed or larger than the limits allow.
    """
    pieces = iter((data,) if isinstance(data, bytes) else data)
    first = b""
    while len(first) < len(_GZIP_MAGIC) and (piece := next(pieces, None)) is not None:
        first += piece
    scanner = Scanner(
        wanted,
        gzip=first.startswith(_GZIP_MAGIC) if gzip is None else gzip,
        limits=limits,
        layouts=layouts,
        openmetrics=openmetrics,
        previous=previous,
    )
    scanner.feed(first)
    for piece in pieces:
        scanner.feed(piece)
    return scanner.close()
