"""What verdict rules may read: signals, how far the control plane was reached, and what its host says."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from k3k_core.telemetry.expressions import ExpressionError
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    ControllerSignals,
    DatastoreSignals,
    ProcessSignals,
    QueueSignals,
    ServerHealth,
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
