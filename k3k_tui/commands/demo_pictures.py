"""`k3k demo --screenshot DIR`: every screen of the dashboard as SVG and PNG, without a terminal."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.cli.connect import run
from k3k_core.cli.session import Session
from k3k_core.errors import K3kError, UsageError
from k3k_tui.terminal import Profile, prepare

if TYPE_CHECKING:
    from k3k_tui.commands.pictures.stage import Stage
    from k3k_tui.source import FleetSource

SIZES = ((80, 24), (120, 36), (200, 60))


def take_pictures(
    session: Session, folder: str, *, clusters: int, seed: int, healthy: bool, theme: str
) -> None:
    """Write every screen in every size.

    Args:
        session: says what is done.
        folder: where to; it is created if need be. What has other names in it stays.
        clusters: how many control planes the fleet has.
        seed: of everything that is random.
        healthy: whether the troubles are left out.
        theme: colours; empty for the usual ones.

    Raises:
        K3kError: a picture could not be made or written.
    """
    target = Path(folder).resolve()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be used: {error.strerror}.") from None
    profile = Profile()
    # The surroundings of whoever runs this must not show on the pictures.
    for name in ("NO_COLOR", "TEXTUAL_FILTERS", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM"):
        os.environ.pop(name, None)
    prepare(profile, os.environ)
    run(_take(session, target, clusters=clusters, seed=seed, healthy=healthy, theme=theme))


async def _take(
    session: Session, folder: Path, *, clusters: int, seed: int, healthy: bool, theme: str
) -> None:
    from k3k_tui.commands.pictures.png import check_library
    from k3k_tui.commands.pictures.stage import stage

    check_library()
    say = session.console.note
    async with stage(
        clusters=clusters, seed=seed, healthy=healthy, told=lambda what: say(f"{what} ...")
    ) as made:
        for size in SIZES:
            say(f"{size[0]}x{size[1]} ...")
            await _shoot(session, folder, made, size, theme)


async def _shoot(session: Session, folder: Path, made: Stage, size: tuple[int, int], theme: str) -> None:
    from k3k_tui.commands.pictures.png import png
    from k3k_tui.commands.pictures.scenes import SCENES, Stagehand, steady
    from k3k_tui.commands.pictures.svg import svg
    from k3k_tui.config import TuiConfig
    from k3k_tui.launch import Launch, make_app

    @asynccontextmanager
    async def fleet() -> AsyncIterator[FleetSource]:
        yield made.fleet

    app = make_app(
        fleet=fleet,
        hosts=made.hosts,
        config=TuiConfig(theme=theme),
        profile=Profile(),
        launch=Launch(),
        clock=made.clock,
    )
    async with app.run_test(size=size) as pilot:
        hand = Stagehand(app, pilot, made.subjects())
        for scene in SCENES:
            await hand.home()
            await scene.go(hand)
            try:
                grid = await steady(app, pilot, scene)
            except TimeoutError:
                raise K3kError(f"The screen {scene.name!r} never came, or never stood still.") from None
            name = f"{scene.name}-{size[0]}x{size[1]}"
            _write(folder / f"{name}.svg", svg(grid, scene.title).encode())
            _write(folder / f"{name}.png", png(grid))
            session.console.note(f"  {name}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise K3kError(f"The picture {path} cannot be written: {error.strerror}.") from None
