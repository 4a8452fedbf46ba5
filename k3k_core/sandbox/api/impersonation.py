"""Acting as somebody else with the Impersonate-* headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from k3k_core.sandbox.api.authn import AUTHENTICATED, UNAUTHENTICATED, User
from k3k_core.sandbox.api.authorization import attributes_of, refusal
from k3k_core.sandbox.api.rbac import Attributes, Authorizer
from k3k_core.sandbox.api.requests import RequestInfo
from k3k_core.sandbox.api.statuses import bad_request, go_value


def impersonate(user: User, headers: Any, authorizer: Authorizer, info: RequestInfo) -> User:
    """Return the identity a request acts as.

    Args:
        user: who sends it.
        headers: the request's headers (a multi-dict).
        authorizer: decides whether `user` may impersonate.
        info: the request.

    Raises:
        ApiError: 403, or 400 for groups without a user.
    """
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", ()))
    extra = _extra(headers)
    uid = headers.get("Impersonate-Uid", "")
    if not name:
        if groups or extra or uid:
            raise bad_request(f"requested {_go_user(groups, extra, uid)} without impersonating a user name")
        return user
    if not _allowed(user, name, groups, extra, authorizer):
        asked = attributes_of(info)
        raise refusal(user, replace(asked, verb=f"{_mode(name)}:{asked.verb}"))
    if name.startswith("system:serviceaccount:") and not groups:
        namespace = name.split(":")[2]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if name != "system:anonymous" and AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    elif name == "system:anonymous" and UNAUTHENTICATED not in groups:
        groups = (*groups, UNAUTHENTICATED)
    return User(name, groups, uid, extra)


def _mode(name: str) -> str:
    """How constrained impersonation, which is tried last, calls acting as such a user."""
    if name.startswith("system:serviceaccount:"):
        return "impersonate-on:serviceaccount"
    return "impersonate-on:arbitrary-node" if name.startswith("system:node:") else "impersonate-on:user-info"


def _go_user(groups: tuple[str, ...], extra: Mapping[str, tuple[str, ...]], uid: str) -> str:
    """Write an identity without a name as Go's %#v does."""
    pairs = ", ".join(f"{go_value(key)}:{_go_list(values)}" for key, values in sorted(extra.items()))
    shown = f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"
    name = go_value(uid)
    return f'&user.DefaultInfo{{Name:"", UID:{name}, Groups:{_go_list(groups)}, Extra:{shown}}}'


def _go_list(values: tuple[str, ...]) -> str:
    return f"[]string{{{', '.join(map(go_value, values))}}}" if values else "[]string(nil)"


def _extra(headers: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in headers.items():
        if key.lower().startswith("impersonate-extra-"):
            found.setdefault(unquote(key[len("impersonate-extra-") :]).lower(), []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _allowed(
    user: User,
    name: str,
    groups: tuple[str, ...],
    extra: Mapping[str, tuple[str, ...]],
    authorizer: Authorizer,
) -> bool:
    wanted = [_account(name) if name.startswith("system:serviceaccount:") else ("", "users", "", name, "")]
    wanted += [("", "groups", "", group, "") for group in groups]
    wanted += [
        ("authentication.k8s.io", "userextras", "", value, key)
        for key, values in extra.items()
        for value in values
    ]
    return all(
        authorizer.authorize(
            user, Attributes("impersonate", group, plural, subresource, namespace, target)
        ).allowed
        for group, plural, namespace, target, subresource in wanted
    )


def _account(name: str) -> tuple[str, str, str, str, str]:
    parts = name.split(":")
    return ("", "serviceaccounts", parts[2] if len(parts) > 2 else "", parts[3] if len(parts) > 3 else "", "")
