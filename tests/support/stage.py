"""A dashboard over a sandbox with control planes on it, for tests that walk an action to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen

from k3k_core.fleet import Fleet, FleetKey, FleetOptions
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values
from k3k_tui.app import K3kApp
from k3k_tui.jobs.job import Job
from k3k_tui.operations import operate
from k3k_tui.places import Place
from k3k_tui.view.lines import Line
from tests.support.tui import dashboard, until

NAMESPACE = "shop"
S = TypeVar("S", bound=Screen[Any])


@dataclass(slots=True)
class Stage:
    """A sandbox, the dashboard over it, and who drives that.

    Attributes:
        app: the dashboard.
        pilot: presses its keys.
        host: an administrator's client of the sandbox.
        options: how the sandbox is reached.
        keys: its control planes by name.
    """

    app: K3kApp
    pilot: Pilot[Any]
    host: Host
    options: HostOptions
    keys: dict[str, FleetKey]

    def identity(self, name: str) -> ControlPlaneId:
        """Return which control plane of the sandbox a name means."""
        return ControlPlaneId(NAMESPACE, name)

    async def begin(self, operation: str, *names: str, words: tuple[str, ...] = ()) -> None:
        """Begin an operation on control planes."""
        operate(self.app, operation, tuple(self.keys[name] for name in names), words)
        await self.pilot.pause()

    async def dialog(self, kind: type[S]) -> S:
        """Wait for a dialog and return it."""
        await until(self.pilot, lambda: isinstance(self.app.screen, kind), f"a {kind.__name__}")
        await self.pilot.pause()
        screen = self.app.screen
        assert isinstance(screen, kind)
        return screen

    async def notice(self, part: str) -> str:
        """Wait until something is said at the edge of the screen, and return it."""

        def said() -> list[str]:
            return [notice.message for notice in self.app._notifications if part in notice.message]

        await until(self.pilot, lambda: bool(said()), f"somebody says {part!r}")
        return said()[0]

    async def jobs_done(self) -> tuple[Job, ...]:
        """Wait until no job runs, and return all of them, the oldest first."""
        jobs = self.app.services.jobs
        await until(self.pilot, lambda: bool(jobs.all) and not jobs.active, "the end of all jobs")
        return tuple(reversed(jobs.all))


@asynccontextmanager
async def stage(
    folder: Path,
    *names: str,
    values: str = "",
    size: tuple[int, int] = (80, 24),
    place: Place | None = None,
    prepare: Callable[[Host], Awaitable[Any]] | None = None,
    read_only: bool = False,
) -> AsyncIterator[Stage]:
    """Run a dashboard over a sandbox.

    Args:
        folder: for the kubeconfig.
        names: control planes to be made there first.
        values: their values.
        size: of the terminal.
        place: where the dashboard opens.
        prepare: does more to the sandbox first.
        read_only: whether the dashboard leaves out what changes something.
    """
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
        path = folder / "host.yaml"
        path.write_text(sandbox.kubeconfig)
        context = sandbox_context(path)
        options = HostOptions(str(path), context)
        async with open_host(options) as host:
            for name in names:
                request = CreateRequest(ControlPlaneId(NAMESPACE, name), load_values(values), timeout=60)
                await create(host, request)
            if prepare is not None:
                await prepare(host)
            app = dashboard(
                opened=lambda: Fleet(FleetOptions((options,), scrape=None)),
                hosts={context: options},
                place=place,
                read_only=read_only,
            )
            async with app.run_test(size=size) as pilot:
                keys = {name: FleetKey(context, NAMESPACE, name) for name in names}
                rows = app.services.fleet
                await until(pilot, lambda: all(key in rows.rows for key in keys.values()), "all rows")
                yield Stage(app, pilot, host, options, keys)


def sandbox_context(path: Path) -> str:
    """Return the name of the only context of a kubeconfig."""
    import yaml

    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return str(content["current-context"])


def text_of(lines: Sequence[Line]) -> str:
    """Return what lines say, without what it means."""
    return "\n".join("".join(cell.text for cell in line) for line in lines)
