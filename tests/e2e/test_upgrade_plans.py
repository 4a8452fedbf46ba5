"""Plans of upgrades as they are printed, compared with files under review.

After a wanted change write them anew with `python -m tests.support.upgrade_plans` and read the diff before
committing.
"""

from __future__ import annotations

import pytest

from k3k_core.host import Host
from tests.support.hosts import REAL
from tests.support.upgrade_plans import DIRECTORY, names, path_of, plans

pytestmark = pytest.mark.skipif(bool(REAL), reason="a real cluster prints other addresses and classes")


async def test_every_plan_is_the_one_under_review(api: Host) -> None:
    expected = {name: path_of(name).read_text(encoding="utf-8") for name in names()}
    assert await plans(api) == expected, "wanted? then run: python -m tests.support.upgrade_plans"


def test_every_file_has_its_plan() -> None:
    # The plan of a move is under review beside them.
    assert {path.stem for path in DIRECTORY.glob("*.txt")} == {*names(), "migrate"}
