"""What is pasted is text, whatever is in it.

A terminal puts a paste between two marks (bracketed paste, https://invisible-island.net/xterm/xterm-paste64.html).
Textual 8.2.8 takes an escape character within it for the beginning of a key, and delivers the characters behind it
as keys that are pressed: a paste could run commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from textual._xterm_parser import XTermParser
from textual.message import Message

_ESCAPE: Final = "\x1b"
_BEGIN: Final = f"{_ESCAPE}[200~"
_END: Final = f"{_ESCAPE}[201~"
# Drivers of terminals and of browsers.
_DRIVERS: Final = ("textual.drivers.linux_driver", "textual.drivers.web_driver")
# What a driver calls the parser it makes.
_PARSER: Final = XTermParser.__name__


class PasteCleaner:
    """Takes escape characters out of pastes; what comes from the keyboard stays as it is."""

    def __init__(self) -> None:
        self._inside = False
        # The end of what has passed, where a mark may have begun.
        self._passed = ""
        # The end of a paste so far, should it be the beginning of its mark.
        self._held = ""

    def clean(self, data: str) -> str:
        """Return what a terminal sent without what it must not hold; marks may be parted between two calls.

        Args:
            data: as it was sent.
        """
        cleaned: list[str] = []
        rest = self._held + data
        self._held = ""
        while rest:
            taken, rest = self._paste(rest) if self._inside else self._keys(rest)
            cleaned.append(taken)
        return "".join(cleaned)

    def _keys(self, data: str) -> tuple[str, str]:
        joined = self._passed + data
        at = joined.find(_BEGIN)
        if at < 0:
            self._passed = joined[1 - len(_BEGIN) :]
            return data, ""
        end = at + len(_BEGIN) - len(self._passed)
        self._inside, self._passed = True, ""
        return data[:end], data[end:]

    def _paste(self, data: str) -> tuple[str, str]:
        body, mark, rest = data.partition(_END)
        if mark:
            self._inside = False
        else:
            lengths = range(len(_END) - 1, 0, -1)
            held = next((length for length in lengths if data.endswith(_END[:length])), 0)
            body, self._held = data[: len(data) - held], data[len(data) - held :]
        return body.replace(_ESCAPE, "") + mark, rest


class PasteSafeParser(XTermParser):
    """Textual's parser of what a terminal sends, over clean pastes."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._cleaner = PasteCleaner()

    def feed(self, data: str) -> Iterable[Message]:
        """Return the events of what a terminal sent; nothing at all is its end.

        Args:
            data: as it was sent.
        """
        cleaned = self._cleaner.clean(data)
        return super().feed(cleaned) if cleaned or not data else ()


def guard_pastes() -> None:
    """Let the drivers that were loaded, by making an app, use the parser above; Textual has no other way to say so."""
    for name in _DRIVERS:
        driver = sys.modules.get(name)
        if driver is not None:
            setattr(driver, _PARSER, PasteSafeParser)
