"""Handing out kubeconfigs: the stored one for admins, short-lived ones for named users."""

from __future__ import annotations

from datetime import datetime, timedelta

import yaml

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import HostError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import check_root
from k3k_core.lifecycle.kubeconfigs import compose_kubeconfig
from k3k_core.lifecycle.leftovers import refuse_foreign
from k3k_core.names import LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.pki import ControlPlanePki, issue_client_certificate
from k3k_core.resources import SECRET


async def fetch_kubeconfig(host: HostApi, identity: ControlPlaneId) -> str:
    """Return the admin kubeconfig that is stored beside a control plane, also one that Helm made.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: there is none.
    """
    try:
        secret = await host.get(SECRET, identity.namespace, identity.kubeconfig)
    except NotFoundError:
        raise NotFoundError(
            f"control plane {identity} has no kubeconfig: Secret {identity.namespace}/{identity.kubeconfig} "
            f"does not exist on host {host.name}",
            hint="`k3k list` shows what there is; a `k3k create` that was stopped finishes when run again.",
        ) from None
    documents = [
        text for text in manifests.secret_data(secret).values() if "clusters:" in text or '"clusters"' in text
    ]
    if not documents:
        by_helm = (secret["metadata"].get("labels") or {}).get(LABEL_MANAGED_BY) == "Helm"
        again = "Delete the Secret and run the same `k3k create` again: it makes a new one."
        raise HostError(
            f"Secret {identity.namespace}/{identity.kubeconfig} holds no kubeconfig",
            hint="The Helm release has to write one into it." if by_helm else again,
        )
    return documents[0]


async def issue_kubeconfig(
    host: HostApi,
    identity: ControlPlaneId,
    *,
    user: str,
    groups: tuple[str, ...],
    lifetime: timedelta,
    now: datetime,
) -> str:
    """Mint a client certificate for a user and return a kubeconfig with it; nothing is stored.

    Kubernetes cannot revoke a client certificate, so the lifetime is what ends it.

    Args:
        host: an open host.
        identity: the control plane.
        user: user name the control plane will see.
        groups: groups the control plane will see.
        lifetime: how long the certificate is good for.
        now: current time (UTC).

    Raises:
        NotFoundError: the control plane does not exist.
        UsageError: the user, a group or the lifetime cannot be used.
        ConflictError: the control plane is being deleted, or was made by Helm.
    """
    await refuse_foreign(host, identity)
    root, secret, document = await together(
        host.get(SECRET, identity.namespace, identity.root),
        host.get(SECRET, identity.namespace, identity.pki),
        fetch_kubeconfig(host, identity),
    )
    check_root(identity, root)
    pki = ControlPlanePki.from_secret_data(manifests.secret_data(secret))
    leaf = issue_client_certificate(
        pki.client_ca, user=user, groups=groups, not_before=now, lifetime=lifetime
    )
    return compose_kubeconfig(identity, pki, server_of(document), leaf, user=user)


def server_of(document: str) -> str:
    """Return the URL of the API that a kubeconfig names.

    Raises:
        HostError: it names none.
    """
    try:
        return str(yaml.safe_load(document)["clusters"][0]["cluster"]["server"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        raise HostError(
            "the stored kubeconfig is damaged",
            hint="Delete the kubeconfig Secret and run the same `k3k create` again: it makes a new one.",
        ) from None
