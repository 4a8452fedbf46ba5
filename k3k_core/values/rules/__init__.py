"""What concerns several values together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.values.paths import Path, related
from k3k_core.values.rules import agents, backup, hardening, host, k3s, life, network, storage, upgrade
from k3k_core.values.rules.rule import RULES, Finding, Given

if TYPE_CHECKING:
    from k3k_core.values.model import Values

__all__ = [
    "Finding",
    "agents",
    "backup",
    "findings",
    "hardening",
    "host",
    "k3s",
    "life",
    "network",
    "storage",
    "upgrade",
]


def findings(values: Values, given: Mapping[str, Any], refused: Iterable[Path]) -> list[Finding]:
    """Apply every rule whose values were not refused before.

    Args:
        values: the values, with defaults in place of those that were refused.
        given: the tree as it was asked for.
        refused: paths of the refused values.

    Returns:
        Every finding.
    """
    bad = tuple(refused)
    tree = Given(given)
    return [
        finding
        for rule in RULES
        if not any(related(read, path) for read in rule.reads for path in bad)
        for finding in rule.check(values, tree)
    ]
