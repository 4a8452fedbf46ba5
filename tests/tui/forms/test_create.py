"""Creating a control plane from the dashboard, against a sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from textual.events import Key
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, TextArea

from k3k_core.errors import NotFoundError
from k3k_core.fleet import FleetKey
from k3k_core.host import Host, HostOptions
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.existing import find_root, find_workload
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values
from k3k_tui.app import K3kApp
from k3k_tui.drafts import Draft
from k3k_tui.forms.create import CreateScreen
from k3k_tui.forms.model.fields import NAME
from k3k_tui.forms.save_dialog import SaveDialog
from k3k_tui.forms.widgets.choice import Choice
from k3k_tui.forms.widgets.field_row import FieldRow
from k3k_tui.forms.widgets.progress_pane import ProgressPane
from k3k_tui.forms.widgets.review_pane import ReviewPane
from k3k_tui.places import ControlPlanePlace
from k3k_tui.services import services
from k3k_tui.widgets.cell_lines import CellLines
from k3k_tui.widgets.text_view import TextView
from tests.support.hosts import HostUnderTest, api, host
from tests.support.tui import dashboard, until

__all__ = ["api", "host"]
W = TypeVar("W", bound=Widget)
NOWHERE = HostOptions(kubeconfig="/nowhere/kubeconfig.yaml")


@asynccontextmanager
async def wizard(
    under_test: HostUnderTest | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[K3kApp, Pilot[int], CreateScreen]]:
    """A dashboard with the wizard open."""
    hosts = {"prod": under_test.options() if under_test is not None else NOWHERE}
    app = dashboard(hosts=hosts)
    async with app.run_test(size=size) as pilot:
        yield app, pilot, await opened(app, pilot)


async def opened(app: K3kApp, pilot: Pilot[Any], command: str = "create") -> CreateScreen:
    """Open the wizard."""
    await app.commands.run(command)
    await until(pilot, lambda: isinstance(app.screen, CreateScreen), "the wizard")
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, CreateScreen)
    return screen


def control(screen: CreateScreen, key: str, kind: type[W]) -> W:
    """Return what a field is filled in with."""
    row = next(row for row in screen.query(FieldRow) if row.field.key == key)
    assert isinstance(row.control, kind)
    return row.control


async def fill(pilot: Pilot[Any], screen: CreateScreen, key: str, text: str) -> None:
    """Type into a field."""
    field = control(screen, key, Input)
    field.focus()
    field.value = ""
    await pilot.press(*text)


def said(screen: CreateScreen, key: str) -> str:
    """Return what stands beside a field."""
    row = next(row for row in screen.query(FieldRow) if row.field.key == key)
    message = row.query_one(CellLines)
    return "".join(cell.text for line in message.lines for cell in line) if message.display else ""


def text_of(view: TextView) -> str:
    """Return everything a view holds."""
    lines = (view.text.line(index) for index in range(len(view.text)))
    return "\n".join("".join(cell.text for cell in line) for line in lines)


async def there(api: Host, identity: ControlPlaneId) -> bool:
    """Whether a control plane is on the host."""
    try:
        await find_root(api, identity)
    except NotFoundError:
        return False
    return True


async def test_what_is_filled_in_is_reviewed_made_and_then_on_the_host(
    host: HostUnderTest, api: Host
) -> None:
    identity = ControlPlaneId(host.namespace, "storefront")
    async with wizard(host) as (app, pilot, screen):
        await pilot.press(*"storefront")
        await fill(pilot, screen, "target.namespace", host.namespace)
        await fill(pilot, screen, "ttl", "8h")
        await pilot.press("ctrl+n")
        review = screen.query_one(ReviewPane)
        await until(pilot, lambda: review.state == "fine", "the host's word")
        shown = text_of(review.query_one(TextView))
        assert "+ StatefulSet/storefront-k3k-server" in shown
        assert "PRIVATE KEY" not in shown
        assert not await there(api, identity)

        await pilot.press("ctrl+n")
        await until(pilot, lambda: not services(screen).jobs.active, "the end of the job")
        (job,) = services(screen).jobs.all
        assert (job.state, job.target) == ("done", f"prod/{identity}")
        assert "1 of 1 servers ready" in text_of(screen.query_one(ProgressPane).query_one(TextView))
        reach = f"-n {host.namespace} --kubeconfig {host.kubeconfig}"
        assert job.command == f"k3k create storefront {reach} --set ttl=8h"
        assert services(screen).drafts.create is None

        await pilot.press("ctrl+n")
        assert app.place == ControlPlanePlace(FleetKey("prod", identity.namespace, identity.name))
    assert stored_values(await find_root(api, identity)).values.ttl == "8h"
    assert (await find_workload(api, identity))["status"]["readyReplicas"] == 1


async def test_a_create_that_fails_says_why_keeps_what_was_filled_in_and_can_be_done_again(
    host: HostUnderTest, api: Host
) -> None:
    async with wizard(host) as (_app, pilot, screen):
        await pilot.press(*"shop")
        await fill(pilot, screen, "target.namespace", host.namespace)
        await pilot.press("ctrl+n")
        review = screen.query_one(ReviewPane)
        await until(pilot, lambda: review.state == "fine", "the host's word")
        # Somebody else takes the name between the review and the create.
        await other_secret(api, ControlPlaneId(host.namespace, "shop"))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not services(screen).jobs.active, "the end of the job")
        assert "was not made by k3k" in text_of(screen.query_one(ProgressPane).query_one(TextView))

        await host.kubectl("delete", "secret", "shop-k3k", "-n", host.namespace)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: services(screen).jobs.all[0].state == "done", "the second job")
    assert await there(api, ControlPlaneId(host.namespace, "shop"))


async def test_what_the_host_refuses_is_said_in_the_review_and_can_be_asked_again(
    host: HostUnderTest,
) -> None:
    async with wizard() as (_app, pilot, screen):
        await pilot.press(*"shop")
        await pilot.press("ctrl+n")
        review = screen.query_one(ReviewPane)
        await until(pilot, lambda: review.state == "refused", "the refusal")
        assert "kubeconfig" in shown_lines(review, "#answer")
        known = services(screen)
        cast("dict[str, HostOptions]", known.hosts)["prod"] = host.options()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: review.state == "fine", "the host's word")
        await pilot.press("escape")
        assert screen.step == "values"
        assert services(screen).drafts.create == Draft("prod", "default", "shop")


async def test_what_is_wrong_stands_beside_the_field_and_keeps_one_from_going_on() -> None:
    async with wizard() as (_app, pilot, screen):
        assert said(screen, NAME) == ""
        await fill(pilot, screen, "servers", "many")
        await pilot.pause()
        assert "Must be a whole number" in said(screen, "servers")
        await pilot.press("ctrl+n")
        assert screen.step == "values"
        assert said(screen, NAME) != ""
        assert control(screen, NAME, Input).has_focus
        await pilot.press(*"shop")
        await fill(pilot, screen, "servers", "2")
        await pilot.pause()
        assert "datastore" in said(screen, "servers")
        choice = control(screen, "datastore.kind", Choice)
        choice.focus()
        await pilot.press("e")
        await pilot.pause()
        assert choice.value == "etcd"
        assert said(screen, "servers") == ""


async def test_fields_and_yaml_are_two_views_of_the_same(tmp_path: Path) -> None:
    async with wizard() as (_app, pilot, screen):
        await pilot.press(*"shop")
        await fill(pilot, screen, "servers", "3")
        await pilot.press("ctrl+t")
        area = screen.query_one("#text", TextArea)
        assert area.text == "servers: 3\n"
        area.text = (
            "servers: 3  # Three, for quorum.\ndatastore: {kind: etcd}\nk3s:\n  token: hunter2-hunter2\n"
        )
        await pilot.press("ctrl+t")
        assert control(screen, "datastore.kind", Choice).value == "etcd"
        await fill(pilot, screen, "servers", "5")
        await pilot.press("ctrl+t")
        assert area.text == "servers: 5  # Three, for quorum.\ndatastore: {kind: etcd}\n"
        assert "k3s.token" in shown_lines(screen, "#help")

        area.text = "servers: [\n"
        await pilot.press("ctrl+t")
        assert screen.values.view == "yaml"
        assert "Not valid YAML" in shown_lines(screen, "#problems")
        area.text = "# Three, for quorum.\nservers: 5\ndatastore: {kind: etcd}\n"

        path = tmp_path / "shop.yaml"
        path.write_text("something else\n")
        await save(pilot, screen, path, "enter")
        assert path.read_text() == "something else\n"
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen, "the end of the dialog")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in path.read_text()
    assert load_values(path.read_text()).values.servers == 5
    assert "# Three, for quorum." in path.read_text()


async def test_what_was_filled_in_is_still_there_when_one_comes_back_until_one_starts_anew() -> None:
    async with wizard() as (app, pilot, screen):
        await pilot.press(*"shop")
        await fill(pilot, screen, "ttl", "8h")
        await pilot.press("escape")
        assert app.screen is not screen
        again = await opened(app, pilot)
        assert control(again, NAME, Input).value == "shop"
        assert control(again, "ttl", Input).value == "8h"
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert control(again, NAME, Input).value == ""
        assert services(again).drafts.create is None


async def test_the_rest_is_folded_by_section_and_a_problem_opens_its_section() -> None:
    async with wizard() as (_app, pilot, screen):
        await pilot.press(*"shop", "ctrl+t")
        screen.query_one("#text", TextArea).text = "k3s:\n  cluster_domain: Cluster.Local\n"
        await pilot.press("ctrl+t")
        assert all(row.field.key != "k3s.cluster_domain" for row in screen.query(FieldRow))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: bool(said_if_made(screen, "k3s.cluster_domain")), "the opened section")
        assert control(screen, "k3s.cluster_domain", Input).has_focus
        assert control(screen, "k3s.token", Input).password


async def test_a_read_only_dashboard_offers_no_wizard() -> None:
    app = dashboard(hosts={"prod": NOWHERE}, read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.commands.run("create")
        await pilot.pause()
        assert not isinstance(app.screen, CreateScreen)


def said_if_made(screen: CreateScreen, key: str) -> str:
    """Return what stands beside a field; nothing while the field has not been made."""
    return said(screen, key) if any(row.field.key == key for row in screen.query(FieldRow)) else ""


def shown_lines(node: Widget | CreateScreen, selector: str) -> str:
    """Return the text of some lines."""
    return "\n".join(
        "".join(cell.text for cell in line) for line in node.query_one(selector, CellLines).lines
    )


async def save(pilot: Pilot[Any], screen: CreateScreen, path: Path, *keys: str) -> None:
    """Save to a file."""
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog), "the question where")
    pilot.app.screen.query_one("#path", Input).value = str(path)
    await pilot.pause()
    await pilot.press(*keys)
    await pilot.pause()


async def other_secret(api: Host, identity: ControlPlaneId) -> None:
    """Put a Secret of somebody else where the control plane's would be."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": identity.namespace}}
    metadata = {"name": identity.root, "namespace": identity.namespace}
    await api.create(namespace)
    await api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})


async def test_keys_that_come_all_at_once_are_taken_as_they_were_pressed() -> None:
    async with wizard() as (app, pilot, screen):
        # All of them are there before the first one is looked at, as over a slow line.
        pressed = [
            *"Bad_Name",
            "ctrl+u",
            *"my-own",
            "tab",
            "ctrl+u",
            *"team",
            "down",
            "down",
            "d",
            "shift+tab",
            "up",
        ]
        for key in (*pressed, "up", *"ed", "ctrl+n"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: screen.step == "review", "the review")
        assert screen.values.draft.name == "my-owned"
        assert screen.values.draft.namespace == "team"
        assert screen.values.draft.preset == "dev"
        assert control(screen, NAME, Input).value == "my-owned"
