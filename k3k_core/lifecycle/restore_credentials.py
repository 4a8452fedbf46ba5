"""Putting what a backup holds besides the data back into the host: Secrets, certificates, revisions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core import manifests
from k3k_core.concurrency import all_of
from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.credentials import create_once
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.restore_source import Source
from k3k_core.manifests import OwnerReference
from k3k_core.manifests.metadata import labelled, metadata, secret
from k3k_core.manifests.secrets import VALUES_KEY
from k3k_core.names import (
    ANNOTATION_REVISION,
    ANNOTATION_VERSION,
    COMPONENT_CONTROL_PLANE,
    COMPONENT_ETCD,
    LABEL_CONTROL_PLANE,
    TYPE_REVISION,
    ControlPlaneId,
)
from k3k_core.pki import ControlPlanePki, EtcdPki, new_etcd_pki
from k3k_core.pki.tokens import DATASTORE_KEY
from k3k_core.resources import SECRET

if TYPE_CHECKING:
    from k3k_core.values import Values


@dataclass(frozen=True, slots=True)
class Belongings:
    """Whose Secrets are put back.

    Attributes:
        host: an open host.
        id: the control plane.
        owner: its root Secret.
        values: the values it is to have.
    """

    host: HostApi
    id: ControlPlaneId
    owner: OwnerReference
    values: Values


async def store_credentials(of: Belongings, source: Source, progress: Progress) -> None:
    """Put the Secrets of a backup in the place of those there are, and its revisions beside them.

    Args:
        of: whose.
        source: the backup.
        progress: told about it.

    Raises:
        ConflictError: a Secret of such a name is somebody else's.
    """
    identity, wanted = of.id, of.values
    pki, tokens = source.secret("pki"), source.secret("tokens")
    if pki is None or tokens is None:
        raise ConflictError(
            f"the backup {source.manifest.name} holds no authorities or no tokens",
            hint="Restore another one.",
        )
    tokens = dict(tokens)
    if endpoint := wanted.datastore.external.endpoint:
        tokens[DATASTORE_KEY] = endpoint
    same_name = source.manifest.name.id == identity
    data: dict[str, Mapping[str, str]] = {identity.pki: pki, identity.tokens: tokens}
    etcd = source.secret("etcd-pki")
    if wanted.datastore.kind == "etcd":
        # Its certificates hold the names of its members, which begin with the control plane's.
        fits = etcd is not None and same_name
        data[identity.etcd_pki] = etcd if etcd is not None and fits else await _new_etcd_pki(of, pki)
    kubeconfig = source.secret("kubeconfig")
    if kubeconfig is not None and same_name:
        data[identity.kubeconfig] = kubeconfig
    await all_of(_put_secret(of, name, each) for name, each in data.items())
    await all_of(_keep_revision(of, number, text) for number, text in source.revisions().items())
    names = ", ".join(f"Secret/{name}" for name in data)
    progress(Step("credentials", "done", f"as in the backup: {names}"))


async def _new_etcd_pki(of: Belongings, pki: Mapping[str, str]) -> Mapping[str, str]:
    """Return the certificates of the etcd: those there are when the same authorities made them, else new ones."""
    authorities = ControlPlanePki.from_secret_data(pki)
    try:
        live = await of.host.get(SECRET, of.id.namespace, of.id.etcd_pki)
        data = manifests.secret_data(live)
        if EtcdPki.from_secret_data(data).ca_pem == authorities.etcd_server_ca.cert_pem:
            return data
    except NotFoundError:
        pass
    names = manifests.etcd_dns_names(of.id)
    made = await asyncio.to_thread(new_etcd_pki, authorities, dns_names=names, now=datetime.now(UTC))
    return made.to_secret_data()


async def _put_secret(of: Belongings, name: str, data: Mapping[str, str]) -> None:
    """Create a Secret, or give the one that is there these contents."""
    identity, owner = of.id, of.owner
    component = COMPONENT_ETCD if name == identity.etcd_pki else COMPONENT_CONTROL_PLANE
    manifest = labelled(secret(metadata(identity, name, component, owner), data), of.values.labels)
    stored, made = await create_once(of.host, manifest)
    if made:
        return
    meta = stored["metadata"]
    if (meta.get("labels") or {}).get(LABEL_CONTROL_PLANE) != identity.name:
        raise ConflictError(
            f"Secret {identity.namespace}/{name} exists and was not made by k3k",
            hint="Delete or rename it, or restore under another name with --as.",
        )
    owned = any(each.get("uid") == owner.uid for each in meta.get("ownerReferences") or ())
    if owned and manifests.secret_data(stored) == dict(data):
        return
    manifest["metadata"]["resourceVersion"] = meta["resourceVersion"]
    await of.host.replace(manifest)


async def _keep_revision(of: Belongings, number: int, text: str) -> None:
    """Keep a revision of the backup, unless there is one of that number."""
    from k3k_core.values import load_values

    version = load_values(text, source=f"revision {number}").values.version
    annotations = {ANNOTATION_REVISION: str(number), ANNOTATION_VERSION: version}
    meta = metadata(of.id, of.id.revision(number), COMPONENT_CONTROL_PLANE, of.owner, annotations=annotations)
    manifest = labelled(secret(meta, {VALUES_KEY: text}, kind=TYPE_REVISION), of.values.labels)
    await create_once(of.host, {**manifest, "immutable": True})
