"""Jobs that put a snapshot on the volume of an etcd member, with the program of the etcd image that can do it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from k3k_core.manifests.blueprint import Manifest, OwnerReference
from k3k_core.manifests.config import etcd_member_names
from k3k_core.manifests.etcd import DATA_DIR, VOLUME_DIR, cluster_token, initial_cluster
from k3k_core.manifests.pods import mount
from k3k_core.manifests.scripts import command
from k3k_core.manifests.tasks import Task, TaskContainer, k3s_image, task_job
from k3k_core.names import ETCD_PEER_PORT, ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import Values

RECEIVER = "receive"
# Where the snapshot arrives, and where the data made of it lies until it takes the place of what was there.
_ARRIVALS = f"{VOLUME_DIR}/restore"
_RESTORED = f"{VOLUME_DIR}/restored"
# Larger than the number of changes that anybody can have seen since the snapshot was taken.
_BUMP = 1_000_000_000
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_DEADLINE = 3600


def snapshot_path(sha256: str) -> str:
    """Return where the Job waits for a snapshot.

    Args:
        sha256: digest of the snapshot's data: another snapshot is waited for elsewhere.
    """
    return f"{_ARRIVALS}/{sha256}.db"


def restore_job(
    identity: ControlPlaneId,
    values: Values,
    number: int,
    *,
    sha256: str,
    attempt: str,
    bump: bool,
    owner: OwnerReference | None = None,
) -> Manifest:
    """Return the Job that restores one member; the member itself must not run.

    Args:
        identity: the control plane.
        values: its values.
        number: of the member: 0, 1 or 2.
        sha256: digest of the snapshot's data.
        attempt: names the restore: a Job of another one is not taken for it.
        bump: whether revisions go up by more than anybody can have seen, so that no client takes what it knows for
            newer than what was restored.
        owner: the root Secret.
    """
    pod = f"{identity.etcd}-{number}"
    path = snapshot_path(sha256)
    data = mount("data", VOLUME_DIR)
    image = k3s_image(values)
    etcd = values.datastore.etcd
    words = restore_command(identity, etcd.image, number, etcd.members, path, bump=bump)
    containers = (
        TaskContainer(RECEIVER, image, command("await-etcd-snapshot", path, _RESTORED), mounts=(data,)),
        TaskContainer(
            "restore", etcd.image, words, env=({"name": "ETCDCTL_API", "value": "3"},), mounts=(data,)
        ),
        TaskContainer(
            "swap",
            image,
            command("swap-etcd-data", _RESTORED, DATA_DIR, _ARRIVALS),
            env=({"name": "ATTEMPT", "value": attempt},),
            mounts=(data,),
        ),
    )
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": f"data-{pod}"}}
    task = Task(f"etcd-restore-{number}", containers, volumes=(volume,), deadline=_DEADLINE)
    return task_job(identity, values, task, owner)


def restore_command(
    identity: ControlPlaneId, image: str, number: int, members: int, path: str, *, bump: bool
) -> list[str]:
    """Return the program that makes a data directory from a snapshot, as the version of the image has it.

    `etcdutl` came with 3.5 and etcdctl's own `snapshot restore` went with 3.6. Raising revisions came with 3.6, and
    was brought back to 3.5.10 and 3.4.28 (https://github.com/etcd-io/etcd/pull/16029, 16165 and 16193).

    Args:
        identity: the control plane.
        image: of etcd, with its tag; one whose tag is no version is taken for the newest.
        number: of the member.
        members: how many there are.
        path: of the snapshot.
        bump: whether to raise revisions, where the program can.
    """
    version = version_of(image)
    name = etcd_member_names(identity, members)[number]
    program = "etcdctl" if version and version < (3, 5, 0) else "etcdutl"
    words = [
        program,
        "snapshot",
        "restore",
        path,
        f"--name={name.partition('.')[0]}",
        f"--initial-cluster={initial_cluster(identity, members)}",
        f"--initial-cluster-token={cluster_token(identity)}",
        f"--initial-advertise-peer-urls=https://{name}:{ETCD_PEER_PORT}",
        f"--data-dir={_RESTORED}",
    ]
    if bump and can_bump(version):
        words += [f"--bump-revision={_BUMP}", "--mark-compacted"]
    return words


def version_of(image: str) -> tuple[int, int, int] | None:
    """Return the version that an image's tag names; None when it names none.

    Args:
        image: e.g. "quay.io/coreos/etcd:v3.6.8".
    """
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _VERSION.match(tag)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def can_bump(version: tuple[int, int, int] | None) -> bool:
    """Tell whether a version's program can raise revisions; one that is not known is taken for the newest."""
    if version is None or version >= (3, 6, 0):
        return True
    return version >= ((3, 5, 10) if version >= (3, 5, 0) else (3, 4, 28))
