"""Which image guards the members of an etcd, and that it stays."""

from __future__ import annotations

from k3k_core.lifecycle.claim import settled
from k3k_core.lifecycle.etcd_guard import settle_guard
from k3k_core.values import load_values

ETCD = "datastore: {kind: etcd}\n"
MADE = settle_guard(load_values(f"version: v1.35.5+k3s1\n{ETCD}").values)


def test_it_is_that_of_the_version_the_control_plane_is_made_with() -> None:
    assert MADE.datastore.etcd.guard_image == "rancher/k3s:v1.35.5-k3s1"


def test_another_version_leaves_it_as_it_is() -> None:
    after = settled(MADE, load_values(f"version: v1.36.2+k3s1\n{ETCD}"))
    assert after.version == "v1.36.2+k3s1"
    assert after.datastore.etcd.guard_image == MADE.datastore.etcd.guard_image


def test_values_that_name_one_are_obeyed() -> None:
    asked = load_values("datastore: {kind: etcd, etcd: {guard_image: 'registry.example.org/busybox:1'}}")
    assert settled(MADE, asked).datastore.etcd.guard_image == "registry.example.org/busybox:1"
    assert settle_guard(asked.values) == asked.values


def test_a_move_to_an_etcd_settles_it() -> None:
    sqlite = load_values("version: v1.36.2+k3s1").values
    after = settled(sqlite, load_values(f"version: v1.36.2+k3s1\n{ETCD}"))
    assert after.datastore.etcd.guard_image == "rancher/k3s:v1.36.2-k3s1"


def test_without_an_etcd_there_is_none() -> None:
    assert settle_guard(load_values("").values).datastore.etcd.guard_image is None
