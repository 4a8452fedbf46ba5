"""Every screen looks as it did: its characters in three sizes, its colours in four themes.

`python -m tests.support.snapshots` writes the files anew after a wanted change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from k3k_tui.commands.pictures.scenes import SCENES, Scene
from tests.support.snapshots import FOLDER, Studio, path_of, studio, take

# One sandbox for all of them.
pytestmark = pytest.mark.xdist_group("snapshots")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made() -> AsyncIterator[Studio]:
    """The sandbox behind the screens."""
    async with studio() as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_screen_looks_as_it_did(scene: Scene, made: Studio) -> None:
    assert await take(scene, made) == path_of(scene).read_text(encoding="utf-8")


def test_no_file_is_left_of_a_screen_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path_of(scene).name for scene in SCENES}
