"""Acting as somebody else with the Impersonate-* headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from k3k_core.resources import Resource
from k3k_core.sandbox.authn import AUTHENTICATED, UNAUTHENTICATED, User
from k3k_core.sandbox.rbac import Attributes, Authorizer
from k3k_core.sandbox.requests import RequestInfo
from k3k_core.sandbox.statuses import forbidden, internal


def impersonate(user: User, headers: Any, authorizer: Authorizer, info: RequestInfo) -> User:
    """Return the identity a request acts as.

    Args:
        user: who sends it.
        headers: the request's headers (a multi-dict).
        authorizer: decides whether `user` may impersonate.
        info: the request.

    Raises:
        ApiError: 403, or 500 for groups without a user.
    """
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", ()))
    extra = _extra(headers)
    uid = headers.get("Impersonate-Uid", "")
    if not name:
        if groups or extra or uid:
            raise internal(
                "requested [{group}] without impersonating a user".replace(
                    "[{group}]", _requested(groups, extra, uid)
                )
            )
        return user
    _check(user, name, groups, extra, authorizer)
    if name.startswith("system:serviceaccount:") and not groups:
        namespace = name.split(":")[2]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if name != "system:anonymous" and AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    elif name == "system:anonymous" and UNAUTHENTICATED not in groups:
        groups = (*groups, UNAUTHENTICATED)
    del info
    return User(name, groups, uid, extra)


def _requested(groups: tuple[str, ...], extra: Mapping[str, tuple[str, ...]], uid: str) -> str:
    parts = [f"{{Group    {group}  [] }}" for group in groups]
    parts += [f"{{UserExtra    {value} {key} }}" for key, values in extra.items() for value in values]
    if uid:
        parts.append(f"{{UID    {uid}  }}")
    return f"[{' '.join(parts)}]"


def _extra(headers: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in headers.items():
        if key.lower().startswith("impersonate-extra-"):
            found.setdefault(unquote(key[len("impersonate-extra-") :]).lower(), []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _check(
    user: User,
    name: str,
    groups: tuple[str, ...],
    extra: Mapping[str, tuple[str, ...]],
    authorizer: Authorizer,
) -> None:
    wanted = [_account(name) if name.startswith("system:serviceaccount:") else ("", "users", "", name, "")]
    wanted += [("", "groups", "", group, "") for group in groups]
    wanted += [
        ("authentication.k8s.io", "userextras", "", value, key)
        for key, values in extra.items()
        for value in values
    ]
    for group, plural, namespace, target, subresource in wanted:
        attributes = Attributes("impersonate", group, plural, subresource, namespace, target)
        if authorizer.authorize(user, attributes).allowed:
            continue
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        detail = (
            f'User "{user.name}" cannot impersonate resource "{attributes.resource_text}" '
            f'in API group "{group}" {where}'
        )
        raise forbidden(Resource(group, "v1", plural, plural), target, detail)


def _account(name: str) -> tuple[str, str, str, str, str]:
    parts = name.split(":")
    return ("", "serviceaccounts", parts[2] if len(parts) > 2 else "", parts[3] if len(parts) > 3 else "", "")
