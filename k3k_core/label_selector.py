"""Label selectors as `kubectl get -l` takes them, for what is chosen on this side.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from k3k_core.errors import UsageError

_NAME: Final = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY: Final = rf"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}"
_VALUE: Final = rf"(?:{_NAME})?"
_EQUALITY: Final = re.compile(rf"(?P<key>{_KEY})\s*(?P<sign>==|=|!=)\s*(?P<value>{_VALUE})")
_SET: Final = re.compile(rf"(?P<key>{_KEY})\s+(?P<sign>in|notin)\s*\((?P<values>[^()]*)\)")
_PRESENCE: Final = re.compile(rf"(?P<sign>!?)\s*(?P<key>{_KEY})")
_HINT: Final = "Write -l key=value, key!=value, key, !key, 'key in (a, b)'; several joined by commas."


@dataclass(frozen=True, slots=True)
class _Requirement:
    """One condition on labels.

    Attributes:
        key: of the label.
        values: what its value may be; None for any.
        inverse: whether it must not be so; a label that is missing is not so either.
    """

    key: str
    values: frozenset[str] | None
    inverse: bool

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        held = value is not None and (self.values is None or value in self.values)
        return held != self.inverse


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions on labels that must all hold."""

    requirements: tuple[_Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels fulfil every condition.

        Args:
            labels: of one object.
        """
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_label_selector(text: str) -> LabelSelector:
    """Read a label selector.

    Args:
        text: conditions joined by commas: `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`.

    Raises:
        UsageError: it is not written so.
    """
    return LabelSelector(tuple(map(_requirement, _parts(text))))


def _parts(text: str) -> list[str]:
    """Part at the commas that are not in brackets."""
    return re.split(r",(?![^()]*\))", text)


def _requirement(text: str) -> _Requirement:
    part = text.strip()
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found["values"].split(","))
        if all(re.fullmatch(_VALUE, value) for value in values):
            return _Requirement(found["key"], values, inverse=found["sign"] == "notin")
    elif found := _EQUALITY.fullmatch(part):
        return _Requirement(found["key"], frozenset((found["value"],)), inverse=found["sign"] == "!=")
    elif found := _PRESENCE.fullmatch(part):
        return _Requirement(found["key"], None, inverse=bool(found["sign"]))
    raise UsageError(
        f"{part!r} is no condition on labels." if part else "A condition on labels is missing.", hint=_HINT
    )
