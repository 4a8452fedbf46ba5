"""Moving what a control plane stores: what the steps of a move, of going back and of confirming it share.

The root is written first and holds the values asked for and a note of how far it is, so that every step can be
repeated. Until the move is confirmed the old volume stays, and the root says what it was moved from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.addressing import cluster_ips
from k3k_core.lifecycle.applying import apply_supports
from k3k_core.lifecycle.claim import owner_of, stored_values
from k3k_core.lifecycle.credentials import create_once, find_credentials
from k3k_core.lifecycle.diff import address_of
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.operation import Operation, noted
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.revisions import revision_secrets
from k3k_core.lifecycle.root_marks import renewed_metadata
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import ANNOTATION_MIGRATION, ANNOTATION_OPERATION, COMPONENT_SERVER, ControlPlaneId
from k3k_core.pki import ControlPlanePki, new_etcd_pki
from k3k_core.resources import SECRET, SERVICE, STATEFUL_SET
from k3k_core.values import Values

VERB = "migrate"
# The servers are on the old datastore; on none; on the new one; going back to the old one; on the old one again.
PREPARING, COPYING, LOADED, BACK, RETURNED = "preparing", "copying", "loaded", "back", "returned"


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a control plane's data was moved.

    Attributes:
        revision: number of the revision whose values it had.
        to: the kind of datastore it was moved to.
        switched: whether servers have run on the new one: what was written there is not on the old one.
        at: when it was moved (RFC 3339).
        version: k3s version that worked on the old datastore last.
        persistence: the values of its volumes, as JSON; kept here, for revisions are forgotten.
    """

    revision: int
    to: str
    switched: bool
    at: str
    version: str
    persistence: str

    def facts(self) -> dict[str, str]:
        """Return it as notes on the root keep it."""
        return {
            "from": str(self.revision),
            "to": self.to,
            "switched": str(self.switched).lower(),
            "at": self.at,
            "version": self.version,
            "persistence": self.persistence,
        }


@dataclass(frozen=True, slots=True)
class Work:
    """A move or a way back that is being carried out.

    Attributes:
        host: an open host.
        id: the control plane.
        progress: told about each step.
        deadline: when time is up, on the clock of `time.monotonic`.
    """

    host: HostApi
    id: ControlPlaneId
    progress: Progress
    deadline: float

    @property
    def left(self) -> float:
        """Seconds that are left, at least one."""
        return max(self.deadline - time.monotonic(), 1.0)


def origin_of(root: Mapping[str, Any], operation: Operation | None) -> Origin | None:
    """Return from where the data was moved, or is being moved; None when there is no way back.

    Args:
        root: the root Secret.
        operation: the move that is under way, if one is.
    """
    text = (root["metadata"].get("annotations") or {}).get(ANNOTATION_MIGRATION, "")
    try:
        facts = operation.facts if operation is not None else json.loads(text or "{}")
        return Origin(
            int(facts["from"]),
            str(facts["to"]),
            facts["switched"] == "true",
            str(facts["at"]),
            str(facts["version"]),
            str(facts["persistence"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def values_back(current: Values, origin: Origin) -> Values:
    """Return the values of a control plane that goes back: today's, but for what has to do with the datastore.

    Args:
        current: the values it has.
        origin: from where it was moved.
    """
    # One server, and one set of servers: sqlite has one writer.
    strategy = current.upgrade.strategy
    upgrade = current.upgrade.model_copy(
        update={"strategy": "auto" if strategy == "blue-green" else strategy}
    )
    return current.model_copy(
        update={
            "servers": 1,
            "upgrade": upgrade,
            "datastore": type(current.datastore)(kind="sqlite"),
            "persistence": type(current.persistence).model_validate_json(origin.persistence),
        }
    )


def old_claim(identity: ControlPlaneId) -> str:
    """Return the name of the volume claim that sqlite is on."""
    return f"data-{identity.server}-0"


async def values_of_revision(host: HostApi, identity: ControlPlaneId, number: int) -> Values:
    """Return the values of a revision that is kept.

    Args:
        host: an open host.
        identity: the control plane.
        number: of the revision.

    Raises:
        ConflictError: it is not kept any more.
    """
    try:
        secret = await host.get(SECRET, identity.namespace, identity.revision(number))
    except NotFoundError:
        raise ConflictError(
            f"revision {number} of control plane {identity} is not kept any more: its values are not known",
            hint=f"`k3k history {identity.name} -n {identity.namespace}` shows what is kept.",
        ) from None
    return stored_values(secret).values


async def record(work: Work, root: Mapping[str, Any], wanted: Values, operation: Operation) -> dict[str, Any]:
    """Write values into the root as a new revision together with the note of what is under way.

    Args:
        work: what is being done.
        root: the root Secret as it was looked at.
        wanted: the values.
        operation: the note.

    Raises:
        ConflictError: somebody else changed the root meanwhile.
    """
    identity = work.id
    kept = [manifests.stored_revision(item) for item in await revision_secrets(work.host, identity)]
    number = max([manifests.stored_revision(root), *kept]) + 1
    fresh = manifests.root_secret(identity, wanted, revision=number)
    metadata = renewed_metadata(root, fresh, stored_values(root).values, wanted)
    metadata["annotations"] = {**metadata["annotations"], ANNOTATION_OPERATION: noted(operation)}
    try:
        written = await work.host.replace({**fresh, "metadata": metadata})
    except ConflictError as error:
        raise ConflictError(
            f"control plane {identity} was changed by somebody else meanwhile",
            hint="Run the same command again: it looks at what there is now.",
            reason=error.reason,
        ) from None
    work.progress(Step("revision", "done", f"recorded revision {number}", f"Secret/{identity.root}"))
    return written


async def blueprint_of(work: Work, root: Mapping[str, Any], values: Values) -> Blueprint:
    """Return what everything is made from; the certificates of an etcd are made if there are none.

    Args:
        work: what is being done.
        root: the root Secret.
        values: the values it is to be made from.
    """
    host, identity = work.host, work.id
    credentials, service, document = await together(
        find_credentials(host, identity, values),
        host.get(SERVICE, identity.namespace, identity.service),
        fetch_kubeconfig(host, identity),
    )
    known, owner = address_of(document), owner_of(root)
    etcd_pki = credentials.etcd_pki
    if values.datastore.kind == "etcd" and etcd_pki is None:
        etcd_pki = await _new_etcd_pki(work, root, credentials.pki)
    return Blueprint(
        id=identity,
        values=values,
        pki=credentials.pki,
        tokens=credentials.tokens,
        admin_kubeconfig=document,
        address=Address(known.host, known.port, cluster_ips(service)),
        owner=owner,
        revision=manifests.stored_revision(root),
        etcd_pki=etcd_pki,
        datastore_files=credentials.datastore_files,
    )


async def stop(work: Work) -> None:
    """Take the servers away; that there is no StatefulSet of them is the same.

    Args:
        work: what is being done.
    """
    try:
        await stop_pods(work.host, work.id, COMPONENT_SERVER, timeout=work.left, progress=work.progress)
    except NotFoundError:
        return


async def ask_for_servers(work: Work, blueprint: Blueprint) -> None:
    """Apply everything, the servers last, and do not wait for them.

    A StatefulSet cannot be given volumes, or lose them: one of the other kind is made anew. Its volumes stay.

    Args:
        work: what is being done.
        blueprint: the control plane as it is to be.
    """
    await apply_supports(work.host, blueprint, force=False)
    *_, servers = manifests.render_applied(blueprint)
    await _remove_other_kind(work, servers)
    await work.host.apply(servers)


async def start_on(work: Work, blueprint: Blueprint) -> None:
    """Apply everything and wait until the servers are ready on the datastore of the blueprint.

    Args:
        work: what is being done.
        blueprint: the control plane as it is to be.
    """
    host, identity = work.host, work.id
    await ask_for_servers(work, blueprint)
    await start_pods(
        host,
        identity,
        COMPONENT_SERVER,
        blueprint.values.servers,
        timeout=work.left,
        verb=VERB,
        progress=work.progress,
    )


async def _remove_other_kind(work: Work, servers: Mapping[str, Any]) -> None:
    host, identity = work.host, work.id
    try:
        live = await host.get(STATEFUL_SET, identity.namespace, identity.server)
    except NotFoundError:
        return
    going = "deletionTimestamp" in live["metadata"]
    if not going and bool(live["spec"].get("volumeClaimTemplates")) == (
        "volumeClaimTemplates" in servers["spec"]
    ):
        return
    await host.delete(STATEFUL_SET, identity.namespace, identity.server, uid=live["metadata"]["uid"])
    await wait_for(
        host,
        STATEFUL_SET,
        identity.namespace,
        lambda found: None if identity.server in found else True,
        fields=f"metadata.name={identity.server}",
        timeout=work.left,
        what=f"The end of StatefulSet {identity.server}",
    )


async def _new_etcd_pki(work: Work, root: Mapping[str, Any], pki: ControlPlanePki) -> Any:
    from k3k_core.pki import EtcdPki

    names = manifests.etcd_dns_names(work.id)
    made = new_etcd_pki(pki, dns_names=names, now=datetime.now(UTC))
    stored, _ = await create_once(work.host, manifests.etcd_pki_secret(work.id, made, owner_of(root)))
    return EtcdPki.from_secret_data(manifests.secret_data(stored))
