"""What the standard streams can show, and how text from elsewhere is made safe to show there."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

Style = Literal["good", "warn", "bad", "dim", "bold", "add", "remove"]

_SGR: dict[Style, str] = {
    "good": "32",
    "warn": "33",
    "bad": "31",
    "dim": "2",
    "bold": "1",
    "add": "32",
    "remove": "31",
}
# C0 and C1 controls, DEL, bidirectional overrides and isolates, line separators, lone surrogates: all of them
# can make a terminal lie about what a name or message says.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def escape(text: str) -> str:
    r"""Return `text` on one line with every control character spelled out, e.g. `\n`, `\e`, `\u202e`.

    Args:
        text: anything that came from a cluster, a file or a command line.
    """
    return UNSAFE.sub(_escape, text)


def escape_lines(text: str) -> str:
    """Like `escape`, but line breaks stay line breaks and tabs become blanks.

    Args:
        text: text of several lines.
    """
    return "\n".join(escape(line.replace("\t", "    ")) for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class Terminal:
    """What one output stream can do.

    Attributes:
        interactive: a person's terminal whose cursor may be moved.
        color: colours may be used.
        glyphs: the encoding has the signs used for ticks and lines.
        width: columns; used only when interactive.
    """

    interactive: bool = False
    color: bool = False
    glyphs: bool = False
    width: int = 80

    def style(self, text: str, style: Style | None) -> str:
        """Return `text` in a colour where colours may be used.

        Args:
            text: already escaped.
            style: meaning of the colour, None for plain.
        """
        if not self.color or style is None or not text:
            return text
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m"


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a closed or missing one is not.

    Args:
        stream: a standard stream.
    """
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def at_a_terminal() -> bool:
    """Return whether a person sits at all three streams; the dashboard draws on the standard error."""
    return all(is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr))


def _can_encode(stream: TextIO, signs: str) -> bool:
    try:
        signs.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def inspect_stream(stream: TextIO, environ: Mapping[str, str], *, no_color: bool = False) -> Terminal:
    """Find out what a stream can do.

    Args:
        stream: standard output or standard error.
        environ: NO_COLOR (https://no-color.org: any non-empty value), TERM and COLUMNS are honoured.
        no_color: colours were refused on the command line or in the configuration.
    """
    import shutil

    capable = is_terminal(stream) and environ.get("TERM", "") not in {"", "dumb"}
    return Terminal(
        interactive=capable,
        color=capable and not no_color and not environ.get("NO_COLOR"),
        glyphs=_can_encode(stream, "✓✗…─⠋"),
        width=shutil.get_terminal_size().columns if capable else 80,
    )
