"""What the words of a command can be."""

from __future__ import annotations

from dataclasses import replace

from k3k_core.host import HostOptions
from k3k_tui.offers import Offers
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.tui import dashboard, until


async def test_words_come_from_the_fleet_its_hosts_and_what_k3k_has() -> None:
    shown = FakeFleet()
    row = fleet_row("shop")
    other = replace(row, control_plane=replace(row.control_plane, name="shop", namespace="ci"))
    hostile = replace(row, control_plane=replace(row.control_plane, name="x", namespace="a\x1b[31m"))
    rows = (row, other, hostile)
    shown.rows = {each.id: each for each in rows}
    app = dashboard(shown, hosts={"stage": HostOptions()})
    offers = Offers(app.services, lambda: ("dusk", "paper"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        assert list(offers("control-plane")) == ["ci/shop", "team-a/shop", "x"]
        assert list(offers("namespace")) == ["ci", "team-a"]
        assert list(offers("host")) == ["prod", "stage"]
        assert list(offers("theme")) == ["dusk", "paper"]
        assert "k9s" in offers("keymap")
        assert "p99" in offers("column")
        assert list(offers("grouping")) == ["host", "namespace", "system", "version"]
        assert "logs" in offers("tab")
        assert list(offers("text")) == []
        assert [each.lower() for each in offers("filter", ("p99>1s verdict:degr",))] == [
            "p99>1s verdict:degraded"
        ]


async def test_versions_are_those_that_the_named_control_plane_may_go_to() -> None:
    shown = FakeFleet()
    row = fleet_row("shop")
    old = replace(row, control_plane=replace(row.control_plane, version="v1.34.1+k3s1"))
    shown.rows = {old.id: old}
    app = dashboard(shown)
    offers = Offers(app.services, tuple)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 1, "the fleet")
        found = list(offers("version", ("shop",)))
        assert found
        assert {each[:5] for each in found} <= {"v1.34", "v1.35"}
        assert list(offers("version", ("other",))) == []
