"""Changing the values of a control plane from the dashboard, against a sandbox."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from k3k_core.fleet import FleetKey
from k3k_core.host import Host
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.existing import find_root
from k3k_core.names import ControlPlaneId
from k3k_core.values import Values, load_values
from k3k_tui.app import K3kApp
from k3k_tui.forms.edit import EditScreen
from k3k_tui.forms.widgets.field_row import FieldRow
from k3k_tui.operations import operate
from k3k_tui.services import services
from k3k_tui.widgets.dialogs import Confirm, Notice
from tests.support.hosts import HostUnderTest, api, host
from tests.support.tui import dashboard, until

__all__ = ["api", "host"]


@asynccontextmanager
async def on_a_control_plane(
    under_test: HostUnderTest, api: Host
) -> AsyncIterator[tuple[K3kApp, Pilot[int], ControlPlaneId]]:
    """A dashboard on a host with the control plane `shop`."""
    identity = ControlPlaneId(under_test.namespace, "shop")
    await create(api, CreateRequest(identity, load_values("ttl: 8h\n"), wait=False))
    app = dashboard(hosts={"prod": under_test.options()})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        yield app, pilot, identity


def key_of(identity: ControlPlaneId) -> FleetKey:
    """Return what the fleet calls a control plane."""
    return FleetKey("prod", identity.namespace, identity.name)


async def values_on_host(api: Host, identity: ControlPlaneId) -> Values:
    """Return the values a host holds of a control plane."""
    return stored_values(await find_root(api, identity)).values


async def shown_screen(pilot: Pilot[Any], kind: type[Screen[Any]]) -> Any:
    """Wait for a screen."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind), kind.__name__)
    await pilot.pause()
    return pilot.app.screen


async def agree(pilot: Pilot[Any]) -> None:
    """Agree to what a dialog asks."""
    dialog = await shown_screen(pilot, Confirm)
    dialog.query_one("#agree").focus()
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.screen is not dialog, "the end of the dialog")


async def test_changed_values_are_kept_until_they_are_on_the_host(host: HostUnderTest, api: Host) -> None:
    async with on_a_control_plane(host, api) as (app, pilot, identity):
        key = key_of(identity)
        operate(app, "edit", (key,))
        screen = await shown_screen(pilot, EditScreen)
        fields = {row.field.key: row.control for row in screen.query(FieldRow)}
        assert isinstance(fields["ttl"], Input)
        assert fields["ttl"].value == "8h"
        fields["ttl"].focus()
        await pilot.press("backspace", "backspace", *"2d")
        await pilot.press("escape")
        assert app.screen is not screen
        assert "ttl: 2d" in services(app.screen).drafts.edits[key].text

        operate(app, "edit", (key,))
        await shown_screen(pilot, EditScreen)
        await pilot.press("ctrl+n")
        await agree(pilot)
        await until(pilot, lambda: bool(services(app.screen).jobs.all), "the job")
        await until(pilot, lambda: not services(app.screen).jobs.active, "the end of the job")
        assert services(app.screen).jobs.all[0].state == "done"
        assert services(app.screen).drafts.edits == {}
        assert (await values_on_host(api, identity)).ttl == "2d"


async def test_what_cannot_be_changed_is_said_and_the_form_comes_back(host: HostUnderTest, api: Host) -> None:
    async with on_a_control_plane(host, api) as (app, pilot, identity):
        operate(app, "edit", (key_of(identity),))
        screen = await shown_screen(pilot, EditScreen)
        draft = screen.values.draft
        assert all(row.field.kind != "secret" for row in screen.query(FieldRow))
        await pilot.press("ctrl+t")
        text = screen.query_one("#text")
        text.text = f"{draft.text}k3s:\n  data_dir: /elsewhere\n"
        await pilot.pause()
        assert "the data lie there" in screen.values.checked.problems["k3s.data_dir"]
        text.text = draft.text.replace("v1.36.2", "v1.33.4")
        await pilot.pause()
        await pilot.press("ctrl+n")
        refusal = await shown_screen(pilot, Notice)
        assert "version" in "".join(cell.text for line in refusal.lines for cell in line)
        await pilot.press("escape")
        again = await shown_screen(pilot, EditScreen)
        assert "v1.33.4" in again.values.draft.text
        await pilot.press("escape")
        assert services(app.screen).jobs.all == ()


async def test_what_an_editor_saved_is_checked_and_can_be_corrected(
    host: HostUnderTest, api: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "editor.py"
    script.write_text(EDITOR.format(seen=str(seen)))
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    monkeypatch.setattr(K3kApp, "suspend", stepped_aside)
    async with on_a_control_plane(host, api) as (app, pilot, identity):
        operate(app, "edit-text", (key_of(identity),))
        question = await shown_screen(pilot, Confirm)
        assert "too small" in "".join(cell.text for line in question.lines for cell in line)
        await agree(pilot)
        await agree(pilot)
        await until(pilot, lambda: bool(services(app.screen).jobs.all), "the job")
        await until(pilot, lambda: not services(app.screen).jobs.active, "the end of the job")
        assert (await values_on_host(api, identity)).ttl == "3d"
    first, second = seen.read_text().split("---\n")[:2]
    assert "ttl: 8h" in first
    # What was written is there again, with what was wrong in it.
    assert "servers: 0" in second


# Writes something wrong at first, and corrects it when it is called again.
EDITOR = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
assert path.stat().st_mode & 0o777 == 0o600
text = path.read_text()
with open({seen!r}, "a") as seen:
    seen.write(text + "---\\n")
wrong = "servers: 0" in text
path.write_text(text.replace("servers: 0\\n", "") if wrong else text.replace("8h", "3d") + "servers: 0\\n")
"""


@contextmanager
def stepped_aside(_app: K3kApp) -> Iterator[None]:
    """Stand in for a terminal that is handed over: tests have none."""
    yield
