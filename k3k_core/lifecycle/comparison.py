"""Field-by-field comparison of objects and of values, without ever showing a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

Action = Literal["create", "change", "none", "remove"]

HIDDEN = "(hidden)"
# Kept by the host, or different at every apply without meaning anything.
_HOST_KEPT = (
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs.

    Attributes:
        path: e.g. "spec.template.spec.containers[k3s].image".
        before: what is there, as JSON; empty when the field is new.
        after: what would be there, as JSON; empty when the field goes.
        refused: why the host would not take it: "invalid" or, of a field that others own, "conflict"; `after`
            then has its words. Empty when it would.
    """

    path: str
    before: str
    after: str
    refused: Literal["", "invalid", "conflict"] = ""


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """What an apply would do to one object.

    Attributes:
        subject: "Kind/name".
        action: "create", "change", "none" or "remove".
        changes: the fields that differ; empty unless the action is "change".
    """

    subject: str
    action: Action
    changes: tuple[FieldChange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "object": self.subject,
            "action": self.action,
            "changes": [
                {"path": change.path, "before": change.before, "after": change.after}
                for change in self.changes
            ],
        }


def subject(manifest: Mapping[str, Any]) -> str:
    """Return "Kind/name" of an object."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def compare_objects(before: Mapping[str, Any], after: Mapping[str, Any]) -> ObjectDiff:
    """Compare an object as it is with what it would be.

    Args:
        before: the live object.
        after: the object as the host would store it.
    """
    changes = tuple(field_changes(_meaningful(before), _meaningful(after)))
    if after["kind"] == "Secret":
        changes = tuple(
            FieldChange(change.path, change.before and HIDDEN, change.after and HIDDEN)
            if change.path.startswith(("data", "stringData"))
            else change
            for change in changes
        )
    return ObjectDiff(subject(after), "change" if changes else "none", changes)


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Yield the fields in which two JSON values differ, in document order.

    Lists of named objects (containers, volumes, ports) are compared by name, others by position; of texts of
    several lines only the lines that differ are told, each group of them as a change.

    Args:
        before: a JSON value.
        after: a JSON value.
        path: where the two stand, for the paths yielded.
    """
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from field_changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list):
        left, right = _keyed(before), _keyed(after)
        for index in dict.fromkeys((*left, *right)):
            yield from field_changes(left.get(index), right.get(index), f"{path}[{index}]")
    elif path.casefold().endswith("[authorization].value"):
        yield FieldChange(path, HIDDEN if before else "", HIDDEN if after else "")
    elif isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield from _line_changes(before.split("\n"), after.split("\n"), path)
    else:
        yield FieldChange(path, _text(before), _text(after))


def _line_changes(before: list[str], after: list[str], path: str) -> Iterator[FieldChange]:
    for action, start, end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if action != "equal":
            old, new = before[start:end], after[new_start:new_end]
            yield FieldChange(
                path, _text("\n".join(old)) if old else "", _text("\n".join(new)) if new else ""
            )


def _keyed(items: list[Any]) -> dict[str, Any]:
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
        return dict(zip([str(name) for name in names], items, strict=True))
    return {str(index): item for index, item in enumerate(items)}


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(masked_headers(value), sort_keys=True, ensure_ascii=False)


def masked_headers(value: Any) -> Any:
    """Return a JSON value without the tokens in the headers of its probes.

    Args:
        value: an object, or a part of one.
    """
    if isinstance(value, Mapping):
        is_header = str(value.get("name", "")).casefold() == "authorization" and "value" in value
        return {
            key: HIDDEN if is_header and key == "value" else masked_headers(item)
            for key, item in value.items()
        }
    return [masked_headers(item) for item in value] if isinstance(value, list) else value


def _meaningful(manifest: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in manifest.items() if key != "status"}
    kept["metadata"] = {key: value for key, value in manifest["metadata"].items() if key not in _HOST_KEPT}
    return kept
