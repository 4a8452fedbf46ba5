"""Every screen of the dashboard, and the way to it: what pictures and snapshots are taken of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, TextArea

from k3k_tui.commands.pictures.grid import Grid, grid_of
from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace, Place
from k3k_tui.screens.control_plane.tabs import TABS
from k3k_tui.screens.stack import place_screen
from k3k_tui.widgets.command_line import CommandLine

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_tui.app import K3kApp

# A screen is done when it has looked the same this often, this many seconds apart.
_SAME, _PAUSE = 4, 0.1
_PATIENCE = 30.0
# Groups of workers that wait for an answer, or follow a log.
_LASTING = ("operation ", "log")
# Dialogs that may lie on top of each other.
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom the scenes show.

    Attributes:
        well: a control plane that is healthy.
        ill: one that is not.
    """

    well: FleetKey
    ill: FleetKey


@dataclass(frozen=True, slots=True)
class Stagehand:
    """Brings the dashboard to a scene.

    Attributes:
        app: the dashboard.
        pilot: drives it.
        subjects: whom scenes show.
    """

    app: K3kApp
    pilot: Pilot[Any]
    subjects: Subjects

    async def open(self, place: Place) -> None:
        """Go to a place."""
        self.app.open_place(place)
        await self.pilot.pause()

    async def command(self, line: str) -> None:
        """Run a command of the `:` line."""
        await self.app.commands.run(line)
        await self.pilot.pause()

    async def until(self, kind: type[Widget]) -> None:
        """Wait until the screen has a widget of a kind."""
        async with asyncio.timeout(_PATIENCE):
            while not self.app.screen.query(kind):
                await self.pilot.pause(_PAUSE)

    async def home(self) -> None:
        """Close what is open, as one would, and go back to the whole fleet."""
        for _ in range(_DEEPEST):
            if self.app.screen is place_screen(self.app) and not self.app.screen.query(CommandLine):
                break
            await self.pilot.press("escape")
            await self.pilot.pause()
        await self.open(FleetPlace())


Way: TypeAlias = Callable[[Stagehand], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One screen.

    Attributes:
        name: of its files.
        title: for people.
        go: the way to it, from the fleet.
        shows: text that is there only when what it is about has been loaded; empty for nothing to load.
    """

    name: str
    title: str
    go: Way
    shows: str = ""


def _at(place: Callable[[Subjects], Place]) -> Way:
    async def go(hand: Stagehand) -> None:
        await hand.open(place(hand.subjects))

    return go


def _typed(line: str) -> Way:
    async def go(hand: Stagehand) -> None:
        await hand.command(line.format(well=hand.subjects.well.name, ill=hand.subjects.ill.name))

    return go


def _done(action: str) -> Way:
    async def go(hand: Stagehand) -> None:
        await hand.app.run_action(action)
        await hand.pilot.pause()

    return go


def _tab(name: str) -> Way:
    # What is wrong is worth a look; values and objects are the same for all.
    return _at(
        lambda who: ControlPlanePlace(who.well if name in {"values", "objects", "logs"} else who.ill, name)
    )


async def _reviewed(hand: Stagehand) -> None:
    await hand.command("create")
    await hand.until(Input)
    await hand.pilot.press(*"webshop", "ctrl+n")


async def _upgrade(hand: Stagehand) -> None:
    await hand.command(f"upgrade {hand.subjects.well.name}")
    await hand.until(OptionList)
    await hand.pilot.press("enter")


async def _restarted(hand: Stagehand) -> None:
    if not hand.app.services.jobs.all:
        await hand.command(f"restart {hand.subjects.well.name}")
        await hand.until(Button)
        if hand.app.screen.query(Input):
            hand.app.screen.query_one(Input).focus()
            await hand.pilot.press(*hand.subjects.well.name, "enter")
        else:
            await hand.pilot.press("right", "enter")
        async with asyncio.timeout(_PATIENCE):
            while hand.app.services.jobs.active or not hand.app.services.jobs.all:
                await hand.pilot.pause(_PAUSE)
        # What is said of it at the edge is not of this screen.
        hand.app.clear_notifications()
    await hand.open(JobsPlace())


async def _asking(hand: Stagehand) -> None:
    await hand.app.run_action("app.command_line")
    await hand.pilot.pause()
    await hand.pilot.press(*"up")


# What a tab shows once its control plane's host has answered.
_LOADED = {"events": "Scheduled", "logs": "level=info", "objects": "StatefulSet", "values": "in force"}
SCENES: tuple[Scene, ...] = (
    Scene("fleet", "The fleet", _at(lambda _who: FleetPlace()), "Healthy"),
    Scene("fleet-faults", "Only what is not well", _typed("filter is:fault"), "is:fault"),
    Scene("fleet-groups", "The fleet by namespace", _typed("group namespace"), "by namespace"),
    *(
        Scene(
            f"control-plane-{tab.name}",
            f"A control plane: {tab.title}",
            _tab(tab.name),
            _LOADED.get(tab.name, ""),
        )
        for tab in TABS
    ),
    Scene("hosts", "The hosts", _at(lambda _who: HostsPlace())),
    Scene("jobs", "What runs in the background", _restarted, "Restarted"),
    Scene("create", "Creating a control plane", _typed("create"), "Namespace"),
    Scene("create-review", "What creating it would do", _reviewed, "The host accepts it"),
    Scene("upgrade", "Upgrading a control plane", _upgrade, "What will happen"),
    Scene("delete", "Deleting a control plane", _typed("delete {well}"), "Cancel"),
    Scene("kubeconfig", "A kubeconfig", _typed("kubeconfig {well}"), "clusters:"),
    Scene("help", "What the keys do", _done("app.help"), "Filter"),
    Scene("palette", "The palette", _done("app.command_palette"), "Describe"),
    Scene("command-line", "The command line", _asking, ":up"),
)


async def steady(app: K3kApp, pilot: Pilot[Any], scene: Scene | None = None) -> Grid:
    """Wait until a screen has everything it wants to show, and return it.

    Args:
        app: the dashboard.
        pilot: drives it.
        scene: what it is to show; None for anything.

    Raises:
        TimeoutError: it never came, or never stood still.
    """
    wanted = scene.shows if scene is not None else ""
    same, last = 0, grid_of(app)
    try:
        async with asyncio.timeout(_PATIENCE):
            while same < _SAME:
                for field in app.screen.query("Input, TextArea"):
                    if isinstance(field, Input | TextArea):
                        field.cursor_blink = False
                await pilot.pause(_PAUSE)
                now = grid_of(app)
                same = same + 1 if now == last and wanted in now.text and not _is_loading(app) else 0
                last = now
    except TimeoutError:
        shown = f"{scene.name}: {wanted!r}" if scene is not None else "the screen"
        raise TimeoutError(f"{shown} never came, or never stood still:\n{last.text}") from None
    return last


def _is_loading(app: K3kApp) -> bool:
    """Return whether something is on its way; what waits for a person or for ever does not count."""
    return any(worker.is_running and not worker.group.startswith(_LASTING) for worker in app.workers)
