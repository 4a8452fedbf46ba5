"""Filters over plain text, such as log lines: what the `/` line understands wherever there are no fields.

Words must all be found; capitals do not matter. A word with characters of a regular expression is one, if it can be;
`re:` makes any word one, quotes make every character stand for itself. `!` before a word turns it round, `-f` finds
its characters in their order with others between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from k3k_tui.view.patterns import compile_pattern, guess_pattern
from k3k_tui.view.words import FilterError, Problem, Word, split

FUZZY: Final = "-f"
INVERSE: Final = "!"
PATTERN: Final = "re:"

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextTerm:
    """One word of a filter.

    Attributes:
        find: tells where it is in a text; None where it is not.
        inverse: whether texts that have it are left out.
        plain: what it is in small letters, if it is to be found as it stands; else empty.
    """

    find: Callable[[str], Span | None]
    inverse: bool = False
    plain: str = ""

    def matches(self, text: str) -> bool:
        """Tell whether it lets through what has this text.

        Args:
            text: one line, or several parts of one thing on a line each: to be in one of them is enough.
        """
        if self.plain:
            return (self.plain in text.lower()) != self.inverse
        return any(self.find(part) is not None for part in text.split("\n")) != self.inverse


@dataclass(frozen=True, slots=True)
class TextFilter:
    """A filter over text, read.

    Attributes:
        terms: what must all hold.
        problem: what is wrong with it; None when it can be used.
    """

    terms: tuple[TextTerm, ...] = ()
    problem: Problem | None = None

    def matches(self, text: str) -> bool:
        """Tell whether a text is let through.

        Args:
            text: such as a line of a log.
        """
        return all(term.matches(text) for term in self.terms)

    def spans(self, text: str) -> tuple[Span, ...]:
        """Return where the words are first found in a text, as pairs of beginning and end, in order.

        Args:
            text: one that is let through.
        """
        found = (term.find(text) for term in self.terms if not term.inverse)
        return tuple(sorted(span for span in found if span is not None and span[0] < span[1]))


def parse_text(text: str) -> TextFilter:
    """Read a filter over text; what is wrong with it is in the result.

    Args:
        text: as it was typed.
    """
    try:
        return TextFilter(tuple(_terms(iter(split(text)))))
    except FilterError as error:
        return TextFilter(problem=error.problem)


def _terms(words: Iterator[Word]) -> Iterator[TextTerm]:
    for word in words:
        yield fuzzy_term(word, words) if is_option(word, FUZZY) else text_term(word)


def is_option(word: Word, option: str) -> bool:
    """Tell whether a word is an option.

    Args:
        word: of a filter.
        option: such as "-f".
    """
    return word.text == option and word.bare == len(option)


def argument(option: Word, words: Iterator[Word], what: str) -> Word:
    """Return the word after an option.

    Args:
        option: the option.
        words: the words that follow it.
        what: it is for, with an example.

    Raises:
        FilterError: there is none.
    """
    word = next(words, None)
    if word is None:
        raise FilterError(f"`{option.text}` wants {what}.", "Write on, or take it out.", option.start)
    return word


def turned_round(word: Word) -> tuple[bool, Word]:
    """Tell whether a word is to be turned round, and return it without the sign for that.

    Args:
        word: of a filter.

    Raises:
        FilterError: nothing follows the sign.
    """
    if not (word.bare and word.text.startswith(INVERSE)):
        return False, word
    rest = word.without(len(INVERSE))
    if not rest.text:
        raise FilterError(
            f"`{INVERSE}` wants what to leave out.",
            f"Write {INVERSE} and a word, such as {INVERSE}test.",
            word.start,
        )
    return True, rest


def fuzzy_term(option: Word, words: Iterator[Word]) -> TextTerm:
    """Return the term of `-f` and the word after it.

    Args:
        option: `-f`.
        words: the words that follow it.

    Raises:
        FilterError: there is no word.
    """
    inverse, word = turned_round(argument(option, words, "characters to find in their order, such as -f sfe"))
    return TextTerm(_fuzzy(word.text), inverse)


def text_term(word: Word) -> TextTerm:
    """Return the term of a word.

    Args:
        word: of a filter.

    Raises:
        FilterError: it is a pattern that cannot be used.
    """
    inverse, word = turned_round(word)
    if word.bare >= len(PATTERN) and word.text.startswith(PATTERN):
        rest = word.without(len(PATTERN))
        if not rest.text:
            raise FilterError(
                f"`{PATTERN}` wants a regular expression.", "Write one, such as re:^ci-.", word.start
            )
        return TextTerm(_pattern(compile_pattern(rest.text, rest.start)), inverse)
    pattern = None if word.quoted else guess_pattern(word.text, word.start)
    if pattern is not None:
        return TextTerm(_pattern(pattern), inverse)
    return TextTerm(_plain(word.text), inverse, word.text.lower())


def _plain(text: str) -> Callable[[str], Span | None]:
    wanted = text.lower()

    def find(searched: str) -> Span | None:
        at = searched.lower().find(wanted)
        return (at, at + len(wanted)) if at >= 0 else None

    return find


def _pattern(pattern: re.Pattern[str]) -> Callable[[str], Span | None]:
    def find(searched: str) -> Span | None:
        found = pattern.search(searched)
        return found.span() if found is not None else None

    return find


def _fuzzy(text: str) -> Callable[[str], Span | None]:
    wanted: Sequence[str] = text.lower()

    def find(searched: str) -> Span | None:
        lowered = searched.lower()
        first, at = -1, -1
        for char in wanted:
            at = lowered.find(char, at + 1)
            if at < 0:
                return None
            first = at if first < 0 else first
        return first, at + 1

    return find
