"""The kubelet of the simulated node: brings the pods given to it to life, and reports how they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.controllers.client import KUBELET, Client, controller_of
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.pods import is_terminating, phase
from k3k_core.sandbox.controllers.runtime import Key
from k3k_core.sandbox.controllers.volumes import claims_of
from k3k_core.sandbox.node.containers import Container, Report
from k3k_core.sandbox.node.files import ContainerFiles, Lookup, environment, missing_objects
from k3k_core.sandbox.node.images import Program
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.pod_status import running_status, waiting_status
from k3k_core.sandbox.node.process import Launch, PlainProcess, Process, StartProcess
from k3k_core.sandbox.node.tasks import KILLED, Tasks, command_line, not_executed

_KINDS = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}


@dataclass(slots=True)
class _Running:
    """A pod the kubelet has taken on."""

    uid: str
    address: str
    containers: list[Container]
    init: list[Container]
    initialized: bool = False
    init_done: list[dict[str, Any]] = field(default_factory=list)


class NoLogError(Exception):
    """A container has no log."""


class Kubelet:
    """Runs the pods of one node.

    Args:
        client: reads and writes.
        events: for what is done.
        programs: how to start the programs of images the sandbox simulates; others just run.
        tasks: the programs that do something and end.
        node: name of the node.
        node_address: its IP address.
        pod_address: returns an address for a pod, given "NAMESPACE/NAME".
        release_address: takes it back, given the same.
        enqueue: has the manager look at a pod again.
    """

    watches: tuple[Resource, ...] = (POD, SECRET, CONFIG_MAP)

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        programs: Mapping[Program, StartProcess],
        tasks: Tasks,
        *,
        node: str,
        node_address: str,
        pod_address: Callable[[str], str],
        release_address: Callable[[str], None],
        enqueue: Callable[[Kubelet, Key], None],
    ) -> None:
        self._client = client
        self._store = client.store
        self._events = events
        self._programs = programs
        self._tasks = tasks
        self._node = node
        self._node_address = node_address
        self._pod_address = pod_address
        self._release_address = release_address
        self._enqueue = enqueue
        self._pods: dict[Key, _Running] = {}
        # Pods that wait for a Secret or ConfigMap, by namespace.
        self._blocked: dict[str, set[Key]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """A pod of this node, or the pods that wait for a changed Secret or ConfigMap."""
        meta = change.object["metadata"]
        key = (meta["namespace"], meta["name"])
        if change.resource == POD:
            mine = key in self._pods or change.object["spec"].get("nodeName") == self._node
            return (key,) if mine else ()
        return tuple(self._blocked.get(meta["namespace"], ()))

    def reconcile(self, key: Key) -> float | None:
        """Bring one pod a step further and report its status."""
        pod = self._store.get(POD, key[0], key[1])
        known = self._pods.get(key)
        if known is not None and (pod is None or pod["metadata"]["uid"] != known.uid):
            self._stop(key)
            known = None
        if pod is None:
            self._release_address("/".join(key))
            return None
        if pod["spec"].get("nodeName") != self._node:
            return None
        if is_terminating(pod):
            self._end(key, pod)
            return None
        if known is None:
            if phase(pod) in {"Succeeded", "Failed"}:
                # It was over before the sandbox was started.
                return None
            known = self._pods[key] = self._take_on(pod)
        self._advance(key, pod, known)
        self._report_status(pod, known)
        return self._wait(known)

    def stop(self) -> None:
        """End every program on the node; the pods stay as they are in the store."""
        for key in tuple(self._pods):
            self._stop(key)

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        """Return what a container wrote.

        Args:
            namespace: of the pod.
            pod: its name.
            container: name of the container.
            previous: of the run before the last restart.

        Raises:
            NoLogError: it has not written anything; the message is the kubelet's.
        """
        known = self._pods.get((namespace, pod))
        containers = (*known.containers, *known.init) if known else ()
        found = next((each for each in containers if each.name == container), None)
        log = None if found is None else found.previous_log if previous else found.log
        if log is not None:
            return log
        where = f'container "{container}" in pod "{pod}"'
        if previous:
            raise NoLogError(f"previous terminated {where} not found")
        state = found.state.get("waiting", {}).get("reason", "") if found else "ContainerCreating"
        raise NoLogError(f"{where} is waiting to start: {state or 'ContainerCreating'}")

    def _take_on(self, pod: dict[str, Any]) -> _Running:
        spec = pod["spec"]
        init_specs = spec.get("initContainers") or ()
        waiting = "PodInitializing" if init_specs else "ContainerCreating"

        policy = spec.get("restartPolicy", "Always")

        def fresh(container: dict[str, Any], policy: str) -> Container:
            return Container(container, {"waiting": {"reason": waiting}}, restart_policy=policy)

        return _Running(
            uid=pod["metadata"]["uid"],
            address="",
            containers=[fresh(container, policy) for container in spec["containers"]],
            init=[
                fresh(container, "Never" if policy == "Never" else "OnFailure") for container in init_specs
            ],
        )

    def _lookup(self, namespace: str) -> Lookup:
        return lambda kind, name: self._store.get(_KINDS[kind], namespace, name)

    def _advance(self, key: Key, pod: dict[str, Any], known: _Running) -> None:
        if not known.address and not self._mounted(key, pod):
            return
        if not known.address:
            known.address = self._pod_address("/".join(key))
        if not known.initialized and not self._initialize(key, pod, known):
            return
        for container in known.containers:
            self._run(key, pod, known, container)

    def _mounted(self, key: Key, pod: dict[str, Any]) -> bool:
        missing = missing_objects(pod["spec"], self._lookup(key[0]))
        blocked = self._blocked.setdefault(key[0], set())
        if not missing:
            blocked.discard(key)
            return True
        blocked.add(key)
        for volume, problem in missing:
            self._events.warning(
                pod,
                "FailedMount",
                f'MountVolume.SetUp failed for volume "{volume}" : {problem}',
                component=KUBELET,
            )
        return False

    def _initialize(self, key: Key, pod: dict[str, Any], known: _Running) -> bool:
        """Run the init containers one after the other; of one the sandbox does not know only the image matters."""
        for container in known.init[len(known.init_done) :]:
            if container.exit_code is None:
                self._run(key, pod, known, container)
            if container.exit_code != 0:
                return False
            known.init_done.append(container.status(init=True))
        known.initialized = True
        return True

    def _reporter(self, pod: dict[str, Any], where: str) -> Report:
        def report(kind: str, reason: str, message: str) -> None:
            record = self._events.warning if kind == "Warning" else self._events.normal
            record(pod, reason, message, component=KUBELET, field=where)

        return report

    def _run(self, key: Key, pod: dict[str, Any], known: _Running, container: Container) -> None:
        now = asyncio.get_running_loop().time()
        kind = "initContainers" if container in known.init else "containers"
        report = self._reporter(pod, f"spec.{kind}{{{container.name}}}")
        clock = self._store.now()
        pod_name = f"{key[1]}_{key[0]}({known.uid})"
        if container.running:
            code = container.ended()
            if code is not None:
                container.exited(code, now, clock, pod_name, report)
            elif container.probe(known.address, now, report):
                container.exited(KILLED, now, clock, pod_name, report)
                container.due = now if container.exit_code is None else None
            else:
                return
        if container.due is None or container.due > now or not container.pull(now, report):
            return
        if kind == "initContainers" and not self._tasks.knows(command_line(container.spec)):
            container.pass_over(clock, report)
            return
        variables, problems = environment(pod, container.spec, self._lookup(key[0]))
        blocked = self._blocked.setdefault(key[0], set())
        if problems:
            blocked.add(key)
            container.waiting("CreateContainerConfigError", problems[0])
            report("Warning", "Failed", f"Error: {problems[0]}")
            return
        blocked.discard(key)
        launch = self._launch(key, pod, known, container, variables)
        container.start(lambda: self._start(launch), now, clock, pod_name, report)
        container.launch = launch if container.running else None
        container.probe(known.address, now, report)

    def _start(self, launch: Launch) -> Process:
        """Start what a container is to run: a program of the sandbox, its image's, or nothing in particular."""
        argv = command_line(launch.container)
        if self._tasks.knows(argv):
            return self._tasks.process(launch, argv)
        start = None if self._tasks.is_shell(argv) else self._programs.get(launch.image.program)
        if start is not None:
            return start(launch)
        owner = controller_of(dict(launch.pod)) or {}
        if owner.get("kind") == "Job":
            return not_executed(self._now, launch.changed)
        return PlainProcess(self._now)

    def _launch(
        self,
        key: Key,
        pod: dict[str, Any],
        known: _Running,
        container: Container,
        variables: Mapping[str, str],
    ) -> Launch:
        if container.image is None:
            raise ValueError("the image was not pulled")
        lookup = self._lookup(key[0])

        def changed() -> None:
            container.wake(asyncio.get_running_loop().time())
            self._enqueue(self, key)

        return Launch(
            pod=pod,
            container=container.spec,
            image=container.image,
            files=ContainerFiles(pod["spec"], container.spec, lookup),
            init_files=tuple(ContainerFiles(pod["spec"], each.spec, lookup) for each in known.init),
            variables=variables,
            address=known.address,
            claims=self._claim_uids(pod),
            changed=changed,
            now=self._now,
        )

    def running(self, namespace: str, pod: str, container: str) -> Launch | None:
        """Return what a container that runs was given; None when it does not run.

        Args:
            namespace: of the pod.
            pod: its name.
            container: name of the container.
        """
        known = self._pods.get((namespace, pod))
        found = (each for each in (*known.containers, *known.init) if each.name == container) if known else ()
        return next((each.launch for each in found), None)

    def _now(self) -> datetime:
        """The host's clock, which can be set back: it is asked anew every time."""
        return self._store.now()

    def _claim_uids(self, pod: dict[str, Any]) -> dict[str, str]:
        namespace = pod["metadata"]["namespace"]
        found = {name: self._store.get(PERSISTENT_VOLUME_CLAIM, namespace, name) for name in claims_of(pod)}
        return {name: claim["metadata"]["uid"] for name, claim in found.items() if claim is not None}

    def _report_status(self, pod: dict[str, Any], known: _Running) -> None:
        waiting = known.init[len(known.init_done) :]
        init = [*known.init_done, *(self._init_status(container) for container in waiting)]
        status = running_status(
            pod,
            addresses=(self._node_address, known.address),
            init=init,
            containers=known.containers,
            initialized=known.initialized,
            now=timestamp(self._store.now()),
        )
        self._client.set_status(POD, pod, status, manager=KUBELET)

    def _init_status(self, container: Container) -> dict[str, Any]:
        reason = container.state.get("waiting", {}).get("reason")
        if reason == "PodInitializing":
            return waiting_status(container.spec, reason)
        return container.status(init=True)

    def _wait(self, known: _Running) -> float | None:
        if not known.address:
            return None
        now = asyncio.get_running_loop().time()
        waiting = known.init[len(known.init_done) :][:1] if not known.initialized else known.containers
        times = [due for due in (container.next_due() for container in waiting) if due is not None]
        # A time that has passed belongs to something that waits for a change.
        ahead = [time - now for time in times if time > now]
        return min(ahead, default=None)

    def _end(self, key: Key, pod: dict[str, Any]) -> None:
        """Stop a pod that is being deleted, and let the API remove it."""
        known = self._pods.get(key)
        for container in known.containers if known else ():
            if container.running:
                report = self._reporter(pod, f"spec.containers{{{container.name}}}")
                report("Normal", "Killing", f"Stopping container {container.name}")
        self._stop(key)

        def confirm(changed: dict[str, Any]) -> None:
            changed["metadata"]["deletionGracePeriodSeconds"] = 0

        self._client.change(POD, pod, confirm, manager=KUBELET)
        left = self._store.get(POD, key[0], key[1])
        if left is not None and left["metadata"]["uid"] == pod["metadata"]["uid"] and _removable(left):
            self._store.remove(POD, key[0], key[1])

    def _stop(self, key: Key) -> None:
        known = self._pods.pop(key, None)
        self._blocked.get(key[0], set()).discard(key)
        for container in (*known.containers, *known.init) if known else ():
            container.stop()


def _removable(pod: dict[str, Any]) -> bool:
    return not pod["metadata"].get("finalizers")
