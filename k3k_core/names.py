"""Names, labels and types of the objects that make up a control plane in the host cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from k3k_core.errors import UsageError

FIELD_MANAGER = "k3k"
DOMAIN = "k3k.ayedo.de"

LABEL_CONTROL_PLANE = f"{DOMAIN}/control-plane"
LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_VERSION = "app.kubernetes.io/version"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_PART_OF = "app.kubernetes.io/part-of"

TYPE_ROOT = f"{DOMAIN}/control-plane"
TYPE_REVISION = f"{DOMAIN}/revision"

# On the root Secret, so that a fleet can be listed from metadata alone.
ANNOTATION_VERSION = f"{DOMAIN}/version"
ANNOTATION_SERVERS = f"{DOMAIN}/servers"
ANNOTATION_DATASTORE = f"{DOMAIN}/datastore"
ANNOTATION_REVISION = f"{DOMAIN}/revision"
ANNOTATION_EXPIRES_AT = f"{DOMAIN}/expires-at"
# On the kubeconfig Secret: end of life of the client certificate in it (RFC 3339).
ANNOTATION_CERTIFICATE_EXPIRES_AT = f"{DOMAIN}/certificate-expires-at"
# On pod templates: a digest of the configuration and the secrets, so that a change of them rolls the pods.
ANNOTATION_CHECKSUM = f"{DOMAIN}/checksum"
# On credentials that `delete --keep-data` left behind together with the volumes.
ANNOTATION_KEPT = f"{DOMAIN}/kept"
# On the root: the operation that is under way, as JSON; see `lifecycle.operation`.
ANNOTATION_OPERATION = f"{DOMAIN}/operation"
# On the root: "true" while delete and prune refuse.
ANNOTATION_PROTECTED = f"{DOMAIN}/protected"
# On the root: since when it is paused (RFC 3339).
ANNOTATION_PAUSED_AT = f"{DOMAIN}/paused-at"
# On the root: when its servers were last asked for again after a pause (RFC 3339).
ANNOTATION_RESUMED_AT = f"{DOMAIN}/resumed-at"
# On the root: when the newest backup was complete (RFC 3339), and its name.
ANNOTATION_BACKED_UP_AT = f"{DOMAIN}/backed-up-at"
ANNOTATION_LAST_BACKUP = f"{DOMAIN}/last-backup"
# On the root: from where its data was moved, as JSON, until that is confirmed; see `lifecycle.migration`.
ANNOTATION_MIGRATION = f"{DOMAIN}/migration"

API_PORT = 6443
ETCD_CLIENT_PORT = 2379
ETCD_PEER_PORT = 2380
ETCD_METRICS_PORT = 2381

COMPONENT_CONTROL_PLANE = "control-plane"
COMPONENT_SERVER = "server"
COMPONENT_ETCD = "etcd"
# The second set of servers of a blue-green upgrade.
COMPONENT_GREEN = "server-green"
COMPONENT_AGENT = "agent"
# Pods and Jobs that work for a while: preflight, dump, restore.
COMPONENT_TASK = "task"
COMPONENT_BACKUP = "backup"

# By this name (LABEL_NAME) network policies know the pods of `k3k exporter`.
EXPORTER_NAME = "k3k-exporter"

# The StatefulSet controller labels each pod with the set's name, a dash and a hash of up to 10 characters,
# and a label takes 63: that leaves 52 for the longest set name, `NAME-k3k-server`.
MAX_NAME_LENGTH = 52 - len("-k3k-server")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def validate_name(name: str) -> str:
    """Return the name of a control plane if objects can be named after it.

    Args:
        name: a DNS label that begins with a letter (Services are named after it), at most `MAX_NAME_LENGTH`
        long.

    Raises:
        UsageError: it is not.
    """
    if len(name) > MAX_NAME_LENGTH:
        raise UsageError(
            f"The name {name[:MAX_NAME_LENGTH]}... has {len(name)} characters, which is too long.",
            hint=f"At most {MAX_NAME_LENGTH} are possible, because k3k names a StatefulSet NAME-k3k-server.",
        )
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a control plane.",
            hint="Use lower-case letters, digits and dashes; start with a letter, end with no dash.",
        )
    return name


def validate_namespace(namespace: str) -> str:
    """Return the name of a namespace if Kubernetes takes it: a DNS label (RFC 1123).

    Args:
        namespace: name of a namespace.

    Raises:
        UsageError: it is not.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise UsageError(
            f"{namespace!r} cannot be the name of a namespace.",
            hint="Use at most 63 lower-case letters, digits and dashes; neither start nor end with a dash.",
        )
    return namespace


@dataclass(frozen=True, slots=True)
class ControlPlaneId:
    """Identity of a control plane inside one host.

    Attributes:
        namespace: host namespace.
        name: name of the control plane.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def root(self) -> str:
        """Name of the root Secret, of the Service and of other objects that exist once."""
        return f"{self.name}-k3k"

    @property
    def pki(self) -> str:
        return f"{self.root}-pki"

    @property
    def tokens(self) -> str:
        return f"{self.root}-tokens"

    @property
    def kubeconfig(self) -> str:
        return f"{self.root}-kubeconfig"

    @property
    def config(self) -> str:
        return f"{self.root}-config"

    @property
    def service(self) -> str:
        return self.root

    @property
    def servers_service(self) -> str:
        return f"{self.root}-servers"

    @property
    def server(self) -> str:
        """Name of the StatefulSet of k3s servers."""
        return f"{self.root}-server"

    @property
    def etcd(self) -> str:
        """Name of the StatefulSet and Service of a dedicated etcd."""
        return f"{self.root}-etcd"

    @property
    def etcd_pki(self) -> str:
        return f"{self.root}-etcd-pki"

    @property
    def green(self) -> str:
        """Name of the second StatefulSet and Service of a blue-green upgrade; no longer than `server`."""
        return f"{self.root}-green"

    @property
    def agent(self) -> str:
        """Name of the StatefulSet of agents that run as pods of the host."""
        return f"{self.root}-agent"

    @property
    def restore(self) -> str:
        """Name of the ConfigMap that has a starting server wait for what is restored."""
        return f"{self.root}-restore"

    @property
    def backups(self) -> str:
        """Name of the volume claim that holds backups, and of what takes them on a schedule."""
        return f"{self.root}-backups"

    def task(self, what: str) -> str:
        """Name of the Job that does one thing, e.g. "preflight"."""
        return f"{self.root}-{what}"

    def revision(self, number: int) -> str:
        """Name of the Secret that holds revision `number` (1, 2, ...)."""
        return f"{self.root}-r{number}"
