"""What is typed on the `:` line: which action it means, and how it can go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from k3k_core.errors import UsageError
from k3k_tui.actions.action import Action, Argument

# What fingers know from elsewhere, by what it is here.
ALIASES: Mapping[str, str] = {
    "q": "quit",
    "q!": "quit",
    "qa": "quit",
    "exit": "quit",
    "h": "help",
    "namespace": "ns",
    "namespaces": "ns",
    "ctx": "host",
    "context": "host",
    "skin": "theme",
}
# The last argument of these kinds takes the rest of the line, blanks and all.
_REST: frozenset[Argument] = frozenset({"filter", "text", "host"})
# Names the values of an argument, given the words before it; whole filters, given what is typed of one.
Offer: TypeAlias = Callable[[Argument, tuple[str, ...]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Typed:
    """A command line that means something.

    Attributes:
        action: what it means; None when it names a control plane.
        words: what follows the command; else the name of the control plane alone.
    """

    action: Action | None
    words: tuple[str, ...]


def commands(actions: Iterable[Action]) -> dict[str, Action]:
    """Return the actions that have a command, by it.

    Args:
        actions: all that may be used.
    """
    return {action.command: action for action in actions if action.command}


def parse(line: str, actions: Iterable[Action], control_planes: Iterable[str]) -> Typed | None:
    """Understand a command line.

    Args:
        line: as typed, without the colon.
        actions: all that may be used.
        control_planes: names that lead to a control plane.

    Returns:
        What it means; None for an empty line.

    Raises:
        UsageError: it means nothing, with what may have been meant.
    """
    head, _, rest = line.strip().partition(" ")
    if not head:
        return None
    known = commands(actions)
    action = known.get(ALIASES.get(head, head))
    if action is not None:
        return Typed(action, _words(rest, action))
    planes = set(control_planes)
    if head in planes and not rest.strip():
        return Typed(None, (head,))
    meant = get_close_matches(head, [*known, *planes], n=1)
    advice = f"Did you mean {meant[0]!r}?" if meant else "Tab shows what there is."
    raise UsageError(f"There is no command and no control plane {head!r}.", hint=advice)


def _words(rest: str, action: Action) -> tuple[str, ...]:
    kinds = action.arguments
    if kinds and kinds[-1] in _REST:
        return tuple(part.strip() for part in rest.split(maxsplit=len(kinds) - 1))
    words = tuple(rest.split())
    if len(words) > len(kinds):
        usage = " ".join([f":{action.command}", *(kind.upper() for kind in kinds)])
        raise UsageError(f"There is a word too many: {words[len(kinds)]!r}.", hint=f"It is written {usage}.")
    return words


def complete(line: str, actions: Iterable[Action], offer: Offer) -> tuple[str, ...]:
    """Return the whole lines that a line can become, those that begin like it first.

    Args:
        line: as typed so far, without the colon.
        actions: all that may be used.
        offer: names the values of an argument; for a command that is typed, control planes too.
    """
    before, blank, _ = line.rpartition(" ")
    typed = line[len(before) + len(blank) :]
    head = before.split()
    if not head:
        known = commands(actions)
        return _matching("", typed, [*known, *offer("control-plane", ())])
    action = commands(actions).get(ALIASES.get(head[0], head[0]))
    if action is None:
        return ()
    if action.arguments == ("filter",):
        rest = line.lstrip().partition(" ")[2]
        return tuple(f"{head[0]} {each}" for each in offer("filter", (rest,)))
    if len(head) > len(action.arguments):
        return ()
    return _matching(f"{before} ", typed, offer(action.arguments[len(head) - 1], tuple(head[1:])))


def _matching(before: str, typed: str, words: Iterable[str]) -> tuple[str, ...]:
    lowered = typed.lower()
    unique = tuple(dict.fromkeys(words))
    begin = [word for word in unique if word.lower().startswith(lowered)]
    within = [word for word in unique if lowered and lowered in word.lower() and word not in begin]
    return tuple(before + word for word in [*begin, *within])


class TypedHistory:
    """Lines that were typed before, the newest last; going through them keeps what is being typed."""

    def __init__(self, lines: Sequence[str] = (), longest: int = 200) -> None:
        self._lines = list(lines)[-longest:]
        self._longest = longest
        self._at = len(self._lines)
        self._draft = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """Remember a line; the same one again moves to the end.

        Args:
            line: as typed.
        """
        if line.strip():
            self._lines = [*(each for each in self._lines if each != line), line][-self._longest :]
        self.rest()

    def rest(self) -> None:
        """Stand behind the newest line again."""
        self._at, self._draft = len(self._lines), ""

    def older(self, current: str) -> str:
        """Return the line before.

        Args:
            current: what stands on the line now.
        """
        if self._at == len(self._lines):
            self._draft = current
        self._at = max(self._at - 1, 0)
        return self._lines[self._at] if self._lines else current

    def newer(self, current: str) -> str:
        """Return the line after, at last what was being typed.

        Args:
            current: what stands on the line now.
        """
        if self._at >= len(self._lines):
            return current
        self._at += 1
        return self._lines[self._at] if self._at < len(self._lines) else self._draft
