"""Reading a judge's state back: whatever comes from a file is checked before it is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from k3k_core.errors import K3kError
from k3k_core.telemetry.judge import Condition
from k3k_core.telemetry.judgement import Finding, Severity, Verdict

_MOST_CONDITIONS: Final = 10_000
_TEXTS: Final = ("rule", "subject", "unit", "summary", "advice")


@dataclass(frozen=True, slots=True)
class KnownState:
    """A state that was checked.

    Attributes:
        verdict: the last verdict, None before the first.
        since: since when.
        at: time of the last judgement.
        reached: whether a server ever answered.
        conditions: conditions that were on.
    """

    verdict: Verdict | None
    since: float
    at: float
    reached: bool
    conditions: tuple[Condition, ...]


def read_state(state: Mapping[str, Any]) -> KnownState:
    """Check a judge's state.

    Args:
        state: what `Judge.to_dict` returned, perhaps by way of a file.

    Raises:
        K3kError: it is no such state.
    """
    try:
        if state["version"] != 1:
            raise ValueError("its version is not known")
        conditions = state["conditions"]
        if not isinstance(conditions, list) or len(conditions) > _MOST_CONDITIONS:
            raise ValueError("its conditions are no list, or too many")
        verdict = state["verdict"]
        return KnownState(
            verdict=None if verdict is None else _one_of(verdict, get_args(Verdict)),
            since=_time(state["since"]),
            at=_time(state["at"]),
            reached=state["reached"] is True,
            conditions=tuple(_condition(one) for one in conditions),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise K3kError(
            f"the saved state of a verdict is not usable: {problem}",
            hint="Delete the saved state; times since when something holds start anew.",
        ) from None


def _condition(saved: Mapping[str, Any]) -> Condition:
    found = saved["finding"]
    texts = {key: found[key] for key in _TEXTS}
    if not all(isinstance(text, str) and len(text) <= 4000 for text in texts.values()):
        raise ValueError("a finding's texts are no texts")
    return Condition(
        finding=Finding(
            severity=_one_of(found["severity"], get_args(Severity)),
            verdict=_one_of(found["verdict"], get_args(Verdict)),
            value=_number(found["value"]),
            threshold=_number(found["threshold"]),
            since=_time(found["since"]),
            **texts,
        ),
        seen=_time(saved["seen"]),
        on=_time(saved["on"]),
        off=None if saved["off"] is None else _time(saved["off"]),
        firing=saved["firing"] is True,
    )


def _one_of(value: object, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError("it holds a word that is not known")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("it holds something else than a number")
    return float(value)


def _time(value: object) -> float:
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError("it holds a time that is none")
    return number
