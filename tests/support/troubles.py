"""What can befall a host while a verb runs, as data: each begins at the n-th request that k3k makes.

for trouble in TROUBLES:
    with trouble.begin(sandbox, identity, at=7):
        ...                                         # ends in done, or in one error that says what to do
    ...                                             # the same again is done
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.sandbox.api.store_errors import ObjectMissingError

# More servers than any test has.
_SERVERS = 5


@dataclass
class Stage:
    """Where a trouble plays.

    Attributes:
        sandbox: the host.
        identity: the control plane.
        seen: requests that k3k made since it began, the one at hand included.
    """

    sandbox: Sandbox
    identity: ControlPlaneId
    seen: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def spend(self, name: str, times: int) -> bool:
        """Say so many times that something is to happen."""
        self.left[name] = self.left.get(name, times) - 1
        return self.left[name] >= 0


# Given the stage and a request from the n-th on, says what becomes of it.
Act = Callable[[Stage, Request], Fault | None]


@dataclass(frozen=True)
class Trouble:
    """One trouble.

    Attributes:
        name: what happens.
        act: called for each request of k3k's from the n-th on.
        passes: whether it goes away by itself, so that every verb gets over it.
        after: undoes it.
    """

    name: str
    act: Act
    passes: bool = False
    after: Callable[[Stage], None] = lambda _: None

    @contextmanager
    def begin(self, sandbox: Sandbox, identity: ControlPlaneId, at: int) -> Iterator[Stage]:
        """Have it happen from the n-th request on, until the end of the block.

        Args:
            sandbox: the host.
            identity: the control plane.
            at: number of the first request that is troubled, from 1.
        """
        stage = Stage(sandbox, identity)

        def hook(request: Request) -> Fault | None:
            if not request.user_agent.startswith("k3k"):
                return None
            stage.seen += 1
            return self.act(stage, request) if stage.seen >= at else None

        sandbox.faults.append(hook)
        try:
            yield stage
        finally:
            sandbox.faults.hooks.remove(hook)
            self.after(stage)


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    kind = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**kind, "message": message, "reason": reason, "code": code}


def _too_busy(_: Stage, __: Request) -> Fault:
    body = _status(429, "TooManyRequests", "too many requests, please try again later")
    return Fault(status=429, headers={"Retry-After": "0"}, body=body)


def _failing(_: Stage, __: Request) -> Fault:
    return Fault(status=500, body=_status(500, "InternalError", "etcd is on fire"))


def _in_conflict(stage: Stage, request: Request) -> Fault | None:
    """Somebody else changes everything that is written."""
    if request.method not in {"PUT", "PATCH"} or "dryRun" in request.query:
        return None
    text = "the object has been modified; please apply your changes to the latest version and try again"
    return Fault(status=409, body=_status(409, "Conflict", text)) if stage.spend("writes", 2) else None


def _watches_dropped(stage: Stage, request: Request) -> Fault | None:
    if request.query.get("watch") not in {"1", "true"}:
        return None
    return Fault(drop="after") if stage.spend("watches", 4) else None


def _restarting(stage: Stage, _: Request) -> Fault | None:
    """The API server is away for some requests, and remembers nothing of what was watched."""
    if stage.spend("down", 6):
        return Fault(drop="before")
    if stage.spend("up", 1):
        stage.sandbox.store.compact()
    return None


def _server_lost(stage: Stage, _: Request) -> None:
    if stage.spend("servers", 1):
        for pod in stage.sandbox.store.list(POD, stage.identity.namespace):
            if pod["metadata"]["name"].startswith(f"{stage.identity.server}-"):
                with suppress(ObjectMissingError):
                    stage.sandbox.store.delete(POD, stage.identity.namespace, pod["metadata"]["name"])
                return


def _never_ready(stage: Stage, _: Request) -> None:
    if stage.spend("begun", 1):
        for number in range(_SERVERS):
            _faults(stage, number).switch_on("unready")


def _ready_again(stage: Stage) -> None:
    for number in range(_SERVERS):
        _faults(stage, number).switch_off()


def _faults(stage: Stage, number: int) -> Any:
    return stage.sandbox.faults_of(stage.identity.namespace, f"{stage.identity.server}-{number}")


TROUBLES = (
    Trouble("answers 429", _too_busy),
    Trouble("answers 500", _failing),
    Trouble("answers 409", _in_conflict),
    Trouble("drops watches", _watches_dropped, passes=True),
    Trouble("restarts", _restarting),
    Trouble("loses a server", _server_lost),
    Trouble("never ready", _never_ready, after=_ready_again),
)


@contextmanager
def counted(sandbox: Sandbox) -> Iterator[Callable[[], int]]:
    """Count the requests that k3k makes in a block."""
    stage = Stage(sandbox, ControlPlaneId("", ""))

    def hook(request: Request) -> None:
        stage.seen += request.user_agent.startswith("k3k")

    sandbox.faults.append(hook)
    try:
        yield lambda: stage.seen
    finally:
        sandbox.faults.hooks.remove(hook)
