"""How a simulated etcd member that starts finds its place; as etcd does."""

from __future__ import annotations

import pytest

from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.k3s.etcd_bootstrap import Flags, bootstrap, has_data
from k3k_core.sandbox.k3s.etcd_state import EtcdMember
from k3k_core.sandbox.node.process import StartError
from tests.support.tasks import nowhere

CLUSTER = {f"etcd-{number}": f"https://etcd-{number}:2380" for number in range(3)}


def start(
    around: Surroundings, number: int, volume: str = "", *, existing: bool = False
) -> tuple[Datastore, EtcdMember]:
    """Start a member on its own volume, or on another one."""
    flags = Flags(f"etcd-{number}", "team/dev", CLUSTER, existing, volume or f"claim/{number}", "data")
    return bootstrap(around, flags)


@pytest.fixture
def around() -> Surroundings:
    """A sandbox in which three members have begun a cluster."""
    made = nowhere()
    for number in range(3):
        start(made, number)
    return made


def state(around: Surroundings) -> Datastore:
    (found,) = around.datastores
    return found


def test_members_that_begin_together_are_one_cluster(around: Surroundings) -> None:
    etcd = state(around).etcd
    assert etcd is not None
    assert [member.name for member in etcd.members] == list(CLUSTER)


def test_a_member_goes_on_as_who_its_volume_says(around: Surroundings) -> None:
    assert start(around, 1)[1] is start(around, 1, existing=True)[1]


def test_a_member_without_its_volume_is_refused_as_new(around: Surroundings) -> None:
    with pytest.raises(StartError, match="already been bootstrapped"):
        start(around, 1, "claim/other")


def test_a_member_that_was_removed_stays_removed(around: Surroundings) -> None:
    etcd = state(around).etcd
    assert etcd is not None
    etcd.remove(etcd.members[1])
    with pytest.raises(StartError, match="permanently removed"):
        start(around, 1)
    with pytest.raises(StartError, match="member count is unequal"):
        start(around, 1, "claim/other", existing=True)


def test_a_member_that_was_added_joins_with_an_empty_volume(around: Surroundings) -> None:
    etcd = state(around).etcd
    assert etcd is not None
    etcd.remove(etcd.members[1])
    added = etcd.add(CLUSTER["etcd-1"], learner=True)
    assert start(around, 1, "claim/other", existing=True)[1] is added


def test_nobody_joins_a_cluster_that_is_not_there() -> None:
    with pytest.raises(StartError, match="cannot fetch cluster info"):
        start(nowhere(), 0, existing=True)


def test_data_outlives_all_volumes_but_the_last(around: Surroundings) -> None:
    assert not around.datastores.drop("claim/0/")
    assert not around.datastores.drop("claim/1/")
    assert not has_data(around, "claim/0")
    assert has_data(around, "claim/2")
    assert around.datastores.drop("claim/2/")
