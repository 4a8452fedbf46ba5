"""Putting a control plane's kubeconfig into another one, beside what is there.

Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from k3k_core.errors import ConflictError, UsageError
from k3k_core.nesting import nested_too_deeply


class _Loader(yaml.SafeLoader):
    """Reads times as the text they are: written again, they have to look as they did."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Merged:
    """A kubeconfig with one control plane more.

    Attributes:
        text: the whole of it.
        context: name of the context that leads to the control plane.
        replaced: whether that context was there before.
    """

    text: str = field(repr=False)
    context: str
    replaced: bool


def merge_kubeconfig(existing: str, added: str, *, context: str = "", source: str = "kubeconfig") -> Merged:
    """Put the one context of a kubeconfig into another kubeconfig; everything else in that stays.

    Cluster and context get the name asked for, the user "USER@NAME". Entries of these names are replaced when
    they are of the same control plane, which its certificate authority tells. Without a current context the
    new one becomes it.

    Args:
        existing: text of the kubeconfig that is there; empty for none.
        added: a kubeconfig of one cluster, user and context, as k3k makes them.
        context: name to use; empty for the one it has.
        source: where `existing` came from, for messages.

    Raises:
        ConflictError: the name is taken by another cluster.
        UsageError: one of the two is no kubeconfig.
    """
    new = _load(added, "the control plane's kubeconfig")
    whole = _load(existing, source) or {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    try:
        cluster = new["clusters"][0]["cluster"]
        user_name, user = new["users"][0]["name"], new["users"][0]["user"]
        name = context or new["contexts"][0]["name"]
    except (KeyError, IndexError, TypeError):
        raise UsageError("The control plane's kubeconfig is damaged.") from None
    clusters, users, contexts = (_entries(whole, key, source) for key in ("clusters", "users", "contexts"))
    replaced = _check_free(name, cluster, clusters, contexts, source)
    login = f"{str(user_name).partition('@')[0]}@{name}"
    _put(clusters, name, {"cluster": cluster})
    _put(users, login, {"user": user})
    _put(contexts, name, {"context": {"cluster": name, "user": login}})
    whole["current-context"] = whole.get("current-context") or name
    return Merged(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), name, replaced)


def _load(text: str, source: str) -> dict[str, Any]:
    try:
        if nested_too_deeply(text, loader=_Loader):
            raise UsageError(f"{source} is nested too deeply; nothing was written.")
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        # The parser's own words may quote the file, and with it a secret.
        raise UsageError(f"{source} is not valid YAML; nothing was written.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or content.get("kind", "Config") != "Config":
        raise UsageError(f"{source} is no kubeconfig; nothing was written.")
    return content


def _entries(whole: dict[str, Any], key: str, source: str) -> list[dict[str, Any]]:
    """Return a list of named entries, in place: what is put into it is in the kubeconfig."""
    if whole.get(key) is None:
        whole[key] = []
    entries = whole[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(
            f"{source} is no kubeconfig: {key} must be a list of named entries; nothing was written."
        )
    return entries


def _check_free(
    name: str,
    cluster: dict[str, Any],
    clusters: list[dict[str, Any]],
    contexts: list[dict[str, Any]],
    source: str,
) -> bool:
    """Return whether a name is the control plane's already; refuse one that is another's."""
    authorities = {entry.get("name"): _authority(entry.get("cluster")) for entry in clusters}
    taken = [authorities[name]] if name in authorities else []
    for entry in contexts:
        if entry.get("name") == name:
            content = entry.get("context")
            taken.append(authorities.get(content.get("cluster")) if isinstance(content, dict) else None)
    ours = _authority(cluster)
    if any(authority is None or authority != ours for authority in taken):
        raise ConflictError(
            f"{source} has a context or cluster {name!r} that leads elsewhere; nothing was written",
            hint="Choose another name for the context.",
        )
    return bool(taken)


def _authority(cluster: Any) -> str | None:
    """Return the certificate authority of a cluster, which no two control planes share."""
    data = cluster.get("certificate-authority-data") if isinstance(cluster, dict) else None
    return data if isinstance(data, str) and data else None


def _put(entries: list[dict[str, Any]], name: str, content: dict[str, Any]) -> None:
    made = {"name": name, **content}
    for index, entry in enumerate(entries):
        if entry.get("name") == name:
            entries[index] = made
            return
    entries.append(made)
