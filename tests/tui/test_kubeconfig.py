"""Kubeconfigs in the dashboard: masked until asked for, copied, saved, merged, and made for somebody."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml
from textual.widgets import Button, Input

from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.pki import kubeconfig_expiry
from k3k_tui.operations.kubeconfig_dialog import KubeconfigDialog
from k3k_tui.operations.masking import HIDDEN, masked
from k3k_tui.widgets.cell_lines import CellLines
from k3k_tui.widgets.dialogs import Ask, AskEntries, Confirm
from tests.support.stage import Stage, stage, text_of
from tests.support.tui import until


def text_in(dialog: KubeconfigDialog) -> str:
    return text_of(dialog.query_one("#document", CellLines).lines)


async def press(on: Stage, name: str) -> None:
    """Press a button of the dialog that is open."""
    on.app.screen.query_one(f"#{name}", Button).press()
    await on.pilot.pause()


async def fill(on: Stage, dialog: AskEntries | Ask, **answers: str) -> None:
    """Type answers into a dialog and agree."""
    for name, text in answers.items():
        dialog.query_one(f"#{name}", Input).value = text
    await on.pilot.pause()
    await press(on, "agree")


async def test_it_is_masked_until_revealed_and_copied_whole(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", size=(120, 36)) as on:
        document = await fetch_kubeconfig(on.host, on.identity("ci"))
        key = yaml.safe_load(document)["users"][0]["user"]["client-key-data"]
        await on.begin("kubeconfig", "ci")
        dialog = await on.dialog(KubeconfigDialog)
        assert key not in text_in(dialog)
        assert f"client-key-data: {HIDDEN}" in text_in(dialog)
        assert "server: https://" in text_in(dialog)

        await press(on, "reveal")
        assert key in text_in(dialog)
        await press(on, "reveal")
        assert key not in text_in(dialog)

        await press(on, "copy")
        assert on.app.clipboard == document
        said = await on.notice("The kubeconfig of shop/ci")
        assert key not in said
        await on.pilot.press("escape")
        await until(on.pilot, lambda: not isinstance(on.app.screen, KubeconfigDialog), "the dialog closes")


async def test_it_is_saved_for_its_owner_alone_and_merged_beside_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "mine.yaml"))
    async with stage(tmp_path, "ci", size=(120, 36)) as on:
        document = await fetch_kubeconfig(on.host, on.identity("ci"))
        await on.begin("kubeconfig", "ci")
        await on.dialog(KubeconfigDialog)
        saved = tmp_path / "saved.yaml"
        await press(on, "save")
        await fill(on, await on.dialog(Ask), text=str(saved))
        await on.notice("only you can read it")
        assert saved.read_text() == document
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600

        other = tmp_path / "notes.txt"
        other.write_text("mine")
        await press(on, "save")
        await fill(on, await on.dialog(Ask), text=str(other))
        await on.dialog(Confirm)
        await on.pilot.press("enter")
        await on.dialog(KubeconfigDialog)
        assert other.read_text() == "mine"

        taken = document.replace("certificate-authority-data: ", "certificate-authority-data: QQ")
        (tmp_path / "mine.yaml").write_text(taken)
        await press(on, "merge")
        asked = await on.dialog(AskEntries)
        assert asked.answers == {"file": str(tmp_path / "mine.yaml"), "context": "ci"}
        await fill(on, asked)
        await until(on.pilot, lambda: on.app.screen is not asked, "it is asked again: the name is taken")
        asked = await on.dialog(AskEntries)
        assert asked.answers["context"] == f"ci@{on.keys['ci'].host}"
        await fill(on, asked, context="mine")
        await on.notice("Added context mine")
        contexts = yaml.safe_load((tmp_path / "mine.yaml").read_text())["contexts"]
        assert [entry["name"] for entry in contexts] == ["ci", "mine"]
        assert (tmp_path / "mine.yaml.before-k3k").read_text() == taken


async def test_one_for_somebody_is_short_lived_and_bears_the_name(tmp_path: Path) -> None:
    async with stage(tmp_path, "ci", size=(120, 36)) as on:
        await on.begin("kubeconfig", "ci")
        dialog = await on.dialog(KubeconfigDialog)
        await press(on, "user")
        asked = await on.dialog(AskEntries)
        await fill(on, asked, user="jane", groups="system:masters")
        assert on.app.screen is asked
        await fill(on, asked, user="jane", groups="devs, ops", lifetime="1h")
        await until(on.pilot, lambda: "jane@ci" in text_in(dialog), "Jane's kubeconfig")
        await press(on, "copy")
        document = on.app.clipboard
        admin = await fetch_kubeconfig(on.host, on.identity("ci"))
        ends, admin_ends = kubeconfig_expiry(document), kubeconfig_expiry(admin)
        assert ends is not None
        assert admin_ends is not None
        assert (admin_ends - ends).days > 1
        assert "Kubernetes cannot revoke it" in text_of(dialog.query_one("#facts", CellLines).lines)


@pytest.mark.parametrize(
    "document",
    ["a: [", "- secret-value", "secret-value", "users: {user: {token: secret-value}}", "[" * 200 + "]" * 200],
)
def test_whatever_a_kubeconfig_is_nothing_unknown_in_it_is_shown(document: str) -> None:
    assert "secret-value" not in masked(document)


def test_names_and_addresses_are_shown() -> None:
    secret = base64.b64encode(b"key").decode()
    cluster = {"name": "ci", "cluster": {"server": "https://192.0.2.1"}}
    document = yaml.safe_dump({"clusters": [cluster], "users": [{"user": {"token": secret}}]})
    assert "https://192.0.2.1" in masked(document)
    assert "name: ci" in masked(document)
    assert secret not in masked(document)
