"""What a create or a change would do, as lines to read before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from k3k_core.cli.terminal import escape, escape_lines
from k3k_tui.drafts import Draft
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line

if TYPE_CHECKING:
    from k3k_core.lifecycle.comparison import Action, ObjectDiff
    from k3k_core.values import LoadedValues, Values

_HIDDEN = "(hidden)"
_SIGNS: Mapping[Action, tuple[str, str, Role]] = {
    "create": ("+", "new", "add"),
    "change": ("~", "changes", "warn"),
    "remove": ("-", "goes", "remove"),
    "none": ("=", "stays as it is", "muted"),
}


def summary(draft: Draft, loaded: LoadedValues) -> tuple[str, ...]:
    """Say in a few sentences what would be created.

    Args:
        draft: where it goes.
        loaded: its checked values.
    """
    values = loaded.values
    place = f"namespace {escape(draft.namespace)} of host {escape(draft.host)}"
    preset = f", on top of the preset {draft.preset}" if draft.preset else ""
    servers = f"{values.servers} server{'s' if values.servers != 1 else ''} of k3s {values.version}"
    return (
        f"Control plane {escape(draft.name)} in {place}{preset}.",
        f"{servers}, {_datastore(loaded)}.",
        f"{_reached(values)} {_lifetime(values)}",
    )


def _datastore(loaded: LoadedValues) -> str:
    values = loaded.values
    if values.datastore.kind == "external":
        return "with an external datastore"
    etcd = values.datastore.etcd
    members = f"a dedicated etcd of {etcd.members} member{'s' if etcd.members != 1 else ''}"
    kind = members if values.datastore.kind == "etcd" else "sqlite"
    size = etcd.size if values.datastore.kind == "etcd" else values.persistence.size
    if not values.persistence.enabled:
        return f"with {kind}; its data is gone with its pod"
    asked = "enabled" in (loaded.given.get("persistence") or {})
    return f"with {kind} on volumes of {size}" + ("" if asked else " if the host has volumes")


def _reached(values: Values) -> str:
    if values.loadbalancer.enabled:
        at = f" at {values.loadbalancer.ip}" if values.loadbalancer.ip else ""
        return f"Reached through a load balancer{at}."
    if values.service.type == "NodePort":
        port = f" {values.service.node_port}" if values.service.node_port else ""
        return f"Reached on port{port} of every node." if port else "Reached on a port of every node."
    return "Reached from inside the host only."


def _lifetime(values: Values) -> str:
    return f"It expires {values.ttl} after its creation." if values.ttl else "It never expires."


def counts(diffs: Sequence[ObjectDiff]) -> str:
    """Say how many objects would be new, changed and gone.

    Args:
        diffs: one for each object.
    """
    words = (("create", "new"), ("change", "changed"), ("remove", "gone"), ("none", "unchanged"))
    numbers = [(sum(diff.action == action for diff in diffs), word) for action, word in words]
    said = [f"{number} {word}" for number, word in numbers if number]
    if len(said) == 1:
        return f"{said[0]} object{'s' if len(diffs) != 1 else ''}"
    return f"{len(diffs)} objects, {', '.join(said)}" if said else "no objects"


def lines(diffs: Sequence[ObjectDiff], manifests: Sequence[Mapping[str, Any]] = ()) -> tuple[Line, ...]:
    """Return the difference as lines: every new object in full, every change field by field.

    Args:
        diffs: one for each object.
        manifests: the objects as they would be made; secrets in them are not shown.
    """
    whole = {f"{item['kind']}/{item['metadata']['name']}": item for item in manifests}
    return tuple(line for diff in diffs for line in _object(diff, whole.get(diff.subject)))


def _object(diff: ObjectDiff, manifest: Mapping[str, Any] | None) -> Iterator[Line]:
    sign, word, role = _SIGNS[diff.action]
    yield (Cell(f"{sign} {escape(diff.subject)}", role), Cell(f"  {word}", "muted"))
    if diff.action == "create" and manifest is not None:
        text = yaml.safe_dump(without_secrets(manifest), sort_keys=False, allow_unicode=True, width=1 << 20)
        yield from ((Cell(f"+   {line}", "add"),) for line in escape_lines(text.rstrip("\n")).split("\n"))
    for change in diff.changes:
        if change.path:
            yield (Cell(f"    {escape(change.path)}"),)
        if change.before:
            yield (Cell(f"-     {escape(change.before)}", "remove"),)
        if change.after:
            yield (Cell(f"+     {escape(change.after)}", "add"),)


def without_secrets(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that may be shown: what a Secret holds and what a probe presents is hidden.

    Args:
        manifest: a Kubernetes object.
    """
    shown: dict[str, Any] = _masked(manifest)
    if manifest.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if manifest.get(key):
                shown[key] = dict.fromkeys(manifest[key], _HIDDEN)
    return shown


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        is_header = str(value.get("name", "")).casefold() == "authorization" and "value" in value
        return {
            key: _HIDDEN if is_header and key == "value" else _masked(item) for key, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value
