"""From a key or a typed command to what the host then holds."""

from __future__ import annotations

from pathlib import Path

from k3k_core.resources import POD, SECRET
from k3k_tui.operations.delete import DeleteDialog
from k3k_tui.operations.upgrade import UpgradeQuestion
from k3k_tui.screens.fleet import FleetScreen
from k3k_tui.widgets.dialogs import Choose
from k3k_tui.widgets.line_table import LineTable
from tests.support.stage import NAMESPACE, stage, text_of
from tests.support.tui import until


async def test_marked_control_planes_are_deleted_with_one_key_and_one_answer(tmp_path: Path) -> None:
    async with stage(tmp_path, "one", "two", "three") as on:
        screen = on.app.screen
        assert isinstance(screen, FleetScreen)
        table = screen.query_one(LineTable)
        await until(on.pilot, lambda: len(table.keys_in_sight) == 3, "the rows are shown")
        table.go_to(on.keys["one"])
        await on.pilot.press("space")
        table.go_to(on.keys["two"])
        await on.pilot.press("space", "D")
        dialog = await on.dialog(DeleteDialog)
        assert "three" not in text_of(dialog.lines)
        await on.pilot.press(*"delete", "escape")
        await until(on.pilot, lambda: on.app.screen is screen, "escape leaves everything as it was")
        assert screen.targets() == (on.keys["one"], on.keys["two"])

        await on.pilot.press("D")
        dialog = await on.dialog(DeleteDialog)
        dialog.query_one("#word").focus()
        await on.pilot.press(*"delete", "space", "2", "enter")
        jobs = await on.jobs_done()
        assert [job.state for job in jobs] == ["done", "done"]
        secrets = (await on.host.list(SECRET, NAMESPACE)).items
        assert {item["metadata"]["name"].split("-")[0] for item in secrets} == {"three"}
        await until(on.pilot, lambda: table.keys_in_sight == (on.keys["three"],), "the rows go")


async def test_a_typed_upgrade_needs_no_list_and_a_key_shows_one(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", values="version: v1.35.4+k3s1") as on:
        screen = on.app.screen
        await until(on.pilot, lambda: on.app.targets() == (on.keys["ci"],), "the cursor is on it")
        await on.pilot.press("u")
        await on.dialog(Choose)
        await on.pilot.press("escape")
        await until(on.pilot, lambda: on.app.screen is screen, "escape leaves everything as it was")
        await on.pilot.press("colon")
        await on.pilot.press(*"upgrade", "space", *"ci", "space", *"v1.36.2", "plus", *"k3s1", "enter")
        await on.dialog(UpgradeQuestion)
        await on.pilot.press("right", "enter")
        (job,) = await on.jobs_done()
        assert job.title == "Upgrade to v1.36.2+k3s1"
        pods = (await on.host.list(POD, NAMESPACE)).items
        assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"rancher/k3s:v1.36.2-k3s1"}
