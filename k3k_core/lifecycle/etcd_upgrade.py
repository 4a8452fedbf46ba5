"""What has to hold before the members of a dedicated etcd are replaced by those of another image."""

from __future__ import annotations

from collections.abc import Iterator

from k3k_core.errors import Issue, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.etcd_status import etcd_status
from k3k_core.manifests.etcd_restore import version_of
from k3k_core.names import ControlPlaneId

_PATH = "datastore.etcd.image"


def image_problems(before: str, after: str) -> Iterator[Issue]:
    """Yield why one image of etcd cannot follow another; nothing about images whose tag is no version.

    Members of two minor versions can be in one cluster, and what a newer one has written an older one does not read
    (https://etcd.io/docs/v3.6/upgrades/upgrade_3_6/).

    Args:
        before: image the members have.
        after: image they are to have.
    """
    old, new = version_of(before), version_of(after)
    if old is None or new is None or old[:2] == new[:2]:
        return
    if new < old:
        yield Issue(
            _PATH,
            f"is at {old[0]}.{old[1]}, and etcd does not go back to {new[0]}.{new[1]}",
            "keep the newer one, or go back to a backup that was taken before",
        )
    elif old[0] != new[0] or new[1] - old[1] > 1:
        between = f"{old[0]}.{old[1] + 1}"
        yield Issue(
            _PATH,
            f"goes from {old[0]}.{old[1]} to {new[0]}.{new[1]}, and etcd takes one minor version at a time",
            f"upgrade to a {between} first",
        )


async def member_problems(host: HostApi, identity: ControlPlaneId) -> list[Issue]:
    """Return why no member can be spared now: all have to work before the first of them is replaced.

    Args:
        host: an open host.
        identity: the control plane.
    """
    try:
        status = await etcd_status(host, identity)
    except NotFoundError:
        return []
    remedy = f"`k3k etcd status {identity.name} -n {identity.namespace}` shows each member and what to do"
    found = [
        Issue(
            "datastore.etcd", f"{member.name} does not work: {member.trouble or 'it has no vote yet'}", remedy
        )
        for member in status.members
        if not member.healthy
    ]
    found += [
        Issue("datastore.etcd", f"{name} has raised alarm {kind}", remedy) for name, kind in status.alarms
    ]
    return found
