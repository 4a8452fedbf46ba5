"""Secrets: the root, its revisions, authorities, tokens, the administrator's kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.errors import K3kError
from k3k_core.manifests.blueprint import Blueprint, Manifest, OwnerReference
from k3k_core.manifests.metadata import labelled, metadata, secret, secret_data
from k3k_core.names import (
    ANNOTATION_CERTIFICATE_EXPIRES_AT,
    ANNOTATION_DATASTORE,
    ANNOTATION_EXPIRES_AT,
    ANNOTATION_PROTECTED,
    ANNOTATION_REVISION,
    ANNOTATION_SERVERS,
    ANNOTATION_VERSION,
    COMPONENT_CONTROL_PLANE,
    COMPONENT_ETCD,
    TYPE_REVISION,
    TYPE_ROOT,
    ControlPlaneId,
)
from k3k_core.pki import ControlPlanePki, EtcdPki, Tokens, kubeconfig_expiry
from k3k_core.values import split_secrets
from k3k_core.values.tiers import without_tier

if TYPE_CHECKING:
    from k3k_core.values import Values

VALUES_KEY = "values.yaml"
# Stands for the host of a DSN, so that the values can still be loaded: the DSN is in the tokens Secret only.
_ELSEWHERE = "stored-in-the-tokens-secret"


def root_secret(
    identity: ControlPlaneId, values: Values, *, revision: int = 1, expires_at: str | None = None
) -> Manifest:
    """Return the root Secret, which owns everything else.

    Its annotations are what a fleet is listed from.

    Args:
        identity: the control plane.
        values: its values; tokens and the DSN are left out.
        revision: number of the revision they are.
        expires_at: end of the control plane's life (RFC 3339), if it has one.
    """
    annotations = _summary(values, revision)
    if expires_at:
        annotations[ANNOTATION_EXPIRES_AT] = expires_at
    if values.protect:
        annotations[ANNOTATION_PROTECTED] = "true"
    meta = metadata(
        identity,
        identity.root,
        COMPONENT_CONTROL_PLANE,
        None,
        annotations=annotations,
        version=values.version,
    )
    return labelled(secret(meta, {VALUES_KEY: dump_values(values)}, kind=TYPE_ROOT), values.labels)


def revision_secret(blueprint: Blueprint) -> Manifest:
    """Return the Secret that keeps the values of one revision for history and rollback; it never changes."""
    meta = metadata(
        blueprint.id,
        blueprint.id.revision(blueprint.revision),
        COMPONENT_CONTROL_PLANE,
        blueprint.owner,
        annotations=_summary(blueprint.values, blueprint.revision),
        version=blueprint.values.version,
    )
    manifest = secret(meta, {VALUES_KEY: dump_values(blueprint.values)}, kind=TYPE_REVISION)
    return {**labelled(manifest, blueprint.values.labels), "immutable": True}


def pki_secret(identity: ControlPlaneId, pki: ControlPlanePki, owner: OwnerReference | None) -> Manifest:
    """Return the Secret with the authorities and the service-account key."""
    meta = metadata(identity, identity.pki, COMPONENT_CONTROL_PLANE, owner)
    return secret(meta, pki.to_secret_data())


def tokens_secret(identity: ControlPlaneId, tokens: Tokens, owner: OwnerReference | None) -> Manifest:
    """Return the Secret with join tokens, bearer identities and an external datastore's DSN."""
    meta = metadata(identity, identity.tokens, COMPONENT_CONTROL_PLANE, owner)
    return secret(meta, tokens.to_secret_data())


def kubeconfig_secret(
    identity: ControlPlaneId, values: Values, kubeconfig: str, owner: OwnerReference | None
) -> Manifest:
    """Return the Secret with the administrator's kubeconfig, under the key the values name."""
    annotations = {}
    if expiry := kubeconfig_expiry(kubeconfig):
        annotations[ANNOTATION_CERTIFICATE_EXPIRES_AT] = expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = metadata(identity, identity.kubeconfig, COMPONENT_CONTROL_PLANE, owner, annotations=annotations)
    return labelled(secret(meta, {values.k3s.kubeconfig.filename: kubeconfig}), values.labels)


def etcd_pki_secret(identity: ControlPlaneId, pki: EtcdPki, owner: OwnerReference | None) -> Manifest:
    """Return the Secret with the certificates of a dedicated etcd and of its client, the k3s servers."""
    return secret(metadata(identity, identity.etcd_pki, COMPONENT_ETCD, owner), pki.to_secret_data())


def stored_values(root: Mapping[str, Any]) -> str:
    """Return the values a root or revision Secret holds, as YAML.

    Args:
        root: the Secret.

    Raises:
        K3kError: it holds none.
    """
    text = secret_data(root).get(VALUES_KEY)
    if text is None:
        meta = root["metadata"]
        raise K3kError(
            f"Secret {meta.get('namespace')}/{meta.get('name')} holds no values.",
            hint="Restore the Secret from a backup.",
        )
    return text


def stored_revision(root: Mapping[str, Any]) -> int:
    """Return the number of the revision a root or revision Secret stands for; 1 if it does not say."""
    text = (root["metadata"].get("annotations") or {}).get(ANNOTATION_REVISION, "")
    return int(text) if text.isdecimal() else 1


def dump_values(values: Values) -> str:
    """Return all values as YAML without their secrets, keys in a fixed order.

    Args:
        values: the values.
    """
    import yaml

    document, secrets = split_secrets(values.model_dump(mode="json", exclude_none=True))
    if endpoint := secrets.get("datastore.external.endpoint"):
        document["datastore"]["external"]["endpoint"] = _without_secrets(endpoint)
    return yaml.safe_dump(without_tier(document), sort_keys=True)


def is_stand_in(endpoint: str) -> bool:
    """Tell whether a DSN is what stored values hold in place of the one in the tokens Secret.

    Args:
        endpoint: a DSN.
    """
    return _ELSEWHERE in endpoint


def _without_secrets(endpoint: str) -> str:
    """Return a DSN of the same kind that leads nowhere."""
    scheme = endpoint.partition("://")[0]
    return f"{scheme}://tcp({_ELSEWHERE}:3306)/" if scheme == "mysql" else f"{scheme}://{_ELSEWHERE}"


def _summary(values: Values, revision: int) -> dict[str, str]:
    return {
        ANNOTATION_VERSION: values.version,
        ANNOTATION_SERVERS: str(values.servers),
        ANNOTATION_DATASTORE: values.datastore.kind,
        ANNOTATION_REVISION: str(revision),
    }
