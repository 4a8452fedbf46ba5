"""Plans of upgrades as they are printed, kept as files.

After a wanted change: `python -m tests.support.upgrade_plans`, then read the diff.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from k3k_core.cli.session import Console, Session
from k3k_core.cli.settings import Settings
from k3k_core.cli.terminal import Terminal
from k3k_core.cli.upgrade_output import plan_lines
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.upgrade import UpgradeRequest, plan_upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values

# It covers tokens, which are others every time.
_DIGEST = re.compile(r"[0-9a-f]{64}")
DIRECTORY = Path(__file__).parents[1] / "e2e" / "plans"

SMALL = ControlPlaneId("shop", "small")
LARGE = ControlPlaneId("shop", "large")
_MADE: Mapping[ControlPlaneId, tuple[str, ...]] = {
    SMALL: ("version=v1.35.8+k3s1",),
    LARGE: ("version=v1.35.8+k3s1", "datastore.kind=etcd", "servers=3"),
}
_ASKED: Mapping[str, UpgradeRequest] = {
    "recreate": UpgradeRequest(SMALL, version="v1.36.4+k3s1"),
    "rolling": UpgradeRequest(LARGE, version="v1.36.4+k3s1", assignments=("k3s.debug=true",)),
    "blue-green": UpgradeRequest(LARGE, version="v1.36.4+k3s1", strategy="blue-green", rollback_after=120.0),
    "canary": UpgradeRequest(LARGE, version="v1.36.4+k3s1", canary=True),
    "recreate-all": UpgradeRequest(LARGE, version="v1.36.4+k3s1", strategy="recreate"),
    "blue-green-refused": UpgradeRequest(SMALL, version="v1.36.4+k3s1", strategy="blue-green", wait=False),
    "backup": UpgradeRequest(SMALL, version="v1.36.4+k3s1", backup="create"),
    "recreate-etcd": UpgradeRequest(LARGE, assignments=("datastore.etcd.image=quay.io/coreos/etcd:v3.6.9",)),
    "in-place": UpgradeRequest(LARGE, assignments=("ttl=8h", "network_policy.enabled=false")),
    "none": UpgradeRequest(SMALL, version="v1.35.8+k3s1"),
    "refused": UpgradeRequest(
        SMALL, version="v1.37.1+k3s1", assignments=("k3s.cluster_cidr=10.99.0.0/16", "persistence.size=9Gi")
    ),
}


async def plans(host: Host) -> dict[str, str]:
    """Return what is printed of each plan, by name.

    Args:
        host: a host on which the control planes are made.
    """
    for identity, overrides in _MADE.items():
        await create(host, CreateRequest(identity, load_values("", overrides=overrides)))
    plain = Session(Settings(), Console(Terminal(), Terminal()))
    found = {}
    for name, request in _ASKED.items():
        plan = await plan_upgrade(host, request)
        lines = plan_lines(plain, plan, objects=True)
        lines += [f"warning: {warning}" for warning in plan.warnings]
        lines += [f"refused: {problem}" for problem in plan.problems]
        found[name] = _DIGEST.sub("DIGEST", "".join(f"{line}\n" for line in lines))
    return found


def path_of(name: str) -> Path:
    """Return the file of a plan."""
    return DIRECTORY / f"{name}.txt"


def names() -> list[str]:
    """Return the names of all plans."""
    return list(_ASKED)


async def _renew() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "host.yaml"
        async with Sandbox.start(SandboxOptions(start_delay=0.01)) as sandbox:
            kubeconfig.write_text(sandbox.kubeconfig, encoding="utf-8")
            async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
                for name, text in (await plans(host)).items():
                    path_of(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_renew())
