"""The Jobs that put a snapshot on the volumes of etcd members."""

from __future__ import annotations

import pytest

from k3k_core.manifests.etcd import DATA_DIR
from k3k_core.manifests.etcd_restore import restore_command, restore_job, snapshot_path
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values
from tests.support.blueprints import ETCD_VALUES

ID = ControlPlaneId("team", "dev")
SHA = "ab" * 32


def words(image: str, *, bump: bool = True) -> list[str]:
    return restore_command(ID, image, 1, 3, "/snapshot.db", bump=bump)


@pytest.mark.parametrize(
    ("image", "program", "bumps"),
    [
        ("etcd:v3.4.23", "etcdctl", False),
        ("etcd:v3.4.28", "etcdctl", True),
        ("etcd:v3.5.9", "etcdutl", False),
        ("quay.io/coreos/etcd:v3.5.10", "etcdutl", True),
        ("quay.io/coreos/etcd:v3.6.8", "etcdutl", True),
        ("registry.example.org:5000/etcd:3.6", "etcdutl", True),
        ("registry.example.org:5000/etcd:v3.4.23@sha256:" + "0" * 64, "etcdctl", False),
        ("registry.example.org:5000/etcd", "etcdutl", True),
    ],
)
def test_each_version_is_restored_by_the_program_it_has(image: str, program: str, bumps: bool) -> None:
    command = words(image)
    assert command[:4] == [program, "snapshot", "restore", "/snapshot.db"]
    assert ("--bump-revision=1000000000" in command, "--mark-compacted" in command) == (bumps, bumps)


def test_revisions_stay_where_no_client_can_have_seen_newer_ones() -> None:
    assert not any("bump" in word or "compacted" in word for word in words("etcd:v3.6.8", bump=False))


def test_a_member_is_restored_as_who_it_is() -> None:
    command = words("etcd:v3.6.8")
    assert "--name=dev-k3k-etcd-1" in command
    assert "--initial-advertise-peer-urls=https://dev-k3k-etcd-1.dev-k3k-etcd.team.svc:2380" in command
    assert "--initial-cluster-token=team-dev-k3k-etcd" in command
    assert len(next(word for word in command if word.startswith("--initial-cluster=")).split(",")) == 3


def test_what_was_there_is_replaced_only_by_what_was_restored_whole() -> None:
    job = restore_job(ID, load_values(ETCD_VALUES).values, 1, sha256=SHA, attempt="a", bump=True)
    pod = job["spec"]["template"]["spec"]
    receive, restore = pod["initContainers"]
    (swap,) = pod["containers"]
    restored = next(word for word in restore["command"] if word.startswith("--data-dir=")).partition("=")[2]
    assert receive["command"][4:] == [snapshot_path(SHA), restored]
    assert swap["command"][4:6] == [restored, DATA_DIR]
    assert restored != DATA_DIR
    assert job["spec"]["backoffLimit"] == 0
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "data-dev-k3k-etcd-1"}} in pod["volumes"]


def test_a_restore_is_not_taken_for_an_earlier_one() -> None:
    values = load_values(ETCD_VALUES).values
    first, same, second = (
        restore_job(ID, values, 1, sha256=SHA, attempt=attempt, bump=True)["metadata"]["annotations"]
        for attempt in ("a", "a", "b")
    )
    assert first == same != second
