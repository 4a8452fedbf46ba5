"""Deleting from the dashboard: what is asked, what then is gone from the host, and what is left alone."""

from __future__ import annotations

from pathlib import Path

from textual.events import Key
from textual.widgets import Button, Checkbox, Input

from k3k_core.fleet import FleetKey
from k3k_core.host import Host
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET
from k3k_tui.operations.delete import DeleteDialog
from tests.support.stage import NAMESPACE, stage, text_of
from tests.support.tui import until


async def names(host: Host, *resources: str) -> set[str]:
    """Names of the Secrets and volumes on the host."""
    found = [await host.list(resource, NAMESPACE) for resource in (SECRET, PERSISTENT_VOLUME_CLAIM)]
    return {item["metadata"]["name"] for listing in found for item in listing.items}


async def test_the_name_has_to_be_typed_and_then_the_host_holds_nothing_of_it(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci") as on:
        before = await names(on.host)
        await on.begin("delete", "ci")
        dialog = await on.dialog(DeleteDialog)
        assert "all its data, in 1 volume: data-ci-k3k-server-0" in text_of(dialog.lines)
        await on.pilot.press("enter")
        await until(on.pilot, lambda: not isinstance(on.app.screen, DeleteDialog), "the dialog closes")
        assert on.app.services.jobs.all == ()
        assert await names(on.host) == before

        await on.begin("delete", "ci")
        dialog = await on.dialog(DeleteDialog)
        await on.pilot.press("c", "enter")
        assert dialog.query_one("#agree", Button).disabled
        await on.pilot.press("i", "enter")
        (job,) = await on.jobs_done()
        assert (job.state, job.title, job.target) == ("done", "Delete", str_of(on.keys["ci"]))
        assert f"k3k delete ci -n {NAMESPACE}" in job.command
        assert job.command.endswith(" --yes")
        assert await names(on.host) == set()
        await on.notice("Control plane shop/ci deleted.")


async def test_kept_data_need_no_name_and_stay_on_the_host(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci") as on:
        await on.begin("delete", "ci")
        dialog = await on.dialog(DeleteDialog)
        dialog.query_one(Checkbox).value = True
        await on.pilot.pause()
        assert not dialog.query_one("#agree", Button).disabled
        dialog.query_one("#agree", Button).press()
        (job,) = await on.jobs_done()
        assert job.command.endswith("--yes --keep-data")
        kept = {"data-ci-k3k-server-0", "ci-k3k-pki", "ci-k3k-tokens"}
        assert await names(on.host) == kept


async def test_several_are_deleted_after_one_question_that_says_what_is_left_alone(tmp_path: Path) -> None:
    async with stage(tmp_path, "one", "two", values="persistence: {enabled: false}") as on:
        on.keys["ghost"] = FleetKey(on.keys["one"].host, NAMESPACE, "ghost")
        await on.begin("delete", "one", "two", "ghost")
        dialog = await on.dialog(DeleteDialog)
        text = text_of(dialog.lines)
        assert text.count("all its data, which are in its servers alone") == 2
        assert "1 control plane is left alone" in text
        assert "control plane shop/ghost does not exist" in text
        # Data that are in the servers alone cannot be kept.
        assert not dialog.query(Checkbox)
        await on.pilot.press(*"deletex2", "backspace", "backspace", "space", "2", "enter")
        jobs = await on.jobs_done()
        assert [job.state for job in jobs] == ["done", "done"]
        assert await names(on.host) == set()
        await on.notice("2 jobs ended: 2 done.")


def str_of(key: FleetKey) -> str:
    return f"{key.host}/{key.namespace}/{key.name}"


async def test_a_name_typed_before_the_dialog_is_up_is_for_the_dialog(tmp_path: Path) -> None:
    async with stage(tmp_path, "alpha") as on:
        await until(on.pilot, lambda: on.app.targets() == (on.keys["alpha"],), "its row")
        below = on.app.screen
        for key in "Dalpha":
            on.app.post_message(Key(key, key))
        dialog = await on.dialog(DeleteDialog)
        await until(
            on.pilot, lambda: dialog.query_one(Input).value == "alpha", "the whole name in the dialog"
        )
        assert on.app.screen_stack[-2:] == [below, dialog]
        await on.pilot.press("escape")


async def test_escape_before_the_dialog_is_up_takes_back_what_was_typed(tmp_path: Path) -> None:
    async with stage(tmp_path, "alpha") as on:
        await until(on.pilot, lambda: on.app.targets() == (on.keys["alpha"],), "its row")
        for key in ("D", "l", "l", "escape"):
            on.app.post_message(Key(key, key if len(key) == 1 else None))
        dialog = await on.dialog(DeleteDialog)
        assert not dialog.query_one(Input).value
