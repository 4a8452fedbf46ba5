"""Dotted paths of verdict rules: what they name among the facts, checked against the types of the signals."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from k3k_core.telemetry.expressions import ExpressionError
from k3k_core.telemetry.facts import ApiService, Check, Each, HostFacts, Reach
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    ControllerSignals,
    DatastoreSignals,
    ProcessSignals,
    QueueSignals,
    ServerHealth,
)

ITEM_TYPES: Final[Mapping[Each, type]] = {
    "server": ServerHealth,
    "check": Check,
    "queue": QueueSignals,
    "certificate": CertificateSignal,
    "authority": CertificateSignal,
    "process": ProcessSignals,
    "api_service": ApiService,
}

_ROOTS: Final[Mapping[str, Any]] = {
    "at": float,
    "window": float | None,
    "api": ApiSignals,
    "datastore": DatastoreSignals,
    "controllers": ControllerSignals,
    "reach": Reach,
    "host": HostFacts,
}

_Step = Callable[[Any], Any]


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


class FactScope:
    """Meaning of dotted paths for the rules that look at one kind of thing.

    Args:
        each: the kind; "" for rules about the whole control plane.
    """

    def __init__(self, each: Each = "") -> None:
        self._each = each

    def number(self, path: str) -> _Step:
        """Return a function from facts to a number.

        Raises:
            ExpressionError: there is no such signal, or it is no number.
        """
        step, kind = self._resolve(path)
        if kind not in {int, float, bool}:
            raise ExpressionError(f"{path} is no number{_inside(kind)}")
        return step

    def collection(self, path: str) -> _Step:
        """Return a function from facts to a mapping or a tuple.

        Raises:
            ExpressionError: there is no such signal, or it is neither.
        """
        step, kind = self._resolve(path)
        if get_origin(kind) not in {Mapping, tuple}:
            raise ExpressionError(f"{path} is no collection")
        return step

    def anything(self, path: str) -> _Step:
        """Return a function from facts to whatever the path holds.

        Raises:
            ExpressionError: there is no such signal.
        """
        return self._resolve(path)[0]

    def _resolve(self, path: str) -> tuple[_Step, Any]:
        root, *rest = path.split(".")
        if self._each and root == self._each:
            trail = _Trail("item", ITEM_TYPES[self._each])
        elif root in _ROOTS:
            trail = _Trail(root, _ROOTS[root])
        else:
            raise ExpressionError(f"knows no signal {path!r}{_nearest(root, [*_ROOTS, self._each or 'api'])}")
        while rest:
            trail.follow(rest, path)
        return _chain(trail.steps()), trail.kind


class _Trail:
    """The steps from facts to what a path names; attributes that are never None are taken in one step.

    Args:
        root: attribute of the facts.
        kind: its type.
    """

    def __init__(self, root: str, kind: Any) -> None:
        self._steps: list[_Step] = []
        self._names = [root]
        self.kind = _bare(kind)
        self._optional = self.kind is not kind

    def steps(self) -> list[_Step]:
        """Return the steps."""
        return [*self._steps, attrgetter(".".join(self._names))] if self._names else self._steps

    def follow(self, rest: list[str], path: str) -> None:
        """Take one step down and drop what was used from `rest`.

        Raises:
            ExpressionError: there is nothing of that name.
        """
        if is_dataclass(self.kind) and isinstance(self.kind, type):
            kind = self._attribute(self.kind, rest.pop(0), path)
        elif get_origin(self.kind) is Mapping:
            kind = self._entry(rest, path)
        else:
            raise ExpressionError(f"{path} goes on after a value that has no parts")
        self.kind = _bare(kind)
        self._optional = self._optional or self.kind is not kind

    def _attribute(self, owner: type, name: str, path: str) -> Any:
        known = [field.name for field in fields(owner)]
        if name not in known:
            raise ExpressionError(f"knows no signal {path!r}{_nearest(name, known)}")
        if self._optional:
            self._pause()
        self._names.append(name)
        return _hints(owner)[name]

    def _entry(self, rest: list[str], path: str) -> Any:
        key_kind, value_kind = get_args(self.kind)
        key: Any = rest.pop(0)
        if get_origin(key_kind) is tuple:
            if not rest:
                raise ExpressionError(f"{path} needs one more name")
            key = (key, rest.pop(0))
            for part, allowed in zip(key, get_args(key_kind), strict=True):
                if part not in get_args(allowed):
                    raise ExpressionError(f"knows no signal {path!r}{_nearest(part, get_args(allowed))}")
        self._pause()
        self._steps.append(lambda mapping: mapping.get(key))
        self._optional = True
        return value_kind

    def _pause(self) -> None:
        """End a run of attributes, since what it ends at may be None."""
        if self._names:
            self._steps.append(attrgetter(".".join(self._names)))
        self._names = []
        self._optional = False


def _bare(kind: Any) -> Any:
    """Take `| None` off a type."""
    if get_origin(kind) in {Union, types.UnionType}:
        kinds = [one for one in get_args(kind) if one is not type(None)]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _chain(steps: list[_Step]) -> _Step:
    if len(steps) == 1:
        return steps[0]
    first, *others = steps
    if len(others) == 1:
        last = others[0]

        def two(facts: Any) -> Any:
            value = first(facts)
            return None if value is None else last(value)

        return two

    def many(facts: Any) -> Any:
        value = first(facts)
        for step in others:
            if value is None:
                return None
            value = step(value)
        return value

    return many


def _inside(kind: Any) -> str:
    if is_dataclass(kind) and isinstance(kind, type):
        return "; it holds " + ", ".join(field.name for field in fields(kind))
    return ""


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, [str(one) for one in known], n=1)
    return f"; {near[0]!r} is near" if near else "; there are " + ", ".join(sorted(str(one) for one in known))
