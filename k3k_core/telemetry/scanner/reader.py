"""Goes through a page: from comment to comment, and all lines between two of them at once where that is safe."""

from __future__ import annotations

import re
from io import BytesIO

from k3k_core.errors import PageError
from k3k_core.telemetry.labels import METRIC_NAME
from k3k_core.telemetry.page import Family
from k3k_core.telemetry.scanner.journal import Journal, Samples, What
from k3k_core.telemetry.scanner.limits import ScanLimits
from k3k_core.telemetry.scanner.plan import Plan, Wanted
from k3k_core.telemetry.scanner.text import TextFormat

_QUICK_NAME = re.compile(rb"([a-zA-Z_:][a-zA-Z0-9_:]*+)[{ \t]")
_PLAIN_HELP = re.compile(rb"# HELP %b " % METRIC_NAME)
_SHOWN = 60
_REASON = 160
_KEPT = 4096
_HELP = b"# HELP "
_TYPE = b"# TYPE "
_END = b"# EOF"
_LINE_FEED = 10
_WHITE = frozenset(b"\t\v\f\r \x1c\x1d\x1e\x1f") | frozenset(range(128, 256))


class PageReader:
    """Reads whole lines.

    Args:
        wanted: what is wanted.
        text: takes declarations and samples.
        journal: notes them for an OpenMetrics reader; None when the page is known not to be OpenMetrics.
        limits: bounds of the page.
    """

    def __init__(self, wanted: Wanted, text: TextFormat, journal: Journal | None, limits: ScanLimits) -> None:
        self.line = 0
        # Bytes of lines that were read one by one, which takes long.
        self.singly = 0
        # Why it cannot be the text format, while it may still be OpenMetrics.
        self._not_text: PageError | None = None
        self._wanted = wanted
        self._text = text
        self._journal = journal
        self._limits = limits
        self._samples = 0
        self._odd_bytes = 0
        self._comments = 0

    def read(self, data: bytes, end: int) -> None:
        """Read the lines of `data` up to `end`, where a line ends.

        Raises:
            PageError: a line that matters is malformed, or a limit was crossed.
        """
        position = 0
        while position < end:
            mark = _next_comment(data, position, end)
            if mark > position:
                self._read_samples(data[position:mark])
            position = self._read_comment(data, mark, end) if mark < end else end
            if self.line > self._limits.lines:
                raise PageError(f"the page has more than {self._limits.lines} lines", line=self.line)

    def families(self) -> dict[str, Family]:
        """Return the wanted families as the text format has them, when the whole page was read.

        Raises:
            PageError: a sample, or the last declaration, is malformed.
        """
        if self._not_text is not None:
            raise self._not_text
        try:
            return self._text.families()
        except ValueError as error:
            raise self._failure(error) from None

    def _read_comment(self, data: bytes, start: int, limit: int) -> int:
        """Take a comment line, or the two that declare a family; returns where the next line begins."""
        self._comments += 1
        if self._comments > self._limits.comments:
            raise PageError(f"the page has more than {self._limits.comments} comments", line=self.line + 1)
        end = data.find(b"\n", start) + 1
        if end < limit and data.startswith(_TYPE, end) and data.startswith(_HELP, start):
            after = data.find(b"\n", end) + 1
            plan = self._wanted.declared(data[end + len(_TYPE) : after - 1])
            if plan is not None and data.startswith(plan.help_head, start) and not self._is_current(plan):
                self._declare(plan)
                if self._journal is not None:
                    self._journal.note(self.line + 1, "declaration", plan.declaration)
                self.line += 2
                return after
        self.line += 1
        line = data[start:end]
        plan = self._wanted.declared(line[len(_TYPE) : -1]) if line.startswith(_TYPE) else None
        if plan is not None and not self._is_current(plan):
            self._declare(plan)
            self._note("comment", line)
        else:
            self._read_odd_comment(line)
        return end

    def _is_current(self, plan: Plan) -> bool:
        return self._text.plan.name == plan.name and self._text.open

    def _declare(self, plan: Plan) -> None:
        if self._text.plan.skip:
            self._text.begin(plan)
            return
        try:
            self._text.declare(plan)
        except ValueError as error:
            raise self._failure(error) from None

    def _read_odd_comment(self, line: bytes) -> None:
        if (help_line := _PLAIN_HELP.match(line)) is not None:
            # What it says does not matter, not even whether it is UTF-8.
            line = help_line[0] + b".\n"
        try:
            self._text.comment(line)
        except ValueError as error:
            raise self._failure(error, line) from None
        if self._journal is None:
            return
        if line.rstrip(b"\n") == _END and not self._journal.ended:
            self._journal.ended = True
        elif line.startswith(b"#"):
            self._note("comment", line[:_KEPT])
        else:
            self._journal.refuse(self.line, "white space before a comment")

    def _read_samples(self, piece: bytes) -> None:
        """Take the lines between two comments, or as many of them as are there yet."""
        text = self._text
        plan = text.plan
        if plan.skip:
            count = len(piece) - len(piece.replace(b"\n", b""))
            if piece.count(plan.line_head) + piece.startswith(plan.head) == count:
                if self._journal is not None:
                    self._journal.note(self.line, "skipped")
                self.line += count
                return
        lines = BytesIO(piece).readlines()
        if plan.keep and text.open:
            taken = text.gathered(plan.name).take(lines, len(piece), plan)
            if taken is not None:
                self._note("samples", taken)
                self.line += len(lines)
                self._count(len(lines))
                return
        self.singly += len(piece)
        for line in lines:
            self.line += 1
            if not self._pass_over(line):
                self._read_line(line)

    def _pass_over(self, line: bytes) -> bool:
        """Tell whether a sample line cannot be wanted: it ends the current family if it is not of it."""
        text = self._text
        plan = text.plan
        if plan.skip and line.startswith(plan.head):
            self._note("skipped")
            return True
        match = _QUICK_NAME.match(line) if self._wanted.plain else None
        if match is None or match[1] in self._wanted.encoded or match[1] in plan.matters:
            return False
        if match[1] not in plan.allowed:
            try:
                text.foreign()
            except ValueError as error:
                raise self._failure(error, line) from None
        if plan.kind == "histogram" and b" {" in line:
            # A native histogram of OpenMetrics does not end the family, whatever its name.
            self._count(1)
            self._note("sample", line)
        else:
            self._note("skipped" if match[1] in plan.in_metrics else "foreign")
        return True

    def _read_line(self, line: bytes) -> None:
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as error:
            raise self._failure(error, line) from None
        if not text:
            if self._journal is not None:
                self._journal.refuse(self.line, "a blank line")
            return
        try:
            self._text.sample(text)
        except ValueError as error:
            failure = self._failure(error, line)
            # Only native histograms and quotes can make a line good OpenMetrics that is no good text.
            if self._journal is None or not (b"{" in line or b'"' in line):
                raise failure from None
            self._not_text = self._not_text or failure
        self._count(1)
        self._note("sample", line)
        self._odd_bytes += len(line)
        if self._odd_bytes > self._limits.odd_bytes:
            reason = f"the page has more than {self._limits.odd_bytes} bytes of samples out of the ordinary"
            raise PageError(reason, line=self.line)

    def _count(self, samples: int) -> None:
        self._samples += samples
        if self._samples > self._limits.series:
            raise PageError(
                f"the page has more than {self._limits.series} samples of the families asked for",
                line=self.line,
            )

    def _note(self, what: What, content: Samples | bytes | None = None) -> None:
        if self._journal is not None:
            self._journal.note(self.line, what, content)

    def _failure(self, error: ValueError, line: bytes = b"") -> PageError:
        return line_error(error, self.line, line)


def line_error(error: ValueError, number: int, line: bytes = b"") -> PageError:
    """Return the error for a line that cannot be read.

    Args:
        error: why.
        number: number of the line.
        line: the line itself, of which only the beginning is shown.
    """
    reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:_REASON]
    shown = f", {line[:_SHOWN].decode(errors='replace').strip()!r}," if line.strip() else ""
    return PageError(f"line {number} of the page{shown} cannot be read: {reason}", line=number)


def _next_comment(data: bytes, start: int, end: int) -> int:
    """Return where the next comment line begins, `end` when there is none.

    Looking for the sign alone is many times faster than looking for a line feed before it.
    """
    at = data.find(b"#", start, end)
    while at > start:
        before = data[at - 1]
        if before == _LINE_FEED:
            return at
        if before in _WHITE:
            begin = max(data.rfind(b"\n", start, at) + 1, start)
            if not data[begin:at].decode(errors="replace").strip():
                return begin
        at = data.find(b"#", data.find(b"\n", at), end)
    return end if at < 0 else at
