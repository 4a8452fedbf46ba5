"""A node that runs Jobs, whose programs a test writes; time is virtual."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from k3k_core.resources import (
    CONFIG_MAP,
    CRON_JOB,
    EVENT,
    JOB,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
)
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.cron_jobs import CronJobController
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.jobs import JobController
from k3k_core.sandbox.controllers.kinds import NODE, PERSISTENT_VOLUME, STORAGE_CLASS
from k3k_core.sandbox.controllers.runtime import Controller, Key
from k3k_core.sandbox.controllers.volumes import VolumeController, standard_storage_class
from k3k_core.sandbox.data_volumes import DataVolumes
from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.node.kubelet import Kubelet
from k3k_core.sandbox.node.machine import NODE_NAME, node_manifest, node_status
from k3k_core.sandbox.node.scheduler import Scheduler
from k3k_core.sandbox.node.tasks import Program
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.tasks import nowhere, tasks

TYPES = (
    NAMESPACE,
    EVENT,
    POD,
    SECRET,
    CONFIG_MAP,
    NODE,
    JOB,
    CRON_JOB,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
)
_ADDRESS = "127.70.0.1"


class TaskNode:
    """A node and what is on it."""

    def __init__(self, loop: ControlLoop, kubelet: Kubelet, around: Surroundings) -> None:
        self.loop = loop
        self.kubelet = kubelet
        self.around = around

    async def until(self, name: str, phase: str) -> dict[str, Any]:
        """Wait until a pod is in a phase."""
        with self.loop.store.subscribe(POD) as changes:
            while self.loop.get(POD, name)["status"].get("phase") != phase:
                await changes.next()
        return self.loop.get(POD, name)

    async def until_condition(self, name: str, kind: str) -> dict[str, Any]:
        """Wait until a condition of a Job is true."""
        with self.loop.store.subscribe(JOB) as changes:
            while True:
                job = self.loop.get(JOB, name)
                conditions = (job.get("status") or {}).get("conditions") or ()
                if any(each["type"] == kind and each["status"] == "True" for each in conditions):
                    return job
                await changes.next()


@asynccontextmanager
async def task_node(programs: Mapping[str, Program]) -> AsyncIterator[TaskNode]:
    """Run a node that knows some programs.

    Args:
        programs: by name; that of a script begins with "sh ".
    """
    around = nowhere()
    made: list[Kubelet] = []

    def look_again(controller: Controller, key: Key) -> None:
        running.manager.enqueue(controller, key)

    def make(client: Client, events: EventRecorder) -> list[Controller]:
        kubelet = Kubelet(
            client,
            events,
            {},
            tasks(programs, around),
            node=NODE_NAME,
            node_address=_ADDRESS,
            pod_address=lambda _: "127.70.0.2",
            release_address=lambda _: None,
            enqueue=look_again,
        )
        made.append(kubelet)
        return [
            GarbageCollector(client),
            CronJobController(client, events),
            JobController(client, events),
            VolumeController(client, events),
            DataVolumes(around.datastores, lambda _: None, around.volumes),
            Scheduler(client, events),
            kubelet,
        ]

    async with control_loop(make, TYPES) as running:
        await running.put(NODE, {**node_manifest(_ADDRESS), "status": node_status(_ADDRESS, "v1.36.2", "")})
        await running.put(STORAGE_CLASS, standard_storage_class())
        try:
            yield TaskNode(running, made[0], around)
        finally:
            made[0].stop()
