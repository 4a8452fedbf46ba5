"""In which form and version objects are answered."""

from __future__ import annotations

from k3k_core.sandbox.api.calls import Call, Json
from k3k_core.sandbox.api.changes import Record
from k3k_core.sandbox.api.event_versions import from_storage
from k3k_core.sandbox.api.objects import encode
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.requests import Representation, negotiate
from k3k_core.sandbox.api.sent_objects import internal_group
from k3k_core.sandbox.api.statuses import (
    not_that_form,
)

_FORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


def in_version(value: Json, chosen: Representation) -> Json:
    """Label tables and metadata as of the version of their group that was asked for."""
    if not chosen.form or chosen.form_version == "v1":
        return value
    wanted = f"meta.k8s.io/{chosen.form_version}"
    if value.get("kind") == "Table":
        rows = [
            {**row, "object": row["object"] and _labelled(row["object"], wanted)} for row in value["rows"]
        ]
        return {**value, "apiVersion": wanted, "rows": rows}
    if value.get("kind") == "PartialObjectMetadataList":
        items = value["items"] and [_labelled(item, wanted) for item in value["items"]]
        return {**value, "apiVersion": wanted, "items": items}
    return _labelled(value, wanted)


def _labelled(value: Json, version: str) -> Json:
    return {**value, "apiVersion": version} if value.get("kind") == "PartialObjectMetadata" else value


def check_form(chosen: Representation, definition: Definition, *, is_list: bool) -> None:
    """Refuse a list form of one object, and the other way round."""
    kind = f"*{internal_group(definition.resource.group)}.{definition.resource.kind}"
    if is_list and chosen.form == "PartialObjectMetadata":
        raise not_that_form(f"you requested {chosen.form}, but the requested object is a list ({kind}List)")
    if not is_list and chosen.form == "PartialObjectMetadataList":
        raise not_that_form(f"you requested {chosen.form}, but the requested object is not a list ({kind})")


def represent(call: Call) -> Representation:
    """Choose how to answer a request; raises ApiError 406."""
    return negotiate(call.headers.get("Accept", ""), forms=_FORMS)


def encoded_version(definition: Definition, record: Record) -> bytes:
    """Return an object's JSON in the API version asked for, which may not be the one it was written in."""
    if record.object.get("apiVersion") == definition.resource.api_version:
        return record.encoded
    return encode(from_storage(definition, record.object))


def encoded_item(definition: Definition, record: Record) -> bytes:
    """Return an object as an item of a list: built-in lists leave the type out."""
    if definition.custom:
        return encoded_version(definition, record)
    if record.object.get("apiVersion") == definition.resource.api_version:
        return record.encoded_item
    shown = from_storage(definition, record.object)
    return encode({key: value for key, value in shown.items() if key not in {"kind", "apiVersion"}})
