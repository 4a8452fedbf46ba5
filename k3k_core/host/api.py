"""What the rest of k3k may ask of a host: the interface and the data that crosses it."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from k3k_core.resources import Resource

Projection = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to reach a host.

    Attributes:
        kubeconfig: path of a kubeconfig, or several joined by `os.pathsep`; None means `$KUBECONFIG`, then
            `~/.kube/config`, then the identity of the pod k3k runs in.
        context: name of a context; None means the current one.
        request_timeout: seconds one request may take, retries included; a watch is exempt once it is open.
    """

    kubeconfig: str | None = None
    context: str | None = None
    request_timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Listing:
    """A consistent list of objects.

    Attributes:
        items: the objects, `apiVersion` and `kind` filled in.
        resource_version: the version to watch from.
    """

    items: list[dict[str, Any]]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch.

    Attributes:
        type: what happened.
        object: the object after the event; for a BOOKMARK only `metadata.resourceVersion` means anything.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """The version a later watch may resume from."""
        return str((self.object.get("metadata") or {}).get("resourceVersion", ""))


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a program ended that was run in a container.

    Attributes:
        exit_code: 0 when it succeeded.
        stdout: what it wrote, unless that was taken piece by piece; it may hold secrets.
        stderr: the last 4 KiB of what it complained about.
    """

    exit_code: int
    stdout: bytes = field(default=b"", repr=False)
    stderr: str = ""


class PodConnection(Protocol):
    """A byte stream to a port of a pod."""

    async def read(self) -> bytes:
        """Return the next bytes; none once the pod has closed the connection.

        Raises:
            UnreachableError: nothing listens on the port, or the connection broke.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            UnreachableError: the connection broke.
        """
        ...


class ListWatcher(Protocol):
    """The part of a host that is needed to follow its objects.

    Attributes:
        name: the context's name, or "in-cluster".
        server: URL of the API server.
    """

    @property
    def name(self) -> str: ...

    @property
    def server(self) -> str: ...

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
        project: Projection | None = None,
    ) -> Listing:
        """Read all objects of a type, page by page; an expired page token restarts the list once.

        Args:
            namespace: None means all namespaces.
            labels: a label selector.
            fields: a field selector.
            metadata_only: ask for `apiVersion`, `kind` and `metadata` alone (PartialObjectMetadata).
            page_size: objects per request.
            project: what to keep of each object, applied page by page: a large list is never in memory
                whole.
        """
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
        metadata_only: bool = False,
        timeout: float = 290.0,
    ) -> AsyncIterator[WatchEvent]:
        """Open one watch and yield its events until the host ends it.

        Watching from a `resource_version`, the first event is a BOOKMARK of that version: the watch is open.

        Args:
            timeout: seconds after which the host ends the watch.

        Raises:
            HostError: status 410 when `resource_version` is too old: list again.
        """
        ...


class HostApi(ListWatcher, Protocol):
    """A host cluster. Every method raises only classes of `k3k_core.errors`."""

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        """Read one object; NotFoundError when it, its namespace or its resource type is missing."""
        ...

    async def create(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object; ConflictError with reason `AlreadyExists` when there is one of that name.

        After an UnreachableError it is unknown whether the object was created: read it again.
        """
        ...

    async def apply(
        self, manifest: Mapping[str, Any], *, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """Server-side apply as field manager `k3k`; ConflictError names the managers of contested fields."""
        ...

    async def replace(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Replace an object; `metadata.resourceVersion`, when given, must still be the current one."""
        ...

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Apply a JSON merge patch (RFC 7386) and return the object."""
        ...

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        """Ask for an object's deletion; False when it was already gone.

        Args:
            propagation: `Background`, `Foreground` or `Orphan`.
            uid: delete only the object with this uid; ConflictError when another one bears the name now.
        """
        ...

    async def delete_collection(
        self, resource: Resource, namespace: str | None, *, labels: str, propagation: str = "Background"
    ) -> None:
        """Ask for the deletion of every object that matches a non-empty label selector."""
        ...

    def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
        since: float | None = None,
        timestamps: bool = False,
    ) -> AsyncGenerator[str, None]:
        """Yield the lines of a container's log, without their ends.

        What a program writes is anything: bytes that are not UTF-8 are replaced, overlong lines are cut into
        several, control characters stay in. Following has no time-out and is not taken up again when it ends.

        Args:
            container: its name; None for the only one of the pod.
            follow: go on with the lines that are yet to be written, until the container ends.
            tail: at most so many of the lines that are there, the newest; None for all.
            previous: of the container before its last restart.
            since: only lines of so many last seconds; None for all.
            timestamps: begin every line with the time it was written at (RFC 3339).

        Raises:
            K3kError: the host refuses, does not answer, or broke off.
        """
        ...

    def port_forward(self, namespace: str, pod: str, port: int) -> AbstractAsyncContextManager[PodConnection]:
        """Open one connection to a port of a pod, through the host's API.

        Args:
            port: number of the port.

        Raises:
            K3kError: the host refuses, or does not answer.
        """
        ...

    async def exec(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        container: str | None = None,
        stdin: AsyncIterable[bytes] | None = None,
        stdout: Callable[[bytes], Awaitable[None]] | None = None,
        timeout: float = 300.0,
    ) -> ExecResult:
        """Run a program in a container and wait for its end.

        Args:
            command: the program and its arguments; no shell is involved.
            container: its name; None for the only one of the pod.
            stdin: what the program reads; its end is passed on where host and kubelet can (Kubernetes 1.30), so a
                program must not depend on it: tell it how many bytes will come. It must read all of them, also when
                it fails: hosts from 1.30 on do not tell the end of a program that leaves more than a little.
            stdout: takes what the program writes, piece by piece; None collects it in the result.
            timeout: seconds for the whole run.

        Returns:
            How the program ended; a program that fails is a result, not an error.

        Raises:
            NotFoundError: the pod or the container does not exist.
            K3kError: the host refuses, does not answer, or broke off; whether the program ran is unknown then.
        """
        ...

    async def version(self) -> str:
        """Return the host's Kubernetes version, e.g. "v1.36.2"."""
        ...

    async def close(self) -> None:
        """Release connections and credentials."""
        ...
