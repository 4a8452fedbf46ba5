"""The history of places."""

from __future__ import annotations

from dataclasses import replace

from k3k_core.fleet import FleetKey
from k3k_tui.navigator import Navigator, crumbs, with_filter
from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace
from k3k_tui.view.state import ViewState

FLEET = FleetPlace()
HOSTS = HostsPlace()
JOBS = JobsPlace()
SHOP = ControlPlanePlace(FleetKey("eu", "shop", "storefront"))


def test_back_and_forward_lead_along_the_places() -> None:
    navigator = Navigator(FLEET)
    navigator.open(SHOP)
    navigator.open(HOSTS)
    assert [navigator.back(), navigator.back(), navigator.back()] == [SHOP, FLEET, None]
    assert [navigator.forward(), navigator.forward(), navigator.forward()] == [SHOP, HOSTS, None]


def test_a_new_place_forgets_what_lay_ahead() -> None:
    navigator = Navigator(FLEET)
    navigator.open(SHOP)
    navigator.back()
    navigator.open(JOBS)
    assert navigator.forward() is None
    assert navigator.places == (FLEET, JOBS)


def test_last_turns_between_two_places() -> None:
    navigator = Navigator(FLEET)
    assert navigator.last() is None
    navigator.open(SHOP)
    navigator.open(HOSTS)
    assert [navigator.last(), navigator.last(), navigator.last()] == [SHOP, HOSTS, SHOP]


def test_what_became_of_a_place_is_found_again() -> None:
    navigator = Navigator(FLEET)
    seen = FleetPlace(ViewState(filter="verdict:degraded", sort="p99", cursor=SHOP.key))
    navigator.remember(seen)
    navigator.open(SHOP)
    navigator.remember(replace(SHOP, tab="logs"))
    assert navigator.back() == seen
    assert navigator.forward() == replace(SHOP, tab="logs")


def test_a_screen_on_its_way_out_does_not_overwrite_another_place() -> None:
    navigator = Navigator(FLEET)
    navigator.open(HOSTS)
    navigator.remember(SHOP)
    assert navigator.current == HOSTS


def test_up_leads_to_the_fleet_as_it_was() -> None:
    navigator = Navigator(FleetPlace(ViewState(filter="shop")))
    navigator.open(SHOP)
    navigator.open(JOBS)
    assert navigator.up() == FleetPlace(ViewState(filter="shop"))
    assert navigator.up() is None


def test_up_right_after_leaving_the_fleet_is_back() -> None:
    navigator = Navigator(FLEET)
    navigator.open(SHOP)
    assert navigator.up() == FLEET
    assert navigator.forward() == SHOP


def test_the_same_place_again_is_not_remembered_twice() -> None:
    navigator = Navigator(FLEET)
    navigator.open(HOSTS)
    navigator.open(HOSTS)
    assert navigator.places == (FLEET, HOSTS)


def test_the_oldest_places_are_forgotten_and_last_still_leads_back() -> None:
    navigator = Navigator(FLEET)
    for number in range(300):
        navigator.open(JobsPlace(number))
    assert len(navigator.places) == 100
    assert navigator.last() == JobsPlace(298)


def test_breadcrumbs_tell_the_way_from_the_top() -> None:
    assert crumbs(FLEET) == ("fleet",)
    assert crumbs(FleetPlace(ViewState(filter="ns=shop"))) == ("fleet", "ns=shop")
    assert crumbs(replace(SHOP, tab="logs")) == ("fleet", "eu", "shop", "storefront", "logs")


def test_a_field_of_the_filter_is_set_anew_and_the_rest_stays() -> None:
    seen = FleetPlace(ViewState(filter="ns=shop p99>1s", sort="p99"))
    assert with_filter(seen, "ns", "ci").view == ViewState(filter="ns=ci p99>1s", sort="p99")
    assert with_filter(seen, "ns", "").view.filter == "p99>1s"


def test_values_with_blanks_are_kept_together() -> None:
    seen = with_filter(FleetPlace(ViewState(filter='reason:"not ready" p99>1s')), "host", "my host")
    assert seen.view.filter == 'host="my host" reason:"not ready" p99>1s'
    assert with_filter(seen, "host", "eu").view.filter == 'host=eu reason:"not ready" p99>1s'


def test_a_field_is_added_to_an_empty_filter() -> None:
    assert with_filter(FLEET, "ns", "shop").view.filter == "ns=shop"
