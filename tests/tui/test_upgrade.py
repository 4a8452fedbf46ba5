"""Upgrading and restarting from the dashboard, to the end on a sandbox."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList

from k3k_core.host import Host
from k3k_core.lifecycle.restart import ANNOTATION_RESTARTED
from k3k_core.resources import POD, STATEFUL_SET
from k3k_tui.operations.upgrade import UpgradeQuestion
from k3k_tui.widgets.dialogs import Choose, Confirm, ConfirmByName, Notice
from tests.support.stage import NAMESPACE, Stage, stage, text_of

OLD = "version: v1.35.4+k3s1"


async def images(host: Host) -> set[str]:
    """Tags of the images that servers run."""
    pods = (await host.list(POD, NAMESPACE)).items
    return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods}


async def restarted_at(on: Stage, name: str) -> str:
    """When the servers were last told to start again; empty for never."""
    found = await on.host.get(STATEFUL_SET, NAMESPACE, on.identity(name).server)
    return str((found["spec"]["template"]["metadata"].get("annotations") or {}).get(ANNOTATION_RESTARTED, ""))


async def test_a_version_the_rules_allow_is_picked_what_will_happen_read_and_the_servers_run_it(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, "ci", values=OLD) as on:
        await on.begin("upgrade", "ci")
        dialog = await on.dialog(Choose)
        offered = [str(option.prompt) for option in dialog.query_one(OptionList).options]
        assert any(text.startswith("v1.36.4+k3s1") for text in offered)
        assert not any(text.startswith(("v1.37", "v1.34", "v1.35.4")) for text in offered)
        await on.pilot.press("enter")

        question = await on.dialog(UpgradeQuestion)
        text = text_of(question.lines)
        assert "v1.35.4+k3s1 to v1.36.4+k3s1" in text
        assert "is replaced; the API does not answer meanwhile" in text
        assert "Stop ci-k3k-server-0 and start it with v1.36.4+k3s1" in text
        assert '+ "v1.36.4+k3s1"' in text
        assert "k3s does not go back to an older version" in text
        await on.pilot.press("enter")
        assert await images(on.host) == {"v1.35.4-k3s1"}

        await on.begin("upgrade", "ci", words=("v1.36.4+k3s1",))
        await on.dialog(UpgradeQuestion)
        await on.pilot.press("right", "enter")
        (job,) = await on.jobs_done()
        assert (job.state, job.title) == ("done", "Upgrade to v1.36.4+k3s1")
        assert "--version v1.36.4+k3s1" in job.command
        assert await images(on.host) == {"v1.36.4-k3s1"}


async def test_what_the_rules_forbid_is_said_with_what_to_do_instead(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", values="version: v1.34.6+k3s1") as on:
        await on.begin("upgrade", "ci", words=("v1.36.2+k3s1",))
        notice = await on.dialog(Notice)
        text = text_of(notice.lines)
        assert "takes one at a time" in text
        assert "upgrade to v1.35." in text
        await on.pilot.press("enter")
        assert on.app.services.jobs.all == ()


async def test_several_are_upgraded_after_one_question_without_those_that_may_not(tmp_path: Path) -> None:
    async with stage(tmp_path, "old", "new", values=OLD) as on:
        await on.begin("upgrade", "new", words=("v1.36.2+k3s1",))
        await on.dialog(UpgradeQuestion)
        await on.pilot.press("right", "enter")
        await on.jobs_done()

        await on.begin("upgrade", "old", "new", words=("v1.36.2+k3s1",))
        question = await on.dialog(UpgradeQuestion)
        text = text_of(question.lines)
        assert question.dialog_title == "Upgrade 1 control plane to v1.36.2+k3s1"
        assert "1 control plane is left alone" in text
        assert "it is as asked for already" in text
        await on.pilot.press("right", "enter")
        jobs = await on.jobs_done()
        assert [(job.target.rpartition("/")[2], job.state) for job in jobs] == [
            ("new", "done"),
            ("old", "done"),
        ]
        assert await images(on.host) == {"v1.36.2-k3s1"}


async def test_an_upgrade_that_loses_what_is_stored_wants_the_name(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", values=f"{OLD}\npersistence: {{enabled: false}}") as on:
        await on.begin("upgrade", "ci", words=("v1.36.2+k3s1",))
        question = await on.dialog(UpgradeQuestion)
        assert "everything stored in it is lost" in text_of(question.lines)
        await on.pilot.press("right", "enter", "c", "i", "enter")
        (job,) = await on.jobs_done()
        assert job.state == "done"
        assert await images(on.host) == {"v1.36.2-k3s1"}


async def test_a_restart_starts_every_server_again(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci") as on:
        before = {pod["metadata"]["uid"] for pod in (await on.host.list(POD, NAMESPACE)).items}
        await on.begin("restart", "ci")
        question = await on.dialog(Confirm)
        assert not isinstance(question, ConfirmByName)
        assert "its only server; the API does not answer meanwhile" in text_of(question.lines)
        await on.pilot.press("enter")
        assert await restarted_at(on, "ci") == ""

        await on.begin("restart", "ci")
        await on.dialog(Confirm)
        await on.pilot.press("right", "enter")
        (job,) = await on.jobs_done()
        assert (job.state, job.outcome) == ("done", "Restarted 1 server of shop/ci.")
        after = {pod["metadata"]["uid"] for pod in (await on.host.list(POD, NAMESPACE)).items}
        assert before.isdisjoint(after)


async def test_a_restart_that_loses_what_is_stored_wants_the_name(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", values="persistence: {enabled: false}") as on:
        await on.begin("restart", "ci")
        question = await on.dialog(ConfirmByName)
        assert "everything stored in it is lost" in text_of(question.lines)
        assert question.word == "ci"
        await on.pilot.press("right", "enter", "escape")
        assert on.app.services.jobs.all == ()
