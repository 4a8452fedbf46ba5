"""The fleet of the demonstration."""

from __future__ import annotations

import pytest

from k3k_core.discovery.helm import version_of
from k3k_core.sandbox.demo_fleet import helm_release, recipe
from k3k_core.values import load_values


def test_six_members_show_one_kind_each() -> None:
    members = recipe(6, 0)
    kinds = {
        (load_values(member.values, preset=member.preset).values.datastore.kind, member.made_by)
        for member in members
    }
    assert kinds == {("sqlite", "k3k"), ("etcd", "k3k"), ("external", "k3k"), ("sqlite", "helm")}
    assert len({member.id.namespace for member in members}) == 6
    assert {member.preset for member in members} >= {"ci", "tenant", "edge"}


@pytest.mark.parametrize("clusters", [1, 5, 6, 40])
def test_there_are_as_many_members_as_asked_for_all_different(clusters: int) -> None:
    assert len({member.id for member in recipe(clusters, 3)}) == clusters


def test_the_same_seed_gives_the_same_fleet_and_another_seed_another() -> None:
    assert recipe(40, 1) == recipe(40, 1)
    assert recipe(40, 1) != recipe(40, 2)


def test_every_member_has_values_that_can_be_used() -> None:
    for member in recipe(200, 7):
        load_values(member.values, preset=member.preset)


def test_a_release_of_the_chart_is_recognised_by_discovery() -> None:
    member = next(member for member in recipe(6, 0) if member.made_by == "helm")
    objects = {item["kind"]: item for item in helm_release(member.id)}
    assert objects["Secret"]["metadata"]["name"] == f"{member.id.name}-k3k-kubeconfig"
    assert objects["Secret"]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert version_of(objects["StatefulSet"]) == "v1.33.4+k3s1"
