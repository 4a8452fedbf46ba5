"""The values that harden a control plane, and the namespace it runs in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from k3k_core.values import fields as f
from k3k_core.values.block import Block


class SecretsEncryption(Block):
    """Encryption of the control plane's own Secrets in its datastore. Fixed at the creation."""

    enabled: bool = Field(default=False, description="Whether Secrets are encrypted at rest.")
    provider: Literal["aescbc", "secretbox"] = Field(
        default="aescbc", description="How. secretbox needs k3s v1.32.4 or newer."
    )


class Audit(Block):
    """The audit log of the API server."""

    policy: str = Field(
        default="",
        description="An audit policy (audit.k8s.io/v1), as text. Empty: no audit log.",
    )
    max_age: f.Count = Field(default=30, description="Days to keep rotated files, with a log in a file.")
    path: str = Field(
        default="-", description="Where it goes: `-` is the log of the server, else a file below `/tmp`."
    )


class Oidc(Block):
    """Users from an OpenID Connect provider."""

    issuer_url: str = Field(default="", description="URL of the issuer. Empty: none.")
    client_id: str = Field(default="", description="Client whose tokens are accepted.")
    username_claim: str = Field(default="sub", description="Claim with the user's name.")
    username_prefix: str = Field(default="", description="Put before it, e.g. `oidc:`. Empty: the issuer.")
    groups_claim: str = Field(default="", description="Claim with the groups. Empty: none.")
    groups_prefix: str = Field(default="", description="Put before every group.")
    ca: str = Field(default="", description="Authority of the issuer (PEM). Empty: the image's own.")


class Admission(Block):
    """Admission plug-ins of the API server."""

    enable: list[str] = Field(default_factory=list, description="Plug-ins to add to the defaults.")
    disable: list[str] = Field(default_factory=list, description="Plug-ins to leave out.")
    config: str = Field(
        default="",
        description="An AdmissionConfiguration (apiserver.config.k8s.io/v1), as text, e.g. Pod Security defaults.",
    )


class ExtraVolume(Block):
    """A Secret or ConfigMap of the same namespace, mounted into every server."""

    name: f.ObjectName = Field(description="Name of the volume.")
    path: f.MountPath = Field(description="Where to mount it; not below a directory that k3k uses.")
    secret: f.OptionalObjectName = Field(default="", description="Name of a Secret.")
    config_map: f.OptionalObjectName = Field(default="", description="Name of a ConfigMap.")


class Quota(Block):
    """A ResourceQuota for the namespace of the control plane."""

    enabled: bool = Field(default=False, description="Whether there is one.")
    cpu: f.Cpu = Field(default="4", description="Sum of the requests.")
    memory: f.Size = Field(default="8Gi", description="Sum of the requests.")
    storage: f.Size = Field(default="50Gi", description="Sum of the volumes.")
    pods: f.Count = Field(default=20, description="Number of pods.")


class Limits(Block):
    """A LimitRange for the namespace of the control plane: what containers get that say nothing."""

    enabled: bool = Field(default=False, description="Whether there is one.")
    cpu: f.Cpu = Field(default="500m", description="Default limit of a container.")
    memory: f.Size = Field(default="1Gi", description="Default limit of a container.")


class Tenancy(Block):
    """What keeps the namespace of a tenant small; made only when asked for, best with a namespace of its own."""

    quota: Quota = Field(default_factory=Quota)
    limits: Limits = Field(default_factory=Limits)
