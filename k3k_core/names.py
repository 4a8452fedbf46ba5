"""Names, labels and types of the objects that make up a control plane in the host cluster."""

from __future__ import annotations

from dataclasses import dataclass

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
# On credentials that `delete --keep-data` left behind together with the volumes.
ANNOTATION_KEPT = f"{DOMAIN}/kept"

API_PORT = 6443


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

    def revision(self, number: int) -> str:
        """Name of the Secret that holds revision `number` (1, 2, ...)."""
        return f"{self.root}-r{number}"
