"""Every screen as text: its characters in three sizes, its colours in four themes.

After a wanted change: `python -m tests.support.snapshots`, then read the diff.
"""

from __future__ import annotations

import asyncio
import re
import string
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from k3k_core.cli.private_file import write_private
from k3k_core.fleet import FleetKey, FleetRow, HostState
from k3k_core.host import HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.telemetry.judgement import Judgement, Verdict
from k3k_core.values import load_values
from k3k_tui.commands.pictures.grid import Grid, Look
from k3k_tui.commands.pictures.scenes import SCENES, Scene, Stagehand, Subjects, steady
from tests.support.fake_fleet import FakeFleet, lost
from tests.support.fleet_rows import DAY, NOW, degraded, fleet_row, full_signals
from tests.support.sheets import course
from tests.support.tui import SIZES, dashboard

FOLDER = Path(__file__).parents[1] / "tui" / "snapshots"
THEMES = ("harbour", "daylight", "colourblind-dark", "terminal-dark")
HOST = "prod"
_AT = datetime.fromtimestamp(NOW, UTC)
# What the clock of this machine has its hand in, in other figures of the same width.
_MOVING = (
    re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"),
    re.compile(r"\b\d+d\b"),
)
_DIGIT = re.compile(r"\d")
# Names of volumes end in what nobody can foresee.
_VOLUME = re.compile(r"(?<=pvc-)[0-9a-f-]+")
_SEED = 40_412
_COMMAND = "k3k restart storefront -n shop --yes"
# Dashboards at a time: each waits far more than it works.
_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Studio:
    """A sandbox on which time stands still.

    Attributes:
        options: how it is reached.
    """

    options: HostOptions


@asynccontextmanager
async def studio() -> AsyncIterator[Studio]:
    """Run a sandbox with the control planes that scenes look at."""
    # Within the folder, so that its name is on no screen; addresses by this seed are taken by no other test.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        async with Sandbox.start(SandboxOptions(seed=_SEED, start_delay=0.01, now=lambda: _AT)) as sandbox:
            write_private(Path("host.yaml"), sandbox.kubeconfig)
            options = HostOptions("host.yaml")
            async with open_host(options) as host:
                for namespace, name in (("shop", "storefront"), ("payments", "ledger")):
                    values = load_values("version: v1.35.4+k3s1")
                    await create(host, CreateRequest(ControlPlaneId(namespace, name), values, timeout=60))
            yield Studio(options)


def fleet() -> FakeFleet:
    """Return a fleet with every verdict, on a host that answers and one that has stopped to."""
    well = _row("storefront", "shop", signals=full_signals())
    ill = degraded(_row("ledger", "payments", signals=full_signals(scale=8)), "ApiLatencyHigh", "QueueStuck")
    others = [
        _verdict(_row("basil-12", "shop", datastore="etcd", servers_ready=3, servers_wanted=3), "Healthy"),
        _verdict(_row("index", "search", datastore="external", servers_ready=0, servers_wanted=3), "Down"),
        _verdict(_row("pr-1042", "ci", version="v1.36.2+k3s1"), "Progressing"),
        _verdict(_row("staging", "ci"), "Paused"),
        _verdict(_row("pr-1001", "ci"), "Expired"),
        _verdict(_row("intranet", "legacy", system="ayedo", made_by="helm", read_only=True), "Unknown"),
        lost(_verdict(_row("berlin", "stores", host="edge"), "Healthy"), NOW - 600),
        _row("名前-" + "x" * 40, "e\u0301tat", signals=full_signals(scale=0.5)),
    ]
    made = FakeFleet(
        hosts={
            HOST: HostState(HOST, True, NOW - DAY, listed=True, control_planes=9),
            "edge": HostState(
                "edge",
                False,
                NOW - 600,
                error="The host at https://203.0.113.9:6443 does not answer.",
                hint="Check that it runs and that nothing on the way refuses the connection.",
                listed=True,
                control_planes=1,
            ),
        },
        histories={well.id: course(), ill.id: course(60)},
    )
    made.put(well, ill, *others)
    return made


def _row(name: str, namespace: str, **other: Any) -> FleetRow:
    return fleet_row(name, namespace=namespace, **{"host": HOST, "version": "v1.35.4+k3s1", **other})


def _verdict(row: FleetRow, verdict: Verdict) -> FleetRow:
    plane = replace(row.control_plane, verdict=verdict)
    return replace(row, control_plane=plane, judgement=Judgement(verdict, NOW - 3600))


async def take(scene: Scene, made: Studio) -> str:
    """Return a screen as text.

    Args:
        scene: which one.
        made: the sandbox behind it.
    """
    shown = fleet()
    app = dashboard(shown, hosts={HOST: made.options})
    subjects = Subjects(FleetKey(HOST, "shop", "storefront"), FleetKey(HOST, "payments", "ledger"))
    parts = []
    async with app.run_test(size=SIZES[0]) as pilot:
        hand = Stagehand(app, pilot, subjects)
        await steady(app, pilot)
        if scene.name == "jobs":
            # What a real one tells depends on how fast it is.
            app.services.jobs.start("Restart", "prod/shop/storefront", _restart, command=_COMMAND)
        await scene.go(hand)
        for theme in THEMES:
            app.themes.use(theme)
            grid = await steady(app, pilot, scene)
            if theme == THEMES[0]:
                parts.append(_characters(grid))
            parts.append(_colors(grid, theme))
        app.themes.use(THEMES[0])
        for size in SIZES[1:]:
            await pilot.resize_terminal(*size)
            parts.append(_characters(await steady(app, pilot, scene)))
    return "\n".join(parts)


@asynccontextmanager
async def taking(scenes: Iterable[Scene]) -> AsyncIterator[Mapping[str, asyncio.Task[str]]]:
    """Take several screens side by side, and give each by its name.

    Args:
        scenes: which ones.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    async with studio() as made:

        async def take_in_turn(scene: Scene) -> str:
            async with turns:
                return await take(scene, made)

        # Each dashboard puts back the streams it found, which are those of another one.
        with redirect_stdout(sys.stdout), redirect_stderr(sys.stderr):
            tasks = {scene.name: asyncio.create_task(take_in_turn(scene)) for scene in scenes}
            try:
                yield tasks
            finally:
                for task in tasks.values():
                    task.cancel()
                await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _restart(progress: Progress) -> str:
    progress(Step("restart", "done", "told the servers to start again, one at a time"))
    progress(
        Step("ready", "done", "storefront-k3k-server-0 is ready (1 of 1)", "Pod/storefront-k3k-server-0")
    )
    return "Restarted 1 server of shop/storefront."


def _characters(grid: Grid) -> str:
    lines = [f"|{_still(line)}|" for line in grid.text.split("\n")]
    return "\n".join((f"=== {grid.width}x{grid.height}", *lines, ""))


def _still(line: str) -> str:
    for pattern in _MOVING:
        line = pattern.sub(lambda found: _DIGIT.sub("0", found.group()), line)
    return _VOLUME.sub(lambda found: "0" * len(found.group()), line)


def _colors(grid: Grid, theme: str) -> str:
    """Return which look is where: a letter and a width for each run, equal lines counted."""
    names: dict[Look, str] = {}
    letters = iter((*string.ascii_letters, *(a + b for a in "αβγδ" for b in string.ascii_lowercase)))
    lines = []
    for line in grid.lines:
        runs = []
        for look, group in groupby(line, key=lambda run: run.look):
            name = names.get(look) or names.setdefault(look, next(letters))
            runs.append(f"{name}{sum(run.width for run in group)}")
        lines.append(" ".join(runs))
    counted = [f"{line} x{sum(1 for _ in same)}" for line, same in groupby(lines)]
    legend = [f"{name} = {_described(look)}" for look, name in names.items()]
    return "\n".join(
        (f"=== colours of {theme}", *(each.removesuffix(" x1") for each in counted), *legend, "")
    )


def _described(look: Look) -> str:
    words: Iterable[str] = (word for word in ("bold", "italic", "underline", "strike") if getattr(look, word))
    return " ".join((look.color, "on", look.background, *words))


def path_of(scene: Scene) -> Path:
    """Return the file of a scene."""
    return FOLDER / f"{scene.name}.txt"


async def renew(names: Iterable[str]) -> None:
    """Write the files anew.

    Args:
        names: of scenes; none means all.
    """
    wanted = set(names) or {scene.name for scene in SCENES}
    FOLDER.mkdir(exist_ok=True)
    scenes = [scene for scene in SCENES if scene.name in wanted]
    async with taking(scenes) as screens:
        for scene in scenes:
            path_of(scene).write_text(await screens[scene.name], encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(renew(sys.argv[1:]))
