"""Real etcd members on loopback, run with the command line and the certificates that our manifests render.

Only what a loopback cannot have is put in place of what is rendered: a member's DNS name and the addresses it listens
on become 127.0.0.1 with ports of its own, and the folders of the container become folders of the test.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from k3k_core.manifests import Blueprint, etcd_dns_names, etcd_stateful_set
from k3k_core.manifests.config import etcd_member_names
from k3k_core.names import ETCD_CLIENT_PORT, ETCD_METRICS_PORT, ETCD_PEER_PORT, ControlPlaneId
from k3k_core.pki import EtcdPki, new_etcd_pki, new_pki
from tests.support.blueprints import blueprint

ETCD = os.environ.get("K3K_ETCD") or shutil.which("etcd")
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return tuple(each.getsockname()[1] for each in sockets)


@dataclass(slots=True)
class Member:
    """One member: where its pod would be, and the process that stands for it.

    Attributes:
        name: name of its pod.
        folder: its volume and its certificates.
        ports: client, peer and metrics port on 127.0.0.1, by the port of the pod.
        process: None while it does not run.
    """

    name: str
    folder: Path
    ports: Mapping[int, int]
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """What would be mounted as its volume."""
        return self.folder / "volume"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        path = self.folder / "etcd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def healthy(self) -> bool:
        """Whether it serves reads that a quorum agrees to."""
        url = f"http://127.0.0.1:{self.ports[ETCD_METRICS_PORT]}/health"
        with suppress(OSError), urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
        return False


@dataclass(slots=True)
class Etcd:
    """The members of one dedicated etcd.

    Attributes:
        blueprint: the control plane it belongs to.
        pki: its certificates.
        members: by the name of their pod.
        variables: the environment of members that are started from now on, beside their pod's name.
    """

    blueprint: Blueprint
    pki: EtcdPki = field(repr=False)
    members: dict[str, Member]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> ControlPlaneId:
        """The control plane."""
        return self.blueprint.id

    def start(self, name: str) -> None:
        """Start a member as its container would be started."""
        member = self.members[name]
        member.data.mkdir(exist_ok=True, mode=0o700)
        log = (member.folder / "etcd.log").open("ab")
        with log:
            member.process = subprocess.Popen(
                [str(ETCD), *self.command(name)[1:]], stdout=log, stderr=log, env=self._environment()
            )

    def stop(self, name: str) -> None:
        """End a member at once, as a node that is lost would."""
        member = self.members[name]
        if member.process is not None:
            member.process.kill()
            member.process.wait(_STOP_SECONDS)
            member.process = None

    def lose_volume(self, name: str) -> None:
        """End a member and take its volume away."""
        self.stop(name)
        shutil.rmtree(self.members[name].data)

    def wait_until_healthy(self, *names: str) -> None:
        """Wait until members serve; fail with the end of its log when one ends instead."""
        deadline = time.monotonic() + _START_SECONDS
        for name in names or tuple(self.members):
            member = self.members[name]
            while not member.healthy():
                ended = member.process is None or member.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise AssertionError(f"{name} does not serve:\n" + member.log[-3000:])
                # Nothing tells when it is ready but asking it.
                time.sleep(0.05)

    def command(self, name: str) -> list[str]:
        """Return the rendered command line of a member, with loopback addresses and folders of the test."""
        container = etcd_stateful_set(self.blueprint)["spec"]["template"]["spec"]["containers"][0]
        return [self.on_loopback(word, name) for word in container["command"]]

    def on_loopback(self, word: str, name: str) -> str:
        """Return a word of a member's command line with what a loopback has."""
        word = word.replace("$(POD_NAME)", name)
        for dns in etcd_member_names(self.id, len(self.members)):
            member = self.members[dns.partition(".")[0]]
            for port in (ETCD_CLIENT_PORT, ETCD_PEER_PORT):
                word = word.replace(f"{dns}:{port}", f"127.0.0.1:{member.ports[port]}")
        own = self.members[name]
        for port, local in own.ports.items():
            word = word.replace(f"0.0.0.0:{port}", f"127.0.0.1:{local}")
        return word.replace("/etc/k3k/pki", str(own.folder / "pki")).replace("/var/lib/etcd", str(own.data))

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **self.variables}


@contextmanager
def running_etcd(folder: Path, values: str, *, started: bool = True) -> Iterator[Etcd]:
    """Run the dedicated etcd of a control plane until the block ends.

    Args:
        folder: for volumes, certificates and logs.
        values: text of a values file with `datastore.kind: etcd`.
        started: whether members are started and waited for.
    """
    plan = blueprint(values)
    count = plan.values.datastore.etcd.members
    now = datetime.now(UTC)
    pki = new_etcd_pki(new_pki(now), dns_names=etcd_dns_names(plan.id), now=now)
    ports = iter(free_ports(3 * count))
    members: dict[str, Member] = {}
    for dns in etcd_member_names(plan.id, count):
        name = dns.partition(".")[0]
        home = folder / name
        (home / "pki").mkdir(parents=True)
        for file, text in pki.to_secret_data().items():
            (home / "pki" / file).write_text(text)
        kinds = (ETCD_CLIENT_PORT, ETCD_PEER_PORT, ETCD_METRICS_PORT)
        members[name] = Member(name, home, {port: next(ports) for port in kinds})
    etcd = Etcd(plan, pki, members)
    try:
        if started:
            for name in members:
                etcd.start(name)
            etcd.wait_until_healthy()
        yield etcd
    finally:
        for name in members:
            etcd.stop(name)
