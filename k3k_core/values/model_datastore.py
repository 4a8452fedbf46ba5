"""What a values file says of the datastore, and of the volumes for what is stored in the host cluster."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from k3k_core.values import fields as f
from k3k_core.values.block import Block


class Etcd(Block):
    """The dedicated etcd, with `datastore.kind: etcd`."""

    members: Literal[1, 3] = Field(default=1, description="Members: 1, or 3 to survive the loss of one.")
    image: f.Image = Field(default="quay.io/coreos/etcd:v3.6.8", description="Image of etcd with its tag.")
    guard_image: f.Image | None = Field(
        default=None,
        description="Image with a shell for the small container that sees, before a member starts, that its data is "
        "there. Omitted: the k3s image of the version the control plane is created with; it stays when that changes, "
        "because members would be restarted for it.",
        examples=["rancher/k3s:v1.36.2-k3s1"],
    )
    size: f.Size = Field(default="8Gi", description="Size of each member's volume.")
    storage_class: f.OptionalObjectName = Field(
        default="",
        description="Storage class of the volumes; fast storage matters. Empty: the host's default.",
    )


class Preflight(Block):
    """A Job that proves, before the servers start, that the external datastore can be reached and used."""

    enabled: bool = Field(default=True, description="Whether there is one.")
    image: f.Image | None = Field(
        default=None,
        description="Image with the client of the datastore: psql, mysql or etcdctl. Omitted: the official image of "
        "Postgres, MySQL or etcd.",
    )
    timeout: f.Duration = Field(
        default="2m", description="How long to try. An image that cannot be pulled only warns."
    )


class External(Block):
    """A datastore that exists already, with `datastore.kind: external`. Exactly one of the two is needed."""

    endpoint: f.Endpoint | None = Field(
        default=None,
        repr=False,
        description="Data source name of Postgres, MySQL or MariaDB, or addresses of an etcd. It "
        "is kept in a Secret. "
        "Every control plane needs a database or etcd of its own.",
        examples=["postgres://USER:PASSWORD@db.example.org:5432/dev?sslmode=verify-full"],
    )
    secret_name: f.ObjectName | None = Field(
        default=None,
        description="Name of a Secret in the same namespace with the key `endpoint` and, for TLS, "
        "`ca.crt`, `tls.crt` "
        "and `tls.key`.",
        examples=["dev-datastore"],
    )
    preflight: Preflight = Field(default_factory=Preflight)


class Datastore(Block):
    """Where the control plane's objects are stored."""

    kind: Literal["sqlite", "etcd", "external"] = Field(
        default="sqlite",
        description="sqlite: a file of the one server. etcd: a dedicated etcd beside the servers. "
        "external: an existing "
        "Postgres, MySQL, MariaDB or etcd. More than one server needs etcd or external.",
    )
    etcd: Etcd = Field(default_factory=Etcd)
    external: External = Field(default_factory=External)


class Persistence(Block):
    """Volumes for what is stored in the host cluster: the sqlite file, or the data of the dedicated etcd."""

    enabled: bool = Field(
        default=True,
        description="Whether data survives the loss of a pod. If false, it is gone with the pod: for tests "
        "only. Left out on a host without a default storage class, it is false, and a warning says so.",
    )
    access_mode: Literal["auto", "ReadWriteOnce", "ReadWriteOncePod"] = Field(
        default="auto",
        description="Who may mount the sqlite volume. ReadWriteOncePod: one pod, so that two servers never share the "
        "file, whatever happens to a node; it needs a CSI driver. ReadWriteOnce: one node. auto: the first where the "
        "storage class has a CSI driver, decided once, at the creation.",
    )
    size: f.Size = Field(
        default="5Gi", description="Size of the sqlite volume; etcd has `datastore.etcd.size`."
    )
    storage_class: f.OptionalObjectName = Field(
        default="",
        description="Storage class of the sqlite volume. Not a network file system. Empty: the "
        "host's default.",
    )
