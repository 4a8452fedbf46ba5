"""Pausing, protecting, times to live and rolling back from the dashboard, to the end on a sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from k3k_core.host import Host
from k3k_core.lifecycle.protect import is_protected
from k3k_core.lifecycle.ttl import expires_at_of
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET
from k3k_tui.operations.upgrade import UpgradeQuestion
from k3k_tui.widgets.dialogs import Ask, Choose, Confirm, ConfirmByName
from tests.support.stage import NAMESPACE, Stage, stage, text_of


async def agreed(on: Stage, operation: str, name: str, *words: str) -> str:
    """Begin an operation, agree to its plan, wait for its job, and return what the dialog said."""
    await on.begin(operation, name, words=words)
    dialog = await on.dialog(Confirm)
    text = text_of(dialog.lines)
    await on.pilot.press("right", "enter")
    jobs = await on.jobs_done()
    assert jobs[-1].state == "done"
    return text


async def test_a_control_plane_is_paused_and_resumed_and_what_it_is_already_is_said(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci") as on:
        assert "the API does not answer any more" in await agreed(on, "pause", "ci")
        assert (await on.host.list(POD, NAMESPACE)).items == []
        await on.notice("Control plane shop/ci paused.")
        await on.begin("pause", "ci")
        await on.notice("it is paused already")

        await agreed(on, "resume", "ci")
        assert len((await on.host.list(POD, NAMESPACE)).items) == 1
        titles = [(job.title, job.command.split()[1]) for job in reversed(on.app.services.jobs.all)]
        assert titles == [("Pause", "pause"), ("Resume", "resume")]


async def test_what_would_lose_its_data_wants_its_name_typed(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", values="persistence: {enabled: false}") as on:
        await on.begin("pause", "ci")
        dialog = await on.dialog(ConfirmByName)
        assert "is on no volume" in text_of(dialog.lines)
        await on.pilot.press("escape")
        assert on.app.services.jobs.all == ()


async def test_a_protected_control_plane_is_not_deleted_and_one_with_a_time_to_live_gets_more(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, "ci") as on:
        identity = on.identity("ci")
        await agreed(on, "protect", "ci")
        assert is_protected(await on.host.get(SECRET, NAMESPACE, identity.root))
        await on.begin("delete", "ci")
        await on.notice("it is protected")

        await on.begin("ttl", "ci")
        asked = await on.dialog(Ask)
        asked.query_one(Input).value = "2h"
        await on.pilot.press("enter")
        await on.dialog(Confirm)
        await on.pilot.press("right", "enter")
        await on.jobs_done()
        ends = expires_at_of(await on.host.get(SECRET, NAMESPACE, identity.root))
        assert ends is not None
        assert ends > datetime.now(UTC) + timedelta(minutes=110)


async def test_a_backup_is_taken_where_the_command_would_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    async with stage(tmp_path, "ci") as on:
        assert "encrypt it" in await agreed(on, "backup", "ci")
        await on.notice("Backed up shop/ci to")
        assert [path.name[:7] for path in (tmp_path / "home").rglob("*.k3kbackup")] == ["shop.ci"]


async def test_a_revision_is_picked_and_its_values_come_back(tmp_path: Path) -> None:
    async def change(host: Host) -> None:
        request = UpgradeRequest(ControlPlaneId(NAMESPACE, "ci"), assignments=("k3s.debug=true",))
        await upgrade(host, request)

    async with stage(tmp_path, "ci", prepare=change) as on:
        await on.begin("rollback", "ci")
        await on.dialog(Choose)
        await on.pilot.press("enter")
        question = await on.dialog(UpgradeQuestion)
        assert "k3s.debug" in text_of(question.lines)
        await on.pilot.press("right", "enter")
        (job,) = await on.jobs_done()
        assert (job.state, job.title) == ("done", "Roll back to revision 1")
        assert "rollback ci -n shop" in job.command
