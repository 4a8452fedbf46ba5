"""What verdict rules may read: signals, how far the control plane was reached, and what its host says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    ControllerSignals,
    DatastoreSignals,
    Signals,
)

# Signals older than this say nothing of the present; twenty rounds of the usual 15 s.
STALE_AFTER: Final = 300.0
# No control plane of ours has more; a hostile page may.
MOST_ITEMS: Final = 200

# "CN=k3s-server-ca@1712345678" of k3s' own files, "server-ca" of the host's Secrets.
_AUTHORITY: Final = re.compile(r"(?:^|[-=])ca(?:@\d+)?(?:,|$)")

Each = Literal["", "server", "check", "queue", "certificate", "authority", "process", "api_service"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the control plane was reached in the last round; numbers are None when no server was asked of late.

    Attributes:
        asked: servers asked.
        answering: servers that answered the probe, ready or not.
        ready: servers that answered that they are ready.
        pages: servers whose page was read.
        before: whether a server has answered at any time since watching began.
        age: seconds since the last round; None before the first, and where no server was asked.
        error: why the first server that did not answer did not.
        page_error: why the first page that could not be read could not.
    """

    asked: int | None = None
    answering: int | None = None
    ready: int | None = None
    pages: int | None = None
    before: bool = False
    age: float | None = None
    error: str = ""
    page_error: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What the host's objects say.

    Attributes:
        ready: whether the host counts any server as ready; None when it does not say.
        down: whether it calls the control plane Down; None when it does not say.
        degraded: whether it calls it Degraded; None when it does not say.
        reason: why, as it says.
    """

    ready: bool | None = None
    down: bool | None = None
    degraded: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A readiness check that fails on one server.

    Attributes:
        server: name of the server.
        name: name of the check, such as "etcd".
    """

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class ApiService:
    """An aggregated API that does not answer.

    Attributes:
        name: such as "v1beta1.metrics.k8s.io".
    """

    name: str


@dataclass(slots=True)
class Facts:
    """Everything a rule may read at one moment; `item` is what a rule with `each` looks at.

    Attributes:
        at: seconds since 1970.
        window: seconds between the pages compared, None without two.
        api: requests.
        datastore: datastore.
        controllers: queues and what else controllers report.
        reach: how far the control plane was reached.
        host: what the host says.
        signals: what was measured; None when there is nothing recent.
        item: the server, queue, certificate ... that is looked at.
    """

    at: float
    window: float | None
    api: ApiSignals
    datastore: DatastoreSignals
    controllers: ControllerSignals
    reach: Reach
    host: HostFacts
    signals: Signals | None
    item: Any = None


_NO_API: Final = ApiSignals()
_NO_DATASTORE: Final = DatastoreSignals()
_NO_CONTROLLERS: Final = ControllerSignals()


def gather(
    signals: Signals | None, *, base: Verdict, base_reason: str, at: float, reached_before: bool
) -> Facts:
    """Collect what rules may read.

    Args:
        signals: the last ones measured, None when there are none.
        base: the verdict of the host's objects.
        base_reason: why, one sentence.
        at: now, seconds since 1970.
        reached_before: whether any server answered at an earlier time.
    """
    age = None if signals is None else max(0.0, at - signals.at)
    recent = signals if age is not None and age <= STALE_AFTER else None
    return Facts(
        at=at,
        window=(recent.window or None) if recent else None,
        api=recent.api if recent else _NO_API,
        datastore=recent.datastore if recent else _NO_DATASTORE,
        controllers=recent.controllers if recent else _NO_CONTROLLERS,
        reach=_reach(recent, before=reached_before, age=age),
        host=_host(base, base_reason),
        signals=recent,
    )


def _host(base: Verdict, reason: str) -> HostFacts:
    if base == "Unknown":
        return HostFacts(reason=reason)
    ready = {"Healthy": True, "Degraded": True, "Down": False}.get(base)
    return HostFacts(ready, base == "Down", base == "Degraded", reason)


def _reach(signals: Signals | None, *, before: bool, age: float | None) -> Reach:
    if signals is None or not signals.servers:
        # Signals of no server come from a round that failed: they say nothing of how far anything was reached.
        return Reach(before=before, age=age if signals is None else None)
    answering = sum(not server.error for server in signals.servers)
    return Reach(
        asked=len(signals.servers),
        answering=answering,
        ready=signals.servers_ready,
        pages=sum(not server.page_error for server in signals.servers),
        before=before or answering > 0,
        age=age,
        error=next((server.error for server in signals.servers if server.error), ""),
        page_error=next((server.page_error for server in signals.servers if server.page_error), ""),
    )


def is_authority(certificate: CertificateSignal) -> bool:
    """Tell whether a certificate signs others: those of the host's Secrets, and k3s' own by their names."""
    return certificate.source == "secret" or _AUTHORITY.search(certificate.name) is not None


Items = tuple[tuple[str, Any], ...]


def items_of(each: Each, facts: Facts) -> Items | None:
    """Return what a rule with `each` looks at, with the name of each thing; None when that is not known.

    Args:
        each: kind of thing.
        facts: of one control plane.
    """
    if facts.signals is None:
        return None
    return _COLLECTORS[each](facts, facts.signals)


def _servers(_facts: Facts, signals: Signals) -> Items | None:
    return tuple((server.server, server) for server in signals.servers[:MOST_ITEMS]) or None


def _checks(facts: Facts, signals: Signals) -> Items | None:
    if not facts.reach.answering:
        return None
    found = [Check(server.server, name) for server in signals.servers for name in server.failing]
    return tuple((f"{check.name} on {check.server}", check) for check in found[:MOST_ITEMS])


def _queues(_facts: Facts, signals: Signals) -> Items | None:
    return tuple((queue.name, queue) for queue in signals.controllers.queues[:MOST_ITEMS]) or None


def _certificates(_facts: Facts, signals: Signals) -> Items | None:
    return _named(one for one in signals.certificates[:MOST_ITEMS] if not is_authority(one))


def _authorities(_facts: Facts, signals: Signals) -> Items | None:
    return _named(one for one in signals.certificates[:MOST_ITEMS] if is_authority(one))


def _named(certificates: Any) -> Items | None:
    found: dict[str, CertificateSignal] = {}
    for one in certificates:
        # The first to expire comes first; the same name again is a renewed one beside it.
        found.setdefault(f"{one.name} on {one.server}" if one.server else one.name, one)
    return tuple(found.items()) or None


def _processes(_facts: Facts, signals: Signals) -> Items | None:
    return tuple((process.server, process) for process in signals.processes[:MOST_ITEMS]) or None


def _api_services(facts: Facts, signals: Signals) -> Items | None:
    if not facts.reach.pages:
        return None
    names = signals.controllers.unavailable_api_services[:MOST_ITEMS]
    return tuple((name, ApiService(name)) for name in names)


_COLLECTORS: Final[Mapping[Each, Callable[[Facts, Signals], Items | None]]] = {
    "server": _servers,
    "check": _checks,
    "queue": _queues,
    "certificate": _certificates,
    "authority": _authorities,
    "process": _processes,
    "api_service": _api_services,
}
