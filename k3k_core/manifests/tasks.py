"""Jobs that do one thing and end: a preflight, a dump, a restore. All run under the `restricted` standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Manifest, OwnerReference
from k3k_core.manifests.metadata import checksum, labels, metadata
from k3k_core.manifests.pods import container_security_context, mount, placement, pod_basics
from k3k_core.names import ANNOTATION_CHECKSUM, COMPONENT_TASK, ControlPlaneId
from k3k_core.versions import K3sVersion

if TYPE_CHECKING:
    from k3k_core.values import Values

# Scratch space that the containers of a task share.
WORK_DIR = "/work"
# A Job that nobody collected: gone after an hour, with its pod and log.
_KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class TaskContainer:
    """One program of a task.

    Attributes:
        name: of the container.
        image: with its tag.
        command: program and arguments; never a secret.
        env: as in a container; secrets by `secretKeyRef` only.
        mounts: volumes besides the scratch space.
    """

    name: str
    image: str
    command: Sequence[str]
    env: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What a Job does.

    Attributes:
        what: names it, e.g. "preflight".
        containers: run one after the other; the last is the Job's own, the others come before it.
        volumes: of the pod, besides the scratch space.
        deadline: seconds until it has failed.
        scratch: size of the scratch space, e.g. "5Gi".
    """

    what: str
    containers: Sequence[TaskContainer]
    volumes: Sequence[Mapping[str, Any]] = ()
    deadline: int = 600
    scratch: str = "1Gi"


def task_job(
    identity: ControlPlaneId, values: Values, task: Task, owner: OwnerReference | None = None
) -> Manifest:
    """Return the Job of a task. It is tried once: who runs it decides whether it is run again.

    Args:
        identity: the control plane.
        values: its values: image policy, pull secrets, placement.
        task: what it does.
        owner: the root Secret.
    """
    pod_labels = labels(identity, COMPONENT_TASK)
    *before, last = task.containers
    pod = {
        **pod_basics(identity, values),
        **placement(values, pod_labels, 1),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "initContainers": [_container(each, values) for each in before],
        "containers": [_container(last, values)],
        "volumes": [*task.volumes, {"name": "work", "emptyDir": {"sizeLimit": task.scratch}}],
    }
    if not before:
        del pod["initContainers"]
    spec: dict[str, Any] = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": task.deadline,
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        "template": {"metadata": {"labels": pod_labels}, "spec": pod},
    }
    meta = metadata(
        identity,
        identity.task(task.what),
        COMPONENT_TASK,
        owner,
        annotations={ANNOTATION_CHECKSUM: checksum(spec)},
    )
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def k3s_image(values: Values) -> str:
    """Return the image of the servers, which every host of a control plane has.

    Args:
        values: `image` and `version`.
    """
    return f"{values.image.repository}:{K3sVersion.parse(values.version).image_tag}"


def _container(container: TaskContainer, values: Values) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": values.image.pull_policy,
        "command": list(container.command),
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "securityContext": container_security_context(),
        "volumeMounts": [*(dict(each) for each in container.mounts), mount("work", WORK_DIR)],
    }
    if container.env:
        found["env"] = [dict(each) for each in container.env]
    return found
