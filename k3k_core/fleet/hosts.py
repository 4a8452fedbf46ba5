"""Following one host: connecting, keeping copies current, connecting anew when that stops working."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from k3k_core.discovery.inventory import Found
from k3k_core.errors import ForbiddenError, K3kError, UnreachableError
from k3k_core.fleet.following import AnyReflector, Copies, CurrentHost
from k3k_core.fleet.pods import PodFacts, by_control_plane
from k3k_core.fleet.rows import HostState
from k3k_core.host import Backoff, HostApi, HostOptions, Key, hosts, open_host
from k3k_core.resources import SECRET

logger = logging.getLogger(__name__)

Open: TypeAlias = Callable[[HostOptions], AbstractAsyncContextManager[HostApi]]

# Seconds between two looks at whether the host still answers, and for the answer: watches alone would notice
# a network that swallows packets only after minutes.
PULSE = 20.0
_PULSE_TIMEOUT = 10.0
# Looks in a row without success after which the host is opened anew, with the kubeconfig as it is then.
_PATIENCE = 2
_REOPEN = Backoff(first=1.0, limit=60.0)
_RELIST = Backoff(first=0.5, limit=30.0)
_CURRENT = "the current context"


class HostFollower:
    """Keeps the objects of one host current while `run` runs; failures become `state`.

    Args:
        options: how to reach it.
        namespace: only this namespace; None for all.
        changed: called after every change, of the objects or of the state.
        opened: opens it.
        clock: seconds since 1970.
        pulse: seconds between two looks at whether it answers.
    """

    def __init__(
        self,
        options: HostOptions,
        *,
        namespace: str | None,
        changed: Callable[[HostFollower], None],
        opened: Open = open_host,
        clock: Callable[[], float] = time.time,
        pulse: float = PULSE,
    ) -> None:
        self._options = options
        self._changed = changed
        self._open = opened
        self._clock = clock
        self._pulse = pulse
        name = options.context or _CURRENT
        self._current = CurrentHost(name)
        self._helm = asyncio.Event()
        self.copies = Copies(self._current, namespace, _RELIST)
        self.state = HostState(name, connected=False, since=clock())

    @property
    def name(self) -> str:
        """Name of the host; of one whose kubeconfig cannot be read, what it was asked for as."""
        return self.state.name

    @property
    def stale_since(self) -> float | None:
        """Since when its objects have not been followed, seconds since 1970; None while they are."""
        return None if self.state.connected or not self.state.listed else self.state.since

    async def run(self) -> None:
        """Follow the host until cancelled."""
        async with asyncio.TaskGroup() as group:
            for copy in (*self.copies.always, *self.copies.of_helm):
                group.create_task(self._notice(copy))
            await self._connect_for_ever()

    def found(self) -> Iterator[Found]:
        """Yield its control planes as its objects show them now."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        return self.copies.inventory().found(self.name, now=now)

    def pods(self) -> Mapping[Key, tuple[PodFacts, ...]] | None:
        """Return the pods by namespace and control plane; None when they cannot be seen."""
        if self.copies.pods.state.phase in {"starting", "forbidden"}:
            return None
        return by_control_plane(self.copies.pods.objects)

    def credential_versions(self) -> Mapping[Key, str]:
        """Return the version of every Secret with credentials."""
        return self.copies.credential_versions()

    @property
    def api(self) -> HostApi:
        """The open host.

        Raises:
            UnreachableError: it is not connected now.
        """
        return self._current.host

    async def secret(self, key: Key) -> dict[str, str]:
        """Read one Secret, decoded.

        Args:
            key: which one.

        Raises:
            K3kError: the host refuses or does not answer, or what it holds is not text.
        """
        from k3k_core.manifests import secret_data

        return secret_data(await self._current.host.get(SECRET, key.namespace, key.name))

    def doubt(self, error: Exception) -> None:
        """Take note that what the host gave makes no sense.

        Args:
            error: what became of the attempt to use it.
        """
        self._fail(f"Host {self.name} gave an answer that cannot be used ({type(error).__name__}).")

    async def _connect_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                async with self._open(self._resolved()) as host:
                    self._current.connect(host)
                    if host.name != self.state.name:
                        self._tell(replace(self.state, name=host.name))
                    failures = 0 if await self._follow(host) else failures + 1
            except K3kError as error:
                failures += 1
                self._fail(error.message, error.hint, forbidden=isinstance(error, ForbiddenError))
            except Exception as error:
                # A host may answer with anything; whatever it is must not end the fleet.
                logger.debug("host %s", self.name, exc_info=True)
                failures += 1
                self.doubt(error)
            finally:
                self._current.disconnect()
            await asyncio.sleep(_REOPEN.delay(max(failures, 1)))

    def _resolved(self) -> HostOptions:
        """Name the current context now: it must stay the same one when the kubeconfig changes."""
        if self._options.context is None:
            current = next((item.name for item in hosts(self._options) if item.current), None)
            self._options = replace(self._options, context=current)
            if current is not None:
                self._tell(replace(self.state, name=current))
        return self._options

    async def _follow(self, host: HostApi) -> bool:
        """Follow an open host until it has to be opened anew; return whether it ever was current."""
        was_current = False
        failures = 0
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(copy.run()) for copy in self.copies.always]
            tasks.append(group.create_task(self._run_helm()))
            while failures < _PATIENCE:
                await asyncio.sleep(self._pulse if was_current else min(self._pulse, 1.0))
                alive = await self._answers(host)
                if alive:
                    self._look()
                phases = {copy.state.phase for copy in self.copies.needed}
                was_current = was_current or phases == {"current"}
                failures = 0 if alive and not phases & {"stale", "forbidden"} else failures + 1
            for task in tasks:
                task.cancel()
        return was_current

    async def _run_helm(self) -> None:
        """Follow the other objects of the ayedo chart once there is a release of it."""
        await self._helm.wait()
        async with asyncio.TaskGroup() as group:
            for copy in self.copies.of_helm:
                group.create_task(copy.run())

    async def _answers(self, host: HostApi) -> bool:
        try:
            async with asyncio.timeout(_PULSE_TIMEOUT):
                await host.version()
        except TimeoutError:
            self._fail(f"Host {self.name} ({host.server}) has stopped answering.", "Check that it is up.")
        except UnreachableError as error:
            self._fail(error.message, error.hint)
        except K3kError:
            # It answers; whether it is of use the copies know.
            return True
        else:
            return True
        return False

    async def _notice(self, copy: AnyReflector) -> None:
        async for _ in copy.batches():
            self._look()
            self._changed(self)

    def _look(self) -> None:
        """Bring the state in line with the copies."""
        if self.copies.has_releases:
            self._helm.set()
        states = [copy.state for copy in self.copies.needed]
        trouble = next((state for state in states if state.phase in {"stale", "forbidden"}), None)
        if trouble is not None:
            self._fail(trouble.reason, trouble.hint, forbidden=trouble.phase == "forbidden")
        elif self.state.listed or self._complete():
            self._succeed()

    def _complete(self) -> bool:
        """Whether everything has been listed that can be: what this identity may not see is left out."""
        copies = (*self.copies.always, *(self.copies.of_helm if self._helm.is_set() else ()))
        return all(copy.state.phase != "starting" for copy in copies)

    def _succeed(self) -> None:
        state = self.state
        if not state.connected or state.error or not state.listed:
            since = state.since if state.connected else self._clock()
            self._tell(
                replace(state, connected=True, since=since, error="", hint="", listed=True, forbidden=False)
            )

    def _fail(self, error: str, hint: str = "", *, forbidden: bool = False) -> None:
        state = self.state
        since = self._clock() if state.connected else state.since
        failed = replace(state, connected=False, since=since, error=error, hint=hint, forbidden=forbidden)
        if failed != state:
            self._tell(failed)

    def _tell(self, state: HostState) -> None:
        self.state = state
        self._changed(self)
