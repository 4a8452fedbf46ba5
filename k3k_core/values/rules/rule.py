"""What a rule is: a check of several values together, registered with the paths it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from k3k_core.errors import Issue
from k3k_core.values.paths import Path, get

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        issue: the issue.
        warning: whether the values are usable all the same.
    """

    issue: Issue
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """The tree of values as it was asked for, to tell a value from its default."""

    tree: Mapping[str, Any]

    def has(self, path: str) -> bool:
        """Whether the value at a dotted path was asked for."""
        return get(self.tree, tuple(path.split("."))) is not None


Check: TypeAlias = "Callable[[Values, Given], Iterator[Finding]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A check, and the paths of the values it reads."""

    reads: tuple[Path, ...]
    check: Check


RULES: list[Rule] = []


def rule(*reads: str) -> Callable[[Check], Check]:
    """Register a check.

    Args:
        reads: dotted paths of the values it reads; it is left out when one of them was refused already.
    """

    def register(check: Check) -> Check:
        RULES.append(Rule(tuple(tuple(path.split(".")) for path in reads), check))
        return check

    return register


def error(path: str, problem: str, remedy: str) -> Finding:
    """Something that makes the values unusable."""
    return Finding(Issue(path, problem, remedy))


def warning(path: str, problem: str, remedy: str) -> Finding:
    """Something that works and is probably not meant."""
    return Finding(Issue(path, problem, remedy), warning=True)
