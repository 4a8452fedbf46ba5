"""The fleet of the demonstration."""

from __future__ import annotations

import pytest

from k3k_core.sandbox.demo_fleet import recipe, troubles
from k3k_core.sandbox.fault_catalogue import parse_faults
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


def test_one_is_degraded_one_down_one_out_of_certificates_one_stuck_and_one_under_load() -> None:
    members = recipe(12, 0)
    wrong = troubles(members, 0)
    assert [trouble.fault for trouble in wrong] == [
        "down",
        "down",
        "certificates-expiring",
        "queue-stuck",
        "overloaded",
    ]
    assert len({trouble.id for trouble in wrong}) == 5
    assert all(parse_faults(trouble.fault) for trouble in wrong)


@pytest.mark.parametrize("seed", range(20))
def test_the_degraded_one_has_servers_that_are_left(seed: int) -> None:
    members = recipe(12, seed)
    first = troubles(members, seed)[0]
    (member,) = [member for member in members if member.id == first.id]
    servers = load_values(member.values, preset=member.preset).values.servers
    assert servers > 1
    assert first.pod == f"{member.id.server}-{servers - 1}"


@pytest.mark.parametrize("clusters", [1, 2, 3, 6, 9, 40])
def test_at_least_half_of_a_fleet_is_well_and_so_is_what_helm_made(clusters: int) -> None:
    members = recipe(clusters, 1)
    wrong = troubles(members, 1)
    assert len(wrong) <= clusters // 2
    assert len(wrong) == 5 or clusters < 10
    assert not {trouble.id for trouble in wrong} & {
        member.id for member in members if member.made_by == "helm"
    }


def test_the_same_seed_gives_the_same_troubles_and_another_seed_others() -> None:
    members = recipe(40, 0)
    assert troubles(members, 1) == troubles(members, 1)
    assert troubles(members, 1) != troubles(members, 2)
