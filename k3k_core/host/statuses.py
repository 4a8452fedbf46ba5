"""Answers that say no, in words: from a Kubernetes Status object to one of our errors.

The wording of causes and conflicts that is looked for is what a kube-apiserver 1.36 was recorded to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from k3k_core.errors import (
    ConflictError,
    ForbiddenError,
    HostError,
    K3kError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from k3k_core.host.connection import Connection
from k3k_core.host.failures import where
from k3k_core.host.redaction import redact, redact_values
from k3k_core.host.refusals import Answer, Refusal, in_words, read_refusal, type_missing
from k3k_core.host.requests import APPLY, Request
from k3k_core.resources import NAMESPACE, POD, SECRET

_MANAGER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')
_USER = re.compile(r'User "((?:[^"\\]|\\.)*)" cannot ')


def to_error(connection: Connection, request: Request, answer: Answer) -> K3kError:
    """Return the error for an answer outside 200-299.

    Args:
        connection: the host.
        request: what was asked.
        answer: what it said; its body is shown only as far as it is a Status, and without secrets.
    """
    refusal = read_refusal(answer.body)
    if not refusal.known and not (answer.status == 404 and type_missing(refusal)):
        return _foreign(connection, request, answer)
    return error_of(connection, request, answer.status, refusal)


def error_of(connection: Connection, request: Request, status: int, refusal: Refusal) -> K3kError:
    """Return the error for a Status object, whether it was an answer or an event of a watch."""
    make = _BY_STATUS.get(status, _other)
    return make(_Case(connection, request, status, refusal))


def not_upgraded(connection: Connection, request: Request, status: int, refusal: Refusal) -> K3kError:
    """Return the error for a refused WebSocket: it is asked for with GET, and from Kubernetes 1.35 on wants two rights.

    Args:
        connection: the host.
        request: what was asked.
        status: HTTP status.
        refusal: what it said, if anything.
    """
    subject = request.subject
    if status != 403 or subject.subresource is None or refusal.causes:
        return error_of(connection, request, status, refusal)
    user = _USER.search(refusal.message)
    who = redact(user[1]) if user is not None else "this identity"
    what = f"{POD.plural}/{subject.subresource[1]}"
    return ForbiddenError(
        f"{where(connection)}: {who} may not {request.doing}.",
        hint=f"Ask for the permissions `get` and `create` on {what} in namespace {subject.namespace}; newer hosts "
        "want both.",
    )


@dataclass(frozen=True, slots=True)
class _Case:
    connection: Connection
    request: Request
    status: int
    refusal: Refusal

    @property
    def where(self) -> str:
        return where(self.connection)

    @property
    def subject(self) -> str:
        return str(self.request.subject)

    @property
    def doing(self) -> str:
        return self.request.doing

    @property
    def message(self) -> str:
        return self.shown(self.refusal.message) or self.refusal.reason or f"status {self.status}"

    def shown(self, text: str) -> str:
        # A host that refuses a Secret may quote it.
        return (redact_values if self.request.subject.resource == SECRET else redact)(text).rstrip(".")


def _unauthorized(case: _Case) -> K3kError:
    return UnauthorizedError(
        f"{case.where} does not accept these credentials ({case.doing}).",
        hint="Log in again, or check the user of this context in the kubeconfig.",
    )


def _forbidden(case: _Case) -> K3kError:
    subject, refusal = case.request.subject, case.refusal
    if any(cause.reason == "NamespaceTerminating" for cause in refusal.causes):
        return ConflictError(
            f"{case.where}: namespace {subject.namespace} is being deleted, nothing can be made in it.",
            hint="Wait until it is gone, then repeat the command.",
            reason="NamespaceTerminating",
        )
    user = _USER.search(refusal.message)
    if user is None:
        # Not a missing permission but an admission policy, which only judges changes: a quota, Pod Security, a webhook.
        return ForbiddenError(
            f"{case.where} refused to {case.doing}: {case.message}.",
            hint="A policy of the host decides this: ask those who run it."
            if subject.changes
            else "Something before the host's API may decide this, such as a proxy: ask those who run it.",
        )
    command = "kubectl auth can-i"
    if subject.resource is not None:
        command += f" {subject.permission}"
        if subject.resource.namespaced:
            command += f" -n {subject.namespace}" if subject.namespace else " --all-namespaces"
    return ForbiddenError(
        f"{case.where}: {redact(user[1])} may not {case.doing}.",
        hint=f"Ask for the permission; `{command} --context {case.connection.name}` tests it.",
    )


def _not_found(case: _Case) -> K3kError:
    subject, refusal = case.request.subject, case.refusal
    if type_missing(refusal):
        resource = subject.resource
        what = f"{resource.plural} of {resource.api_version}" if resource else case.subject
        return NotFoundError(
            f"{case.where} does not serve {what}.",
            hint="It may be too old, or it is not a Kubernetes API server; `k3k version` shows what it is.",
        )
    if refusal.kind == NAMESPACE.plural and subject.resource != NAMESPACE:
        return NotFoundError(
            f"{case.where} has no namespace {refusal.name or subject.namespace}.",
            hint="Check --namespace, or create the namespace first.",
        )
    part = subject.subresource is not None
    return NotFoundError(
        f"{case.where} has no {case.subject}.",
        hint="It may be starting anew: try again in a moment." if part else "",
    )


def _conflict(case: _Case) -> K3kError:
    refusal = case.refusal
    if refusal.reason == "AlreadyExists":
        return ConflictError(f"{case.where} already has {case.subject}.", reason=refusal.reason)
    contested = [
        (match[1], cause.field) for cause in refusal.causes if (match := _MANAGER.search(cause.message))
    ]
    if case.request.content_type == APPLY and contested:
        managers = tuple(dict.fromkeys(manager for manager, _ in contested))
        fields = ", ".join(dict.fromkeys(field.lstrip(".") for _, field in contested))
        return ConflictError(
            f"{case.where}: {redact(fields)} of {case.subject} is managed by {', '.join(managers)}.",
            hint="Leave these fields to it, or take them over with --force-conflicts.",
            managers=managers,
            reason=refusal.reason,
        )
    return ConflictError(
        f"{case.where} refused to {case.doing}: {case.message}.",
        hint="Somebody changed it meanwhile: repeat the command.",
        reason=refusal.reason or "Conflict",
    )


def _invalid(case: _Case) -> K3kError:
    lines = "".join(
        f"\n  {redact(cause.field)}: {case.shown(cause.message)}" for cause in case.refusal.causes
    )
    return HostError(
        f"{case.where} does not accept {case.subject}:" + (lines or f" {case.message}."),
        status=case.status,
        reason=case.refusal.reason,
    )


def _bad_request(case: _Case) -> K3kError:
    # Decoding errors quote the body, in pieces that cannot be told from our secrets.
    secret = case.request.subject.resource == SECRET and case.request.body is not None
    said = "it could not read the request" if secret else case.message
    return HostError(
        f"{case.where} refused to {case.doing}: {said}.", status=case.status, reason=case.refusal.reason
    )


def _too_large(case: _Case) -> K3kError:
    return HostError(
        f"{case.where} refused to {case.doing}: the request is too large.",
        status=case.status,
        reason=case.refusal.reason,
    )


def _overloaded(case: _Case) -> K3kError:
    return HostError(
        f"{case.where} has too many requests to {case.doing} now.",
        hint="Try again in a moment.",
        status=case.status,
        reason=case.refusal.reason or "TooManyRequests",
    )


def _unavailable(case: _Case) -> K3kError:
    return UnreachableError(
        f"{case.where} cannot serve requests now: {case.message} ({case.doing}).",
        hint="It may be starting or shutting down: try again in a moment.",
    )


def _other(case: _Case) -> K3kError:
    return HostError(
        f"{case.where} failed to {case.doing}: {case.message} (status {case.status}).",
        hint="Try again in a moment; if it stays, look at the log of the host's API server."
        if case.status >= 500
        else "",
        status=case.status,
        reason=case.refusal.reason,
    )


_BY_STATUS: Mapping[int, Callable[[_Case], K3kError]] = {
    400: _bad_request,
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
    409: _conflict,
    413: _too_large,
    422: _invalid,
    429: _overloaded,
    503: _unavailable,
}


def _foreign(connection: Connection, request: Request, answer: Answer) -> K3kError:
    """Word an answer that is no Status object; its body is not shown, since nobody knows what is in it."""
    refusal = Refusal(known=False, message="")
    if answer.status in {401, 403, 413, 429}:
        return _BY_STATUS[answer.status](_Case(connection, request, answer.status, refusal))
    if 300 <= answer.status < 400:
        what = "a redirect, perhaps to a login page"
    elif answer.status == 400 and b"HTTP request to an HTTPS server" in answer.body:
        return UnreachableError(
            f"{where(connection)} speaks HTTPS only.",
            hint="Begin the server's URL in the kubeconfig with https://.",
        )
    else:
        what = in_words(answer)
    return not_kubernetes(connection, request, what)


def not_kubernetes(connection: Connection, request: Request, what: str) -> UnreachableError:
    """Return the error for an answer no Kubernetes API server gives.

    Args:
        connection: the host.
        request: what was asked.
        what: the answer in a few words.
    """
    return UnreachableError(
        f"{where(connection)} does not answer as a Kubernetes API server: {what} ({request.doing}).",
        hint="Check the server and the proxy of this context in the kubeconfig.",
    )
