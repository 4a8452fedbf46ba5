"""The kinds of Kubernetes object k3k deals with, and the URL paths of the API for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type of a Kubernetes API.

    Attributes:
        group: API group, "" for the core group.
        version: API version, e.g. "v1".
        plural: name in URL paths, e.g. "statefulsets".
        kind: e.g. "StatefulSet".
        namespaced: whether its objects live in a namespace.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apiVersion` as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """URL path of a collection or an object.

        Args:
            namespace: the namespace; None means all namespaces (or a cluster-scoped resource).
            name: the object's name, None for the collection.
            subresource: e.g. "status".

        Returns:
            A path beginning with "/api/" or "/apis/".
        """
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/".join(parts)


NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
SECRET = Resource("", "v1", "secrets", "Secret")
CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
SERVICE = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")
POD = Resource("", "v1", "pods", "Pod")
NODE = Resource("", "v1", "nodes", "Node", namespaced=False)
EVENT = Resource("", "v1", "events", "Event")
PERSISTENT_VOLUME_CLAIM = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
STATEFUL_SET = Resource("apps", "v1", "statefulsets", "StatefulSet")
DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
STORAGE_CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
NETWORK_POLICY = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
POD_DISRUPTION_BUDGET = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
JOB = Resource("batch", "v1", "jobs", "Job")
CRON_JOB = Resource("batch", "v1", "cronjobs", "CronJob")
ROLE = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDING = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLE = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDING = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
RESOURCE_QUOTA = Resource("", "v1", "resourcequotas", "ResourceQuota")
LIMIT_RANGE = Resource("", "v1", "limitranges", "LimitRange")
PRIORITY_CLASS = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
CSI_DRIVER = Resource("storage.k8s.io", "v1", "csidrivers", "CSIDriver", namespaced=False)

KNOWN = (
    NAMESPACE,
    SECRET,
    CONFIG_MAP,
    SERVICE,
    SERVICE_ACCOUNT,
    POD,
    NODE,
    EVENT,
    PERSISTENT_VOLUME_CLAIM,
    STATEFUL_SET,
    DEPLOYMENT,
    STORAGE_CLASS,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    JOB,
    CRON_JOB,
    ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    PRIORITY_CLASS,
    CSI_DRIVER,
)
_BY_TYPE = {(resource.api_version, resource.kind): resource for resource in KNOWN}


def resource_of(manifest: Mapping[str, Any]) -> Resource:
    """Return the resource type of an object by its `apiVersion` and `kind`.

    Args:
        manifest: a Kubernetes object.

    Raises:
        KeyError: the type is none that k3k deals with.
    """
    return _BY_TYPE[manifest["apiVersion"], manifest["kind"]]
