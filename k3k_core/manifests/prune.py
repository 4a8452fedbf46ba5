"""A CronJob that prunes, with no more rights than that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k3k_core.manifests.blueprint import Manifest
from k3k_core.manifests.pods import container_security_context, pod_security_context
from k3k_core.names import FIELD_MANAGER, LABEL_MANAGED_BY, LABEL_NAME, LABEL_PART_OF

NAME = "k3k-prune"
# A prune that hangs must not keep the next one from beginning for ever.
_DEADLINE = 1800
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class PruneJob:
    """What is to run when.

    Attributes:
        namespace: where the CronJob is; also where it prunes, unless everywhere.
        image: image with k3k in it.
        schedule: as in a CronJob (UTC), e.g. "*/15 * * * *".
        everywhere: whether it prunes in all namespaces.
        options: further arguments of `k3k prune`.
    """

    namespace: str
    image: str
    schedule: str
    everywhere: bool = False
    options: Sequence[str] = ()

    @property
    def command(self) -> list[str]:
        """The command it runs."""
        scope = ["--all-namespaces"] if self.everywhere else ["--namespace", self.namespace]
        return ["k3k", "prune", "--yes", *scope, *self.options]


def prune_manifests(job: PruneJob) -> tuple[Manifest, ...]:
    """Return identity, rights and CronJob, in the order in which to apply them.

    Args:
        job: what is to run when.
    """
    role = "ClusterRole" if job.everywhere else "Role"
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(job, namespaced=True),
        "automountServiceAccountToken": False,
    }
    rights = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": role,
        "metadata": _metadata(job, namespaced=not job.everywhere),
        "rules": _rules(),
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{role}Binding",
        "metadata": _metadata(job, namespaced=not job.everywhere),
        "roleRef": {"apiGroup": _RBAC, "kind": role, "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": job.namespace}],
    }
    return account, rights, binding, _cron_job(job)


def _metadata(job: PruneJob, *, namespaced: bool) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": NAME, "labels": _labels()}
    if namespaced:
        meta["namespace"] = job.namespace
    return meta


def _labels() -> dict[str, str]:
    return {LABEL_NAME: NAME, LABEL_PART_OF: "k3k", LABEL_MANAGED_BY: FIELD_MANAGER}


def _rules() -> list[dict[str, Any]]:
    """What finding and deleting takes: the root is read and watched, all else put under it and left to the host."""
    belongings = ["list", "patch", "delete"]
    return [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch", "patch", "delete"]},
        {
            "apiGroups": [""],
            "resources": [
                "configmaps",
                "limitranges",
                "persistentvolumeclaims",
                "resourcequotas",
                "serviceaccounts",
                "services",
            ],
            "verbs": [*belongings],
        },
        {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": [*belongings]},
        {"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"], "verbs": [*belongings]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": [*belongings]},
        {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": [*belongings]},
        {"apiGroups": [_RBAC], "resources": ["rolebindings", "roles"], "verbs": [*belongings]},
        # Asked of those who put an object under another that is to wait for its end, by some hosts: the admission
        # plug-in OwnerReferencesPermissionEnforcement.
        {"apiGroups": [""], "resources": ["secrets/finalizers"], "verbs": ["update"]},
    ]


def _cron_job(job: PruneJob) -> Manifest:
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security_context(),
        "containers": [
            {
                "name": "prune",
                "image": job.image,
                "command": job.command,
                # k3k looks for its settings there; the image's file system is read-only.
                "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - a path in the pod, on a volume of its own
                "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": container_security_context(),
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the same
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(job, namespaced=True),
        "spec": {
            "schedule": job.schedule,
            # Two at a time would only find the same.
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": _labels()},
                "spec": {
                    # The next run does what this one could not.
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": _DEADLINE,
                    "template": {"metadata": {"labels": _labels()}, "spec": pod},
                },
            },
        },
    }
