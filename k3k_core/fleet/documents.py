"""Rows and signals as documents for programs: camelCase keys, times in RFC 3339, null for what is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from k3k_core.discovery.control_plane import format_time
from k3k_core.telemetry.judgement import Finding, Judgement
from k3k_core.telemetry.signals.model import ApiSignals, Signals

if TYPE_CHECKING:
    from k3k_core.fleet.rows import FleetRow

# Fields that hold seconds since 1970.
_TIMES = frozenset(("at", "since", "expires_at", "started_at"))


def row_document(row: FleetRow) -> dict[str, Any]:
    """Return everything that is known of a control plane.

    Args:
        row: of a fleet.
    """
    return {
        **row.control_plane.to_dict(),
        **judgement_document(row.judgement),
        "reason": row.reason,
        "reach": {"way": row.reach.way, "reason": row.reach.reason, "hint": row.reach.hint},
        "staleSince": moment(row.stale_since),
        "signals": signals_document(row.signals) if row.signals is not None else None,
    }


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """Return a verdict with its reasons.

    Args:
        judgement: of one control plane.
    """
    return {
        "verdict": judgement.verdict,
        "since": moment(judgement.since),
        "findings": [finding_document(finding) for finding in judgement.findings],
        "pending": [finding_document(finding) for finding in judgement.pending],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return one rule that holds.

    Args:
        finding: of a judgement.
    """
    document = finding.to_dict()
    numbers = {key: number(document[key]) for key in ("value", "threshold")}
    return {**document, **numbers, "since": moment(finding.since)}


def signals_document(signals: Signals) -> dict[str, Any]:
    """Return signals; durations are seconds, sizes bytes, ratios 0 to 1.

    Args:
        signals: of one control plane.
    """
    document = _document(signals)
    document["api"]["byScope"] = _by_scope(signals.api)
    return document


def moment(at: float | None) -> str | None:
    """Return a time in RFC 3339.

    Args:
        at: seconds since 1970; None stays None.
    """
    if at is None or not math.isfinite(at):
        return None
    try:
        return format_time(datetime.fromtimestamp(at, UTC))
    except (OverflowError, ValueError, OSError):
        # A hostile page may date a certificate to the year 30,000.
        return None


def number(value: float | None) -> float | None:
    """Return a number that JSON has: NaN and the infinities are not known ones.

    Args:
        value: any number.
    """
    return value if value is not None and math.isfinite(value) else None


def _by_scope(api: ApiSignals) -> list[dict[str, Any]]:
    return [
        {"group": group, "scope": scope, **_document(latency)}
        for (group, scope), latency in sorted(api.by_scope.items())
    ]


def _document(value: Any) -> dict[str, Any]:
    return {
        _camel(item.name): moment(found) if item.name in _TIMES else _value(found)
        for item in fields(value)
        if item.name != "by_scope"
        for found in (getattr(value, item.name),)
    }


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return number(value)
    if is_dataclass(value):
        return _document(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
