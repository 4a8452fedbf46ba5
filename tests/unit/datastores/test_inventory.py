"""Comparing what two datastores hold, by a number and a digest for each kind."""

from __future__ import annotations

import json

import pytest

from k3k_core.datastores.inventory import Inventory, KindDifference, compare, inventory, kind_of
from k3k_core.datastores.rows import Row


def _row(key: str, value: bytes = b"1", revision: int = 3) -> Row:
    return Row(key, value, revision, revision)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("/registry/configmaps/default/a", "configmaps"),
        ("/registry/minions/node-1", "nodes"),
        ("/registry/services/specs/default/kubernetes", "services"),
        ("/registry/services/endpoints/default/kubernetes", "endpoints"),
        ("/registry/apiregistration.k8s.io/apiservices/v1.apps", "apiservices.apiregistration.k8s.io"),
        ("/registry/k3s.cattle.io/addons/kube-system/ccm", "addons.k3s.cattle.io"),
        ("/registry/ranges/serviceips", "ranges"),
        ("/registry/health", "health"),
        ("/bootstrap/1a2b3c", "bootstrap"),
        ("compact_rev_key", "other"),
    ],
)
def test_a_key_tells_its_kind(key: str, kind: str) -> None:
    assert kind_of(key) == kind


def test_the_same_objects_at_other_revisions_are_the_same() -> None:
    before = inventory([_row("/registry/pods/a/b"), _row("/registry/pods/a/c")])
    after = inventory(
        [_row("/registry/pods/a/c", revision=1_000_000_017), _row("/registry/pods/a/b", revision=4)]
    )
    assert compare(before, after) == ()


def test_another_value_of_one_object_is_a_difference_of_its_kind() -> None:
    before = inventory([_row("/registry/pods/a/b"), _row("/registry/secrets/a/s")])
    after = inventory([_row("/registry/pods/a/b", b"2"), _row("/registry/secrets/a/s")])
    assert compare(before, after) == (KindDifference("pods", 1, 1),)
    assert str(compare(before, after)[0]) == "pods: 1, but not the same"


def test_an_object_that_is_missing_shows_in_the_counts() -> None:
    before = inventory([_row("/registry/pods/a/b"), _row("/registry/pods/a/c")])
    assert [str(each) for each in compare(before, inventory([_row("/registry/pods/a/b")]))] == [
        "pods: 2 -> 1"
    ]


def test_a_value_moved_from_one_key_to_another_is_a_difference() -> None:
    before = inventory([_row("/registry/pods/a/b", b"c1")])
    assert compare(before, inventory([_row("/registry/pods/a/bc", b"1")])) == (KindDifference("pods", 1, 1),)


def test_events_and_leases_do_not_count_unless_asked_for() -> None:
    rows = [_row("/registry/events/a/b"), _row("/registry/leases/a/b"), _row("/registry/pods/a/b")]
    assert set(inventory(rows).kinds) == {"pods"}
    assert set(inventory(rows, volatile=True).kinds) == {"events", "leases", "pods"}


def test_kinds_can_be_left_out_of_a_comparison() -> None:
    assert compare(inventory([_row("/bootstrap/a")]), inventory([]), but=("bootstrap",)) == ()


def test_it_survives_being_kept_as_json() -> None:
    found = inventory([_row("/registry/pods/a/b", revision=9), _row("/bootstrap/a")])
    assert Inventory.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert (found.objects, found.revision) == (2, 9)
