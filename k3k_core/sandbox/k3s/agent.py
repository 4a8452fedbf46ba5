"""A simulated k3s agent in a pod: it joins its control plane with its token, and is a node of it while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from k3k_core.resources import NODE
from k3k_core.sandbox.k3s.bootstrap import fatal
from k3k_core.sandbox.k3s.log_lines import in_k3s_form
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest

if TYPE_CHECKING:
    from k3k_core.sandbox.api.store import Store

# Seconds between two attempts to join; k3s waits about as long.
_RETRY = 0.2
# Returns where the nodes of the control plane behind a URL are kept, or why they are not to be had.
FindNodes = Callable[[str, str], "Store | str"]


def is_agent(launch: Launch) -> bool:
    """Whether a container of the k3s image runs an agent."""
    return next(iter(launch.container.get("args") or ()), "") == "agent"


class K3sAgent:
    """A k3s agent that was started in a pod.

    Args:
        launch: what the container was given.
        find: finds its control plane, by URL and token.

    Raises:
        StartError: the real one would end at once.
    """

    def __init__(self, launch: Launch, find: FindNodes) -> None:
        self._launch = launch
        self._find = find
        self._log = Log(launch.now)
        words = [_filled(str(word), launch) for word in launch.container.get("args") or ()]
        flags = dict(zip(words[1::2], words[2::2], strict=False))
        self._server = flags.get("--server", "") or launch.variables.get("K3S_URL", "")
        self._token = launch.variables.get("K3S_TOKEN", "")
        self._name = flags.get("--node-name", launch.pod["metadata"]["name"])
        if not self._token or not self._server:
            raise fatal("--token is required" if not self._token else "--server is required")
        if not (launch.container.get("securityContext") or {}).get("privileged"):
            raise fatal("failed to mount cgroup: operation not permitted")
        self._store: Store | None = None
        self._told = ""
        self._timer: asyncio.TimerHandle | None = None
        self._join()

    def _join(self) -> None:
        self._timer = None
        found = self._find(self._server, self._token)
        if isinstance(found, str):
            if found != self._told:
                self._log.write(in_k3s_form(self._launch.now(), "error", found))
                self._told = found
            self._timer = asyncio.get_running_loop().call_later(_RETRY, self._join)
            return
        self._store = found
        self._report(found, ready=True)
        self._launch.changed()

    def _report(self, store: Store, *, ready: bool) -> None:
        """Be a node of the control plane, or say that it is not heard of any more."""
        current = store.get(NODE, None, self._name)
        if current is None and ready:
            labels = {"kubernetes.io/hostname": self._name, "node.kubernetes.io/instance-type": "k3s"}
            meta = {"name": self._name, "labels": labels}
            made = {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {}}
            current = store.create(NODE, made)
        if current is not None:
            store.put(NODE, {**current, "status": self._status(ready=ready)})

    def _status(self, *, ready: bool) -> dict[str, Any]:
        return {
            "addresses": [{"type": "InternalIP", "address": self._launch.address}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "nodeInfo": {"kubeletVersion": self._launch.image.k3s_version or "v1.36.2+k3s1"},
        }

    def answer(self, request: ProbeRequest) -> int:  # noqa: ARG002, part of the protocol
        raise ConnectionRefusedError

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return False

    def healthy(self) -> bool:
        return self._store is not None

    def log(self) -> Log:
        return self._log

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._store is not None:
            self._report(self._store, ready=False)


def host_of(url: str) -> tuple[str, str]:
    """Return the Service and the namespace that a URL leads to.

    Args:
        url: `https://SERVICE.NAMESPACE.svc:PORT`.
    """
    service, _, rest = (urlsplit(url).hostname or "").partition(".")
    return service, rest.partition(".")[0]


def _filled(word: str, launch: Launch) -> str:
    for name, text in launch.variables.items():
        word = word.replace(f"$({name})", text)
    return word
