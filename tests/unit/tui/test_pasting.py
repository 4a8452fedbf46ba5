"""What is pasted is text, whatever is in it."""

from __future__ import annotations

import pytest
from textual.events import Key, Paste

from k3k_tui.pasting import PasteSafeParser

BEGIN, END = "\x1b[200~", "\x1b[201~"
SENT = f"q\x1b[A{BEGIN}x\x1b[31mred\x1b\nDelete\x1b[3~{END}\x1b[Bz"


def told(parts: list[str]) -> list[str]:
    """Return the keys and pastes of what a terminal sent in some parts."""
    parser = PasteSafeParser()
    events = [event for part in parts for event in parser.feed(part)]
    return [
        event.key if isinstance(event, Key) else f"paste {event.text!r}"
        for event in events
        if isinstance(event, Key | Paste)
    ]


def test_an_escape_in_a_paste_presses_no_key() -> None:
    assert told([SENT]) == ["q", "up", "paste 'x[31mred\\nDelete[3~'", "down", "z"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11])
def test_it_does_not_matter_in_which_pieces_it_comes(size: int) -> None:
    pieces = [SENT[at : at + size] for at in range(0, len(SENT), size)]
    assert told(pieces) == told([SENT])


def test_keys_and_escape_alone_come_through_at_once() -> None:
    parser = PasteSafeParser()
    assert [event.key for event in parser.feed("a\x1b[Cb") if isinstance(event, Key)] == ["a", "right", "b"]
