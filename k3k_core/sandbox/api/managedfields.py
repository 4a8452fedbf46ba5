"""Field ownership: `metadata.managedFields` after an update or a server-side apply.

Follows the field manager of kube-apiserver 1.36 on top of structured merge: an update takes what it changes, an apply
owns what it names, conflicts with others, and removes what it named before and nobody else owns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from k3k_core.sandbox.api import typed
from k3k_core.sandbox.api.fieldsets import (
    EMPTY,
    FieldSet,
    from_fields_v1,
    iteration_order,
    path_text,
    to_fields_v1,
    with_named_fields,
)
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.schema import Type
from k3k_core.sandbox.api.statuses import apply_conflict

Json = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MAX_UPDATE_MANAGERS = 10
_STRIPPED: FieldSet = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    }
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes and through which part of the API.

    Attributes:
        manager: name of the field manager.
        api_version: version the object was sent in.
        subresource: e.g. "status"; empty for the object itself.
        now: RFC 3339 time.
    """

    manager: str
    api_version: str
    now: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one manager owns."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: FieldSet

    @property
    def key(self) -> tuple[str, str, str, str]:
        version = "" if self.operation == "Apply" else self.api_version
        return (self.manager, self.operation, version, self.subresource)

    @property
    def text(self) -> str:
        """The manager as conflict messages word it."""
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


Entries = dict[tuple[str, str, str, str], Entry]


def decode(obj: Mapping[str, Any]) -> Entries:
    """Read the managers of an object."""
    entries: Entries = {}
    for item in obj.get("metadata", {}).get("managedFields") or ():
        entry = Entry(
            item.get("manager", ""),
            item.get("operation", ""),
            item.get("apiVersion", ""),
            item.get("subresource", ""),
            item.get("time") or "",
            from_fields_v1(item.get("fieldsV1") or {}),
        )
        entries[entry.key] = entry
    return entries


def encode(entries: Entries) -> list[Json]:
    """Write managers in the API's order: appliers first, then by time and name."""
    ordered = sorted(
        entries.values(), key=lambda e: (e.operation, e.time, e.manager, e.api_version, e.subresource)
    )
    result: list[Json] = []
    for entry in ordered:
        item: Json = {"manager": entry.manager, "operation": entry.operation, "apiVersion": entry.api_version}
        if entry.time:
            item["time"] = entry.time
        item |= {"fieldsType": "FieldsV1", "fieldsV1": to_fields_v1(entry.fields)}
        if entry.subresource:
            item["subresource"] = entry.subresource
        result.append(item)
    return result


def _store(obj: Json, entries: Entries, before: Mapping[str, Any] | None) -> None:
    """Set managedFields; keep the old times when nothing but times would change."""
    encoded = encode(entries)
    old = (before or {}).get("metadata", {}).get("managedFields") or []
    if _timeless(encoded) == _timeless(old):
        encoded = clone(old)
    if encoded:
        obj["metadata"]["managedFields"] = encoded
    else:
        obj["metadata"].pop("managedFields", None)


def _timeless(items: list[Json]) -> list[Json]:
    plain = [{key: value for key, value in item.items() if key != "time"} for item in items]
    return sorted(
        plain, key=lambda e: (e["operation"], e["manager"], e.get("apiVersion", ""), e.get("subresource", ""))
    )


def _bare(obj: Mapping[str, Any]) -> Json:
    """The object without its managedFields."""
    meta = {key: value for key, value in obj.get("metadata", {}).items() if key != "managedFields"}
    return {**obj, "metadata": meta}


def _reset(ignored: FieldSet, fields: FieldSet) -> FieldSet:
    return frozenset(
        path
        for path in fields
        if path not in _STRIPPED and not any(path[: len(top)] == top for top in ignored)
    )


def _unignored(ignored: FieldSet, compared: typed.Comparison) -> typed.Comparison:
    """Leave out the fields that the operation will not change after all."""
    if not ignored:
        return compared

    def kept(fields: FieldSet) -> FieldSet:
        return frozenset(path for path in fields if path[:1] not in ignored)

    return typed.Comparison(kept(compared.added), kept(compared.modified), kept(compared.removed))


def update(
    kind: Type, before: Mapping[str, Any], after: Json, writer: Writer, *, ignored: FieldSet = EMPTY
) -> None:
    """Record in `after` who owns what once an update has turned `before` into `after`.

    Args:
        kind: type of the object.
        before: the stored object; for a create the empty object of its type.
        after: the new object; its managedFields are what the client sent or, where it sent none, the stored ones.
        writer: who writes.
        ignored: fields this operation cannot change, e.g. `status` on the main resource.
    """
    sent = after.get("metadata", {}).get("managedFields")
    # An explicitly empty list resets the ownership; a missing one leaves it alone.
    if sent in ([], [{}]):
        after["metadata"].pop("managedFields", None)
        return
    entries = decode(after) if sent else decode(before)
    if not entries and before["metadata"].get("creationTimestamp"):
        # Nobody tracks this object: only a server-side apply begins to.
        after["metadata"].pop("managedFields", None)
        return
    try:
        compared = typed.compare(kind, _bare(before), _bare(after))
    except typed.TypedError:
        # Validation will refuse the object.
        return
    compared = _unignored(ignored, compared)
    _take_from_others(entries, compared, except_key=None)
    taken = _reset(EMPTY, compared.modified | compared.added)
    entry = Entry(writer.manager, "Update", writer.api_version, writer.subresource, writer.now, EMPTY)
    if taken:
        previous = entries.get(entry.key)
        owned = taken | (previous.fields if previous else EMPTY)
        entries[entry.key] = replace(entry, fields=owned)
    _cap(entries)
    _store(after, entries, before)


def _take_from_others(
    entries: Entries, compared: typed.Comparison, *, except_key: tuple[str, str, str, str] | None
) -> None:
    lost = compared.modified | compared.added | compared.removed
    for key, entry in list(entries.items()):
        if key == except_key:
            continue
        fields = entry.fields - lost
        if fields:
            entries[key] = replace(entry, fields=fields)
        else:
            del entries[key]


def _cap(entries: Entries) -> None:
    """Fold the oldest update managers into one when there are more than ten."""
    updates = sorted((e for e in entries.values() if e.operation == "Update"), key=lambda e: e.time)
    surplus = len(updates) - _MAX_UPDATE_MANAGERS
    if surplus <= 0:
        return
    for entry in updates[: surplus + 1]:
        del entries[entry.key]
        key = ("ancient-changes", "Update", entry.api_version, "")
        old = entries.get(key)
        fields = entry.fields | (old.fields if old else EMPTY)
        entries[key] = Entry("ancient-changes", "Update", entry.api_version, "", entry.time, fields)


@dataclass(frozen=True, slots=True)
class Applied:
    """Outcome of an apply: the merged object, still without managedFields, and who owns what."""

    object: Json
    entries: Entries
    before: Mapping[str, Any]

    def finish(self, obj: Json) -> Json:
        """Set the managedFields on the object after defaulting."""
        _store(obj, self.entries, self.before)
        return obj


def apply(
    kind: Type,
    live: Mapping[str, Any],
    configuration: Json,
    writer: Writer,
    *,
    force: bool,
    ignored: FieldSet = EMPTY,
) -> Applied:
    """Lay a configuration over an object and work out ownership.

    Args:
        kind: type of the object.
        live: the stored object, or the empty one for a create.
        configuration: what the client applies, checked against `kind`.
        writer: who applies.
        force: take contested fields instead of refusing.
        ignored: fields this operation cannot change.

    Raises:
        ApiError: 409, other managers own fields that would change.
    """
    entries = decode(live)
    current = _bare(live)
    if not entries and live["metadata"].get("creationTimestamp"):
        first = replace(writer, manager="before-first-apply", subresource="")
        entries = _owner_of_everything(kind, current, first)
    wanted = _bare(configuration)
    me = Entry(writer.manager, "Apply", writer.api_version, writer.subresource, writer.now, EMPTY)
    last = entries.get(me.key)
    owned = _reset(ignored, typed.field_set(kind, wanted))
    # Pruning works on what the configuration names, stripped metadata included.
    entries[me.key] = replace(me, fields=typed.field_set(kind, wanted))
    merged = typed.merge(kind, current, wanted)
    if last is not None and last.fields:
        merged = _prune(kind, merged, entries, last.fields)
    compared = _unignored(ignored, typed.compare(kind, current, merged))
    conflicts = _conflicts(entries, me.key, compared)
    if conflicts and not force and not _last_applied_allows(kind, live, conflicts, last):
        raise apply_conflict([(entry.text, path_text(path)) for entry, path in conflicts])
    _take_from_others(entries, compared, except_key=me.key)
    # The time is that of the last apply that changed the object itself.
    time = writer.now if not compared.same else last.time if last is not None else ""
    if owned:
        entries[me.key] = replace(me, fields=owned, time=time)
    else:
        entries.pop(me.key, None)
    return Applied(merged, entries, live)


def _owner_of_everything(kind: Type, current: Json, writer: Writer) -> Entries:
    """The ownership of an object that nobody tracked before its first apply."""
    compared = typed.compare(kind, {"metadata": {}}, current)
    fields = frozenset(path for path in compared.added | compared.modified if path not in _STRIPPED)
    if not fields:
        return {}
    entry = Entry(writer.manager, "Update", writer.api_version, "", writer.now, fields)
    return {entry.key: entry}


def _conflicts(
    entries: Entries, mine: tuple[str, str, str, str], compared: typed.Comparison
) -> list[tuple[Entry, tuple[str, ...]]]:
    changed = compared.modified | compared.added
    found: list[tuple[Entry, tuple[str, ...]]] = []
    for key in sorted(entries):
        if key != mine:
            paths = sorted(entries[key].fields & changed, key=iteration_order)
            found += [(entries[key], path) for path in paths]
    return found


def _last_applied_allows(
    kind: Type,
    live: Mapping[str, Any],
    conflicts: list[tuple[Entry, tuple[str, ...]]],
    last: Entry | None,
) -> bool:
    """Whether all contested fields are those of kubectl's earlier client-side apply of this object."""
    import json

    text = (live.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text or last is not None:
        return False
    try:
        applied = json.loads(text)
        allowed = typed.field_set(kind, applied)
    except (ValueError, typed.TypedError):
        return False
    annotation = ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}")
    return all(path in allowed or path == annotation for _, path in conflicts)


def _prune(kind: Type, merged: Json, entries: Entries, last: FieldSet) -> Any:
    """Remove what the last configuration of this manager set, this one does not, and nobody else owns."""
    dropped = with_named_fields(last, kind)
    pruned = typed.remove(kind, merged, dropped) or {}
    everything = with_named_fields(typed.field_set(kind, merged), kind)
    managed: FieldSet = frozenset().union(*(entry.fields for entry in entries.values()))
    kept = with_named_fields(typed.field_set(kind, pruned), kind) | with_named_fields(managed, kind)
    pruned = typed.remove(kind, merged, everything - kept) or {}
    left = with_named_fields(typed.field_set(kind, pruned), kind)
    return typed.remove(kind, merged, (everything - left) & dropped)
