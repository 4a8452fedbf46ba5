"""What a control plane stores, as rows: the same for sqlite, Postgres, MySQL and etcd."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """One key with its newest value.

    Attributes:
        key: e.g. "/registry/configmaps/kube-system/a", or "/bootstrap/..." for what k3s keeps of its own.
        value: as the API server stores it: JSON, protobuf or encrypted. May hold a secret.
        revision: of the last change, which is the object's `resourceVersion`.
        create_revision: at which it was created.
        lease: seconds it lives after its last change; 0 for ever.
    """

    key: str
    value: bytes = field(repr=False)
    revision: int
    create_revision: int
    lease: int = 0
