"""Which control plane a command is about."""

from __future__ import annotations

import re
from pathlib import Path

from k3k_core.cli.session import Session
from k3k_core.errors import UsageError
from k3k_core.host import HostOptions, hosts
from k3k_core.names import ControlPlaneId

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# Services take a stricter form than other objects: RFC 1035 labels, which begin with a letter.
_SERVICE_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ANY_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# The host names pods `NAME-k3k-server-0` and labels them `NAME-k3k-server-<10 characters of a hash>`; a label
# value has at most 63 characters. `NAME-k3k-servers` and its like must be DNS labels too.
LONGEST_NAME = 63 - len("-k3k-server-") - 10


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
    if not (_DNS_LABEL.fullmatch(namespace) and len(namespace) <= 63):
        raise UsageError(
            f"{namespace!r} cannot be a namespace.",
            hint="Lower-case letters, digits and inner hyphens, at most 63 characters.",
        )
    if new and not (_SERVICE_LABEL.fullmatch(name) and len(name) <= LONGEST_NAME):
        raise UsageError(
            f"{name!r} cannot be the name of a control plane.",
            hint=f"A letter, then lower-case letters, digits and hyphens, at most {LONGEST_NAME} in all.",
        )
    if not (_ANY_NAME.fullmatch(name) and len(name) <= 63):
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
