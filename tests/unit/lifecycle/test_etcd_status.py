"""What the answers of an etcd's members mean."""

from __future__ import annotations

from typing import Any

from k3k_core.datastores.etcd_cluster import Answer, View
from k3k_core.datastores.etcd_messages import Alarm, Member, Status
from k3k_core.lifecycle.etcd_status import EtcdStatus, describe
from k3k_core.names import ControlPlaneId

ID = ControlPlaneId("team", "dev")
MIB = 1024**2


def status(
    number: int, *, leader: int = 1, size: int = MIB, used: int = MIB, learner: bool = False
) -> Status:
    return Status(number, 7, "3.6.8", leader, 2, 100, 100, 50, size, used, learner, ())


def member(number: int, *, learner: bool = False) -> Member:
    name = f"{ID.etcd}-{number - 1}"
    url = f"https://{name}.{ID.etcd}.{ID.namespace}.svc:2380"
    return Member(number, name, (url,), (url,), learner)


def told(
    *answers: Status | None, alarms: tuple[Alarm, ...] = (), pods: dict[str, dict[str, Any]] | None = None
) -> EtcdStatus:
    """Return the status of members 1, 2, ... that answer like this; silent ones have a pod that runs."""
    view = View(
        tuple(
            Answer(f"{ID.etcd}-{index}", answer, "" if answer else "refused")
            for index, answer in enumerate(answers)
        ),
        tuple(member(index + 1, learner=bool(each and each.learner)) for index, each in enumerate(answers)),
        alarms,
    )
    running: dict[str, dict[str, Any]] = {
        f"{ID.etcd}-{index}": {"status": {}} for index in range(len(answers))
    }
    return describe(ID, view, running if pods is None else pods)


def advised(found: EtcdStatus) -> str:
    return " | ".join(map(str, found.advice))


def test_a_cluster_that_works_needs_no_advice() -> None:
    found = told(status(1), status(2), status(3))
    assert (found.well, found.has_quorum, found.advice) == (True, True, ())
    assert [each.role for each in found.members] == ["leader", "follower", "follower"]


def test_with_a_quorum_a_silent_member_may_be_replaced() -> None:
    found = told(status(1), None, status(3))
    assert found.has_quorum
    assert "k3k etcd replace-member dev 1 -n team" in advised(found)


def test_without_a_quorum_only_pods_or_a_backup_help() -> None:
    found = told(status(1, leader=0), None, None)
    assert not found.has_quorum
    assert "k3k backup restore dev -n team" in advised(found)
    assert "replace-member" not in advised(found)


def test_the_only_member_is_never_to_be_replaced() -> None:
    assert "replace-member" not in advised(told(None))


def test_what_its_pod_says_is_nearer_than_a_failed_connection() -> None:
    waiting = {"name": "guard", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
    pods: dict[str, dict[str, Any]] = {
        f"{ID.etcd}-0": {"status": {"initContainerStatuses": [waiting]}},
        f"{ID.etcd}-1": {"status": {}},
    }
    found = told(None, None, None, pods=pods)
    assert [each.trouble for each in found.members] == [
        "CrashLoopBackOff: back-off",
        "refused",
        "its pod does not exist",
    ]


def test_a_member_that_its_guard_refuses_has_lost_its_volume() -> None:
    ended = {"name": "guard", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    pods: dict[str, dict[str, Any]] = {f"{ID.etcd}-1": {"status": {"initContainerStatuses": [ended]}}}
    found = told(status(1), None, status(3), pods=pods)
    assert "its volume was lost" in found.members[1].trouble


def test_a_learner_has_no_vote_and_somebody_has_to_go_on() -> None:
    found = told(status(1), status(2), status(3, learner=True))
    assert (found.healthy, found.quorum) == (2, 2)
    assert "goes on with what was begun" in advised(found)


def test_a_full_database_is_told_first_and_what_makes_room() -> None:
    found = told(status(1, size=2048 * MIB, used=2000 * MIB), alarms=(Alarm(1, "NOSPACE"),))
    assert found.advice[0].path == f"{ID.etcd}-0"
    assert "k3k etcd disarm dev -n team" in found.advice[0].remedy


def test_a_large_database_with_little_in_it_is_worth_a_defragmentation() -> None:
    assert "k3k etcd defrag" in advised(told(status(1, size=200 * MIB, used=50 * MIB)))
    assert not told(status(1, size=20 * MIB, used=5 * MIB)).advice
