"""The words of a filter: parted by blanks, held together by quotes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_QUOTES: Final = "\"'"
# After these a quote begins a value; elsewhere within a word it is a character like any other.
_BEFORE_QUOTE: Final = ":=<>~!,"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a filter.

    Attributes:
        message: one sentence.
        hint: what to write instead.
        position: index of the character it begins at.
    """

    message: str
    hint: str
    position: int


class FilterError(Exception):
    """A filter that cannot be used; it never leaves `parse` and `parse_text`.

    Args:
        message: one sentence.
        hint: what to write instead.
        position: index of the character it begins at.
    """

    def __init__(self, message: str, hint: str, position: int) -> None:
        super().__init__(message)
        self.problem = Problem(message, hint, position)


@dataclass(frozen=True, slots=True)
class Word:
    """One word.

    Attributes:
        text: its characters without the quotes.
        start: index of its first character in the filter.
        bare: how many characters stand before the first quote; only those can be syntax.
    """

    text: str
    start: int
    bare: int

    @property
    def quoted(self) -> bool:
        """Whether all of it was in quotes."""
        return self.bare == 0

    def without(self, count: int) -> Word:
        """Return the word without its first characters, which were bare.

        Args:
            count: how many.
        """
        return Word(self.text[count:], self.start + count, self.bare - count)


def split(text: str) -> list[Word]:
    """Part a filter into its words; a quote that is not closed reaches to the end.

    Args:
        text: the filter as it was typed.
    """
    words: list[Word] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word, at = _word(text, at)
        words.append(word)
    return words


def quoted(value: str) -> str:
    """Return a value as it is to be typed: what would be parted, or be read as something else, is put into quotes.

    Args:
        value: of a field, or a word.
    """
    if not any(char.isspace() or char in "\"',*" for char in value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _word(text: str, start: int) -> tuple[Word, int]:
    kept: list[str] = []
    bare: int | None = None
    at = start
    while at < len(text) and not text[at].isspace():
        char = text[at]
        if char in _QUOTES and (at == start or text[at - 1] in _BEFORE_QUOTE):
            bare = sum(map(len, kept)) if bare is None else bare
            inside, at = _inside(text, at)
            kept.append(inside)
        else:
            kept.append(char)
            at += 1
    joined = "".join(kept)
    return Word(joined, start, len(joined) if bare is None else bare), at


def _inside(text: str, start: int) -> tuple[str, int]:
    """Return what is between a quote and its like, and where the rest begins."""
    end = text.find(text[start], start + 1)
    return (text[start + 1 :], len(text)) if end < 0 else (text[start + 1 : end], end + 1)
