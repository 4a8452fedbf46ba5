"""Pods of the sandbox in which a real etcd runs, with the command line, files and environment its pod has.

Each process has a private `/etc/hosts` with the DNS names of the members' pods, so that everything is as rendered but
two things: `0.0.0.0` is the address of the pod, and the folders of the container are folders of the test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from k3k_core.names import ETCD_METRICS_PORT
from k3k_core.sandbox import host_controllers
from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.datastores import Member, Members
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest
from k3k_core.sandbox.node.tasks import TaskProcess, TaskRun
from k3k_core.sandbox.programs import registry

ETCD = os.environ.get("K3K_ETCD") or shutil.which("etcd")
_VOLUME = "/var/lib/etcd"
_PKI = "/etc/k3k/pki"
# As root or not, a process may have a view of its own of the file system.
_UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
_OWN_HOSTS = 'mount --bind "$0" /etc/hosts && exec "$@"'
_PIECE = 64 * 1024


def etcd_version() -> str:
    """Return the version of the etcd that would run; empty when there is none."""
    if ETCD is None:
        return ""
    told = subprocess.run([ETCD, "--version"], check=True, capture_output=True, text=True).stdout
    return told.partition("etcd Version: ")[2].split()[0]


def _own_hosts_work() -> bool:
    probe = [*_UNSHARE, "sh", "-c", _OWN_HOSTS, "/etc/hostname", "true"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(probe, check=False, capture_output=True).returncode == 0
    )


@dataclass
class RealPods:
    """Where real members keep their data, and how they find each other.

    Attributes:
        folder: of the test.
        addresses: of the pods, by DNS name.
        processes: those that run, by the name of their pod.
        variables: laid over the environment of members that are yet to start.
    """

    folder: Path
    addresses: dict[str, str] = field(default_factory=dict)
    processes: dict[str, RealEtcd] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def hosts(self) -> Path:
        """The file with the names."""
        return self.folder / "hosts"

    def log(self, pod: str) -> Path:
        """Return the file with what the members of a pod's name wrote."""
        return self.folder / f"{pod}.log"

    def volume(self, launch: Launch) -> Path:
        """Return the folder that stands for the volume of a container."""
        name = launch.volume_of(_VOLUME) or f"pod/{launch.pod['metadata']['uid']}/root"
        found = self.folder / name.replace("/", "-")
        found.mkdir(exist_ok=True, mode=0o700)
        return found

    def announce(self, launch: Launch) -> None:
        """Note the address of a pod; the file is changed in place, for processes that have it open."""
        meta, service = launch.pod["metadata"], launch.pod["spec"]["subdomain"]
        self.addresses[f"{meta['name']}.{service}.{meta['namespace']}.svc"] = launch.address
        lines = [f"{address} {name}\n" for name, address in self.addresses.items()]
        self.hosts.write_text("".join(["127.0.0.1 localhost\n", *lines]))

    def words(self, launch: Launch, words: Sequence[str]) -> list[str]:
        """Return a command line with the folders of the test, and the address of the pod."""
        volume, pki = self.volume(launch), self._pki(launch)
        found = [word.replace("$(POD_NAME)", launch.pod["metadata"]["name"]) for word in words]
        found = [word.replace("0.0.0.0", launch.address) for word in found]  # noqa: S104, what is replaced
        return [word.replace(_PKI, str(pki)).replace(_VOLUME, str(volume)) for word in found]

    def _pki(self, launch: Launch) -> Path:
        found = self.folder / f"pki-{launch.pod['metadata']['uid']}"
        found.mkdir(exist_ok=True, mode=0o700)
        for name, text in launch.files.under(_PKI).items():
            (found / name).write_text(text)
        return found

    def start(
        self,
        launch: Launch,
        around: Surroundings,
        services: Callable[[Launch], frozenset[str]],
        *_: Any,
    ) -> RealEtcd:
        """Start a member, as the sandbox starts a simulated one."""
        self.announce(launch)
        meta = launch.pod["metadata"]
        member = Member(meta["namespace"], meta["name"], services(launch), launch.volume_of(_VOLUME) or "")
        process = self.processes[meta["name"]] = RealEtcd(self, launch, around.members, member)
        return process

    async def run(self, run: TaskRun) -> int:
        """Run a program for real, in place of its simulation."""
        words = self.words(run.launch, run.argv)
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], **run.env},
        )
        feeding = asyncio.create_task(_feed(run, process))
        try:
            assert process.stdout is not None
            while data := await process.stdout.read(_PIECE):
                await run.write(data)
            return await process.wait()
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            if process.returncode is None:
                process.kill()


async def _feed(run: TaskRun, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError):
        while data := await run.input.read(_PIECE):
            process.stdin.write(data)
            await process.stdin.drain()
        process.stdin.close()


class RealEtcd(TaskProcess):
    """One member.

    Args:
        pods: where it lives.
        launch: what its container was given.
        members: where simulated servers look for it.
        member: what they find.
    """

    def __init__(self, pods: RealPods, launch: Launch, members: Members, member: Member) -> None:
        self._pods = pods
        self._launch = launch
        self._members = members
        self._member = member
        self._ready = False
        self._written = Log(launch.now)
        words = pods.words(launch, launch.container["command"])
        command = [*_UNSHARE, "sh", "-c", _OWN_HOSTS, str(pods.hosts), str(ETCD), *words[1:]]
        with pods.log(member.pod).open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], **_etcd_variables(launch.variables), **pods.variables},
            )
        members.put(member)
        super().__init__(self._run(), self._written, lambda: None, launch.changed)

    async def _run(self) -> int:
        """Look at its health until it ends: Debian's etcd has no other path that a probe could ask."""
        try:
            while (code := self._process.poll()) is None:
                self._set_ready(await self._healthy())
                await asyncio.sleep(0.1)
            return code
        finally:
            self._set_ready(False)

    async def _healthy(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(self._launch.address, ETCD_METRICS_PORT)
        except OSError:
            return False
        try:
            writer.write(b"GET /health HTTP/1.0\r\n\r\n")
            return b" 200 " in await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()

    def _set_ready(self, ready: bool) -> None:
        if ready != self._ready:
            self._ready = ready
            self._member = replace(self._member, ready=ready)
            self._members.put(self._member)
            self._launch.changed()

    def answer(self, request: ProbeRequest) -> int:  # noqa: ARG002, one answer to every probe
        if self.exit_code is not None:
            raise ConnectionRefusedError
        return 200 if self._ready else 503

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return self.exit_code is None

    def freeze(self) -> None:
        """Hold it still: it is there and answers nobody, as on a node that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        super().stop()
        self._members.remove(self._member.namespace, self._member.pod)


def _etcd_variables(variables: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in variables.items() if key.startswith("ETCD_")}


@pytest.fixture
def real_etcd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealPods:
    """Have the sandbox run real etcd members from now on, and for real what works on their volumes."""
    if ETCD is None:
        pytest.skip("needs etcd")
    if not _own_hosts_work():
        pytest.skip("needs a mount namespace")
    folder = tmp_path / "etcd"
    folder.mkdir()
    pods = RealPods(folder)
    monkeypatch.setattr(host_controllers, "EtcdProcess", pods.start)
    program: Callable[[TaskRun], Awaitable[int]] = pods.run
    for script in ("guard-etcd-data", "await-etcd-snapshot", "swap-etcd-data", "receive"):
        monkeypatch.setitem(registry.SCRIPTS, script, program)
    for tool in ("etcdctl", "etcdutl"):
        monkeypatch.setitem(registry.PROGRAMS, tool, program)
    return pods
