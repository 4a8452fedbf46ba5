"""What concerns several values together. A rule is left out when one of the values it reads was refused already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k3k_core.errors import Issue
from k3k_core.values import amounts, flags, networks
from k3k_core.values.paths import Path, get, related
from k3k_core.versions import NEWEST_KNOWN_MINOR, K3sVersion, flag_since, supports

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


Check = Callable[["Values", Mapping[str, Any]], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class _Rule:
    reads: tuple[Path, ...]
    check: Check


_RULES: list[_Rule] = []


def _rule(*reads: str) -> Callable[[Check], Check]:
    """Register a rule with the paths it reads."""

    def register(check: Check) -> Check:
        _RULES.append(_Rule(tuple(tuple(path.split(".")) for path in reads), check))
        return check

    return register


def findings(values: Values, given: Mapping[str, Any], refused: set[Path]) -> list[Finding]:
    """Apply every rule.

    Args:
        values: the values, with defaults in place of those that were refused.
        given: the tree as it was asked for.
        refused: paths of the refused values.

    Returns:
        Every finding.
    """
    return [
        finding
        for rule in _RULES
        if not any(related(read, bad) for read in rule.reads for bad in refused)
        for finding in rule.check(values, given)
    ]


def _error(path: str, problem: str, remedy: str) -> Finding:
    return Finding(Issue(path, problem, remedy))


def _warning(path: str, problem: str, remedy: str) -> Finding:
    return Finding(Issue(path, problem, remedy), warning=True)


def _is_given(given: Mapping[str, Any], path: str) -> bool:
    return get(given, tuple(path.split("."))) is not None


@_rule("k3s.token", "k3s.agent_token")
def _equal_tokens(values: Values, given: Mapping[str, Any]) -> Iterator[Finding]:
    if values.k3s.token is not None and values.k3s.token == values.k3s.agent_token:
        yield _warning(
            "k3s.agent_token",
            "is the same as `k3s.token`: every agent could read the CA keys",
            "use another one, or leave it out and one is generated",
        )


@_rule("k3s.cluster_cidr", "k3s.service_cidr")
def _networks_overlap(values: Values, given: Mapping[str, Any]) -> Iterator[Finding]:
    pair = networks.overlap(values.k3s.cluster_cidr, values.k3s.service_cidr)
    if pair is not None:
        yield _error(
            "k3s.service_cidr" if _is_given(given, "k3s.service_cidr") else "k3s.cluster_cidr",
            f"the networks of pods ({pair[0]}) and Services ({pair[1]}) overlap",
            "choose two that have no address in common, e.g. `10.42.0.0/16` and `10.43.0.0/16`",
        )


@_rule("servers", "datastore.kind")
def _sqlite_is_for_one(values: Values, given: Mapping[str, Any]) -> Iterator[Finding]:
    if values.servers > 1 and values.datastore.kind == "sqlite":
        yield _error(
            "servers",
            f"sqlite serves one server, and {values.servers} are asked for",
            "set `datastore.kind` to `etcd` or `external`, or `servers` to 1",
        )
