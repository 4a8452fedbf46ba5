"""Every screen looks as it did: its characters in three sizes, its colours in four themes.

`python -m tests.support.snapshots` writes the files anew after a wanted change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from k3k_tui.commands.pictures.scenes import SCENES, Scene
from tests.support.snapshots import FOLDER, path_of, taking

# They are taken side by side, over one sandbox.
pytestmark = pytest.mark.xdist_group("snapshots")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screens(request: pytest.FixtureRequest) -> AsyncIterator[Mapping[str, asyncio.Task[str]]]:
    """Every screen that a test of this run is about."""
    names = {item.name for item in request.session.items if isinstance(item, pytest.Function)}
    wanted = [scene for scene in SCENES if any(f"[{scene.name}]" in name for name in names)]
    async with taking(wanted) as tasks:
        yield tasks


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_screen_looks_as_it_did(scene: Scene, screens: Mapping[str, asyncio.Task[str]]) -> None:
    assert await screens[scene.name] == path_of(scene).read_text(encoding="utf-8")


def test_no_file_is_left_of_a_screen_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path_of(scene).name for scene in SCENES}
