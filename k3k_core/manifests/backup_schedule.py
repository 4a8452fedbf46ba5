"""Backups by schedule: a CronJob, and an identity that may read this one control plane and note when that was."""

from __future__ import annotations

from typing import Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import labels, metadata
from k3k_core.manifests.pods import container_security_context, mount, placement, pod_security_context
from k3k_core.manifests.volume_pods import backups_claim
from k3k_core.names import COMPONENT_BACKUP, ControlPlaneId

# Where the volume of backups is mounted in the pod that writes them.
BACKUPS_DIR = "/backups"
# As many as are kept; a Role names what it lets read.
_REVISIONS = 10
# A backup that hangs must not keep the next one from beginning for ever.
_DEADLINE = 3600
_RBAC = "rbac.authorization.k8s.io"


def backup_schedule(blueprint: Blueprint) -> tuple[Manifest, ...]:
    """Return identity, rights and CronJob of backups by schedule, and the volume they go to; nothing without one.

    Args:
        blueprint: the control plane.
    """
    backup = blueprint.values.backup
    if not backup.schedule:
        return ()
    made = backup.volume.enabled and not backup.volume.claim_name
    claim = (backups_claim(blueprint.id, blueprint.values),) if made else ()
    return (_account(blueprint), _role(blueprint), _binding(blueprint), *claim, _cron_job(blueprint))


def _meta(blueprint: Blueprint, name: str = "") -> dict[str, Any]:
    return metadata(blueprint.id, name or blueprint.id.backups, COMPONENT_BACKUP, blueprint.owner)


def _account(blueprint: Blueprint) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _meta(blueprint),
        "automountServiceAccountToken": False,
    }


def _binding(blueprint: Blueprint) -> Manifest:
    name = blueprint.id.backups
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": _meta(blueprint),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": blueprint.id.namespace}],
    }


def _role(blueprint: Blueprint) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": _meta(blueprint),
        "rules": [*_reading(blueprint), *_copying(blueprint)],
    }


def _reading(blueprint: Blueprint) -> list[dict[str, Any]]:
    """What belongs into every backup; and to note on the root when it was taken."""
    identity, values = blueprint.id, blueprint.values
    first = max(1, blueprint.revision - _REVISIONS + 1)
    names = [identity.root, identity.pki, identity.tokens, identity.kubeconfig]
    names += [identity.revision(number) for number in range(first, blueprint.revision + 1)]
    names += [identity.etcd_pki] if values.datastore.kind == "etcd" else []
    external, s3 = values.datastore.external, values.backup.s3
    names += [external.secret_name] if external.secret_name else []
    names += [s3.secret_name] if s3.bucket and s3.secret_name else []
    return [
        _rule("", "secrets", names, "get"),
        _rule("", "secrets", [identity.root], "patch"),
        _rule("", "services", [identity.service], "get"),
    ]


def _copying(blueprint: Blueprint) -> list[dict[str, Any]]:
    """What it takes to get at the data."""
    identity, datastore = blueprint.id, blueprint.values.datastore
    if datastore.kind == "sqlite":
        # Older hosts ask for "get" where a WebSocket is opened, newer ones for "create".
        return [_rule("", "pods/exec", [f"{identity.server}-0"], "get", "create")]
    if datastore.kind == "etcd":
        members = [f"{identity.etcd}-{number}" for number in range(datastore.etcd.members)]
        return [
            _rule("apps", "statefulsets", [identity.etcd], "get"),
            _rule("", "pods/portforward", members, "get", "create"),
        ]
    return [
        _rule("batch", "jobs", [identity.task("dump")], "get", "delete"),
        _rule("batch", "jobs", [], "create", "list", "watch"),
        _rule("", "secrets", [identity.task("dump")], "get", "patch", "delete"),
        _rule("", "secrets", [], "create"),
        _rule("", "pods", [], "get", "list", "watch"),
        # The name of a Job's pod is not known before.
        _rule("", "pods/exec", [], "get", "create"),
        _rule("", "pods/log", [], "get"),
    ]


def _rule(group: str, resource: str, names: list[str], *verbs: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return {**rule, "resourceNames": names} if names else rule


def backup_command(identity: ControlPlaneId, *, to_volume: bool) -> list[str]:
    """Return the command that a schedule runs.

    Args:
        identity: the control plane.
        to_volume: whether the volume of the values is mounted at `BACKUPS_DIR`.
    """
    place = ["--to", BACKUPS_DIR] if to_volume else []
    command = ["k3k", "backup", "create", identity.name, "-n", identity.namespace]
    return [*command, *place, "--if-running", "--prune"]


def _cron_job(blueprint: Blueprint) -> Manifest:
    identity, backup = blueprint.id, blueprint.values.backup
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        # At most 52 characters: its Jobs are named after it.
        "metadata": _meta(blueprint, identity.task("backup")),
        "spec": {
            "schedule": backup.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            # One that was missed is taken late rather than not at all.
            "startingDeadlineSeconds": _DEADLINE,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": labels(identity, COMPONENT_BACKUP)},
                "spec": {
                    "backoffLimit": 2,
                    "activeDeadlineSeconds": _DEADLINE,
                    "template": {
                        "metadata": {"labels": labels(identity, COMPONENT_BACKUP)},
                        "spec": _pod(blueprint),
                    },
                },
            },
        },
    }


def _pod(blueprint: Blueprint) -> dict[str, Any]:
    identity, values = blueprint.id, blueprint.values
    volume = values.backup.volume
    # As `target_of` decides: a bucket comes first.
    to_volume = volume.enabled and not values.backup.s3.bucket
    mounts = [mount("tmp", "/tmp")]  # noqa: S108 - a path in the pod, on a volume of its own
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    if to_volume:
        claim = volume.claim_name or identity.backups
        mounts.append(mount("backups", BACKUPS_DIR))
        volumes.append({"name": "backups", "persistentVolumeClaim": {"claimName": claim}})
    spec: dict[str, Any] = {
        "serviceAccountName": identity.backups,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": pod_security_context(),
        **placement(values, labels(identity, COMPONENT_BACKUP), 1),
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "k3k",
                "image": values.backup.image,
                "imagePullPolicy": values.image.pull_policy,
                "command": backup_command(identity, to_volume=to_volume),
                "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - a path in the pod
                "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
                "securityContext": container_security_context(),
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if values.image.pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in values.image.pull_secrets]
    return spec
