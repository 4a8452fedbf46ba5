"""Every key of every keymap, pressed where it is said to work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from k3k_tui.actions.action import Scope
from k3k_tui.actions.chosen import choose_keys
from k3k_tui.actions.clashes import LAYERED, TOGETHER
from k3k_tui.actions.keys import keymap_names, split_keys
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.app import K3kApp
from k3k_tui.widgets.dialogs import Confirm
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.tui import dashboard, until

DIALOG = "a dialog"
# How to get where the keys of some scopes work: command lines, and keys to press then.
WAYS: Mapping[tuple[Scope, ...], tuple[str, tuple[str, ...]]] = {
    ("app", "targets", "fleet", "table"): ("fleet", ()),
    ("app", "targets", "control-plane", "table"): ("tab objects", ("tab",)),
    ("app", "targets", "control-plane", "logs"): ("logs shop", ()),
    ("app", "jobs", "table"): ("jobs", ()),
    ("app", "hosts", "table"): ("hosts", ()),
    ("form",): ("create", ()),
    ("dialog",): (DIALOG, ()),
    ("command-line",): ("fleet", (":",)),
    ("help",): ("fleet", ("?",)),
}
# They pass their key on while nothing is selected, and in what cannot be scrolled.
LETTING_GO = frozenset(
    {"screen.copy_text", "scroll_up", "scroll_down", "scroll_left", "scroll_right", "page_up", "page_down"}
)


async def unreached(app: K3kApp, scopes: tuple[Scope, ...]) -> list[str]:
    """Press every key of some scopes, let none of them do anything, and tell those that ran something else."""
    ran: list[str] = []

    async def note(action: Any, *_: Any) -> bool:
        if action not in LETTING_GO:
            ran.append(action)
        return False

    wrong: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        # The one gate that every key goes through.
        patch.setattr(app, "run_action", note)
        for name, spelled in app.keys.keys.items():
            action = ACTIONS[name]
            for key in split_keys(spelled) if action.scope in scopes else ():
                ran.clear()
                await app._check_bindings(key, priority=True)
                await app._check_bindings(key)
                shared = key in LAYERED and action.run in ran
                if ran[:1] != [action.run] and not shared:
                    wrong.append(f"{key} for {name} ran {ran}")
    return wrong


async def test_every_key_of_every_keymap_runs_its_action_where_it_is_said_to_work() -> None:
    fleet = FakeFleet()
    fleet.rows = {row.id: row for row in (fleet_row("shop"),)}
    app = dashboard(fleet)
    wrong: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.services.fleet.rows), "the fleet")
        for scopes, (line, keys) in WAYS.items():
            if line == DIALOG:
                await app.push_screen(Confirm("Delete", (), label="Delete", danger=True))
            else:
                await app.commands.run(line)
            await pilot.pause()
            await pilot.press(*keys)
            await pilot.pause()
            for keymap in keymap_names():
                app.use_keys(choose_keys(keymap, {}, ACTIONS))
                wrong += [f"{keymap}, {line}: {each}" for each in await unreached(app, scopes)]
            await pilot.press("escape")
    assert not wrong, "\n".join(wrong)


def test_no_scope_is_forgotten() -> None:
    assert {scope for scopes in TOGETHER for scope in scopes} == {each.scope for each in ACTIONS.values()}
