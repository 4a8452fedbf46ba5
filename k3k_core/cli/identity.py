"""Which control plane a command is about."""

from __future__ import annotations

import re
from pathlib import Path

from k3k_core.cli.session import Session
from k3k_core.errors import UsageError
from k3k_core.host import HostOptions, hosts
from k3k_core.names import ControlPlaneId, validate_name, validate_namespace

# Looked up, a name may be any that Helm has taken.
_ANY_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def identify(session: Session, name: str, *, new: bool = False) -> ControlPlaneId:
    """Return the control plane that a name on the command line means.

    Args:
        session: its namespace, or the namespace of its context, or `default`.
        name: as typed; `NAMESPACE/NAME` names both at once.
        new: it is to be made, so its name must suit every object that bears it.

    Raises:
        UsageError: the name or the namespace cannot be one.
    """
    namespace, slash, bare = name.partition("/")
    if slash:
        given = session.settings.namespace
        if given is not None and given != namespace:
            raise UsageError(f"{name!r} names the namespace {namespace!r}, and -n names {given!r}.")
        name = bare
    else:
        namespace = default_namespace(session)
    validate_namespace(namespace)
    if new:
        validate_name(name)
    elif not _ANY_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a control plane.", hint="`k3k list` shows them.")
    return ControlPlaneId(namespace, name)


def default_namespace(session: Session) -> str:
    """Return the namespace to work in: as set, the context's, the pod's, or `default`.

    Args:
        session: of the verb.

    Raises:
        UsageError: the kubeconfig cannot be read.
    """
    settings = session.settings
    if settings.namespace is not None:
        return settings.namespace
    known = hosts(HostOptions(settings.kubeconfig, settings.context))
    wanted = settings.context
    for context in known:
        if context.name == wanted or (wanted is None and context.current):
            return context.namespace or "default"
    if not known and _SERVICE_ACCOUNT_NAMESPACE.is_file():
        return _SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip() or "default"
    return "default"
