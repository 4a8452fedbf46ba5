"""What runs in a container of the sandbox, as the kubelet sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from k3k_core.sandbox.node.files import ContainerFiles
from k3k_core.sandbox.node.images import Image
from k3k_core.sandbox.node.log import Log


class StartError(Exception):
    """The program ends at once; the text is the last line of its log."""


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One `httpGet` probe.

    Attributes:
        scheme: "HTTP" or "HTTPS".
        port: TCP port.
        path: with the query.
        headers: names in lower case; they hold tokens.
    """

    scheme: str
    port: int
    path: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Launch:
    """All a program is given when its container starts.

    Attributes:
        pod: the Pod object.
        container: its entry in the pod's spec.
        image: the container's image.
        files: what is mounted.
        init_files: what the init containers had mounted.
        variables: the environment; holds secrets.
        address: the pod's IP address.
        claims: uids of the volume claims the pod mounts, by name.
        changed: to be called whenever the program's answers to probes may change.
        now: clock of the host, by which its log is dated.
    """

    pod: Mapping[str, Any] = field(repr=False)
    container: Mapping[str, Any] = field(repr=False)
    image: Image
    files: ContainerFiles = field(repr=False)
    init_files: tuple[ContainerFiles, ...] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    address: str
    claims: Mapping[str, str]
    changed: Callable[[], None] = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)

    def volume_of(self, path: str) -> str | None:
        """Return what identifies the volume a path lies on; None for the container's own file system.

        What lies on a claim outlives the pod; an emptyDir belongs to the pod.
        """
        name = self.files.volume_at(path)
        if name is None:
            return None
        meta = self.pod["metadata"]
        volume = next(each for each in self.pod["spec"]["volumes"] if each["name"] == name)
        if "persistentVolumeClaim" in volume:
            return f"claim/{self.claims.get(volume['persistentVolumeClaim']['claimName'], '')}"
        return f"pod/{meta['uid']}/{name}"


class Process(Protocol):
    """A running program."""

    def answer(self, request: ProbeRequest) -> int:
        """Return the HTTP status for a probe.

        Raises:
            ConnectionError: nothing listens there.
        """

    def accepts(self, port: int) -> bool:
        """Whether a TCP connection to a port succeeds."""

    def healthy(self) -> bool:
        """Whether a probe that runs a command succeeds."""

    def log(self) -> Log:
        """What it writes to its standard output and error."""

    def stop(self) -> None:
        """End it; its listeners are closed when this returns."""


StartProcess = Callable[[Launch], Process]


class PlainProcess:
    """A program the sandbox knows nothing about: it runs, and every probe passes.

    Args:
        now: wall clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._log = Log(now)
        self._log.write("The k3k sandbox runs no real containers: nothing was executed.")

    def answer(self, request: ProbeRequest) -> int:  # noqa: ARG002, part of the protocol
        return 200

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return True

    def healthy(self) -> bool:
        return True

    def log(self) -> Log:
        return self._log

    def stop(self) -> None:
        return
