"""Names of control planes as people type them, and what a command with one works on."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_core.fleet import FleetKey
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.dispatch import is_dangerous, run_with, split_targets
from k3k_tui.naming import find, shortest_names

SHOP = FleetKey("eu", "shop", "storefront")
SHOP_US = FleetKey("us", "shop", "storefront")
CI = FleetKey("eu", "ci", "runner")
OTHER_CI = FleetKey("eu", "build", "runner")
ALL = (SHOP, SHOP_US, CI, OTHER_CI, FleetKey("eu", "v1", "v1"))
UPGRADE = ACTIONS["control-plane.upgrade"]
DELETE = ACTIONS["control-plane.delete"]


def test_a_name_is_no_longer_than_it_takes_to_tell_control_planes_apart() -> None:
    assert (
        shortest_names(ALL)
        == {
            "eu/shop/storefront": SHOP,
            "us/shop/storefront": SHOP_US,
            "ci/runner": CI,
            "build/runner": OTHER_CI,
            "eu/v1/v1": ALL[4],
        }
        or shortest_names(ALL)["v1"] == ALL[4]
    )


def test_every_spelling_that_only_one_has_leads_to_it() -> None:
    assert find("ci/runner", ALL) == CI
    assert find("us/shop/storefront", ALL) == SHOP_US
    assert find("v1", ALL) == ALL[4]


def test_a_name_that_several_have_is_told_with_all_of_them() -> None:
    with pytest.raises(UsageError) as raised:
        find("storefront", ALL)
    assert raised.value.message == "There are 2 control planes 'storefront'."
    assert raised.value.hint == "Say which one: eu/shop/storefront, us/shop/storefront."


def test_a_name_that_none_has_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        find("runer", ALL)
    assert raised.value.hint == "Did you mean 'runner'?"


def test_without_words_an_operation_works_on_what_the_screen_shows() -> None:
    assert split_targets(DELETE, (), (CI,), ALL) == ((CI,), ())


def test_a_name_goes_before_what_the_screen_shows() -> None:
    assert split_targets(UPGRADE, ("ci/runner", "v1.36.2+k3s1"), (SHOP,), ALL) == ((CI,), ("v1.36.2+k3s1",))


def test_a_version_alone_is_for_what_the_screen_shows() -> None:
    assert split_targets(UPGRADE, ("v1.36.2+k3s1",), (CI,), ALL) == ((CI,), ("v1.36.2+k3s1",))


def test_a_control_plane_may_be_called_like_a_version() -> None:
    assert split_targets(UPGRADE, ("v1",), (CI,), ALL) == ((ALL[4],), ())


def test_a_misspelt_name_never_means_what_the_screen_shows() -> None:
    with pytest.raises(UsageError):
        split_targets(DELETE, ("storefrnt",), (CI,), ALL)


def test_words_go_behind_the_arguments_an_action_has() -> None:
    assert run_with(UPGRADE, ("a", "b'")) == ("app", "operate", ("upgrade", "a", "b'"))


@pytest.mark.parametrize("name", [each.name for each in ACTIONS.values() if each.danger != "none"])
def test_whatever_changes_something_is_known_as_such_with_and_without_words(name: str) -> None:
    assert is_dangerous(ACTIONS[name].run, ACTIONS.values())
    assert is_dangerous(run_with(ACTIONS[name], ("storefront",)), ACTIONS.values())


@pytest.mark.parametrize("name", [each.name for each in ACTIONS.values() if each.danger == "none"])
def test_whatever_only_looks_is_not(name: str) -> None:
    assert not is_dangerous(ACTIONS[name].run, ACTIONS.values())
