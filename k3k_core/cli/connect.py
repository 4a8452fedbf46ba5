"""From settings to an open host, and from a coroutine to its result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from k3k_core.cli.session import Session
from k3k_core.host import HostApi, HostOptions

T = TypeVar("T")
_UNHEARD = logging.NullHandler()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C cancels it, lets it clean up, and raises KeyboardInterrupt.

    Args:
        work: the coroutine.
    """
    # What rooms below log is for `-v`; without it Python would write warnings to standard error itself.
    logging.getLogger("k3k_core").addHandler(_UNHEARD)
    # With a factory of its own the runner leaves the process's current event loop alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


def host_options(session: Session, context: str | None = None) -> HostOptions:
    """Return how to reach a host.

    Args:
        session: of the verb.
        context: instead of the one the settings name.
    """
    settings = session.settings
    return HostOptions(settings.kubeconfig, context or settings.context, settings.request_timeout)


def on_host(session: Session, work: Callable[[HostApi], Awaitable[T]]) -> T:
    """Open the one host of the settings, work on it, close it.

    Args:
        session: of the verb.
        work: what to do.

    Raises:
        K3kError: whatever the host or the work raises.
    """
    from k3k_core.host import open_host

    async def visit() -> T:
        async with open_host(host_options(session)) as host:
            return await work(host)

    return run(visit())
