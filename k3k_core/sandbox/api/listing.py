"""Lists: selectors, resourceVersion semantics, paging with continue tokens."""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.sandbox.api import selectors
from k3k_core.sandbox.api.bodies import go_json_error
from k3k_core.sandbox.api.changes import Record
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.requests import number
from k3k_core.sandbox.api.statuses import (
    ApiError,
    FieldError,
    bad_request,
    expired,
    forbidden_field,
    internal,
    invalid,
    unsupported,
    version_too_large,
)
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import CompactedError

_STALE_PAGE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a collection are wanted."""

    labels: selectors.LabelSelector
    fields: selectors.FieldSelector

    @property
    def everything(self) -> bool:
        return not self.labels and not self.fields

    def matches(self, obj: Mapping[str, Any]) -> bool:
        return selectors.matches_labels(self.labels, obj) and selectors.matches_fields(self.fields, obj)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    records: list[Record]
    version: int
    continue_token: str = ""
    remaining: int | None = None

    def metadata(self) -> dict[str, Any]:
        """The list's `metadata`."""
        meta: dict[str, Any] = {"resourceVersion": str(self.version)}
        if self.continue_token:
            meta["continue"] = self.continue_token
        if self.remaining:
            meta["remainingItemCount"] = self.remaining
        return meta


def selection(definition: Definition, query: Mapping[str, str], *, name: str = "") -> Selection:
    """Read label and field selectors.

    Raises:
        ApiError: 400.
    """
    resource = definition.resource
    fields = selectors.parse_fields(query.get("fieldSelector", ""), resource.group, resource.kind)
    if name:
        fields = (*fields, ("metadata.name", "=", name))
    return Selection(selectors.parse_labels(query.get("labelSelector", "")), fields)


def parse_version(text: str) -> int:
    """Read a resourceVersion parameter.

    Raises:
        ApiError: 500, as the real server answers a malformed one.
    """
    if not text:
        return 0
    if not text.isdigit():
        raise internal(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def check_options(query: Mapping[str, str], *, watch: bool) -> None:
    """Check how resourceVersion, resourceVersionMatch, continue and sendInitialEvents are combined.

    Raises:
        ApiError: 422.
    """
    errors = _watch_errors(query) if watch else _list_errors(query)
    if errors:
        raise invalid("meta.k8s.io", "ListOptions", "", errors)


def _watch_errors(query: Mapping[str, str]) -> list[FieldError]:
    match, initial = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    if not initial:
        if match:
            text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            found = [forbidden_field("resourceVersionMatch", text)]
            if match != "NotOlderThan":
                found.append(unsupported("resourceVersionMatch", match, ["NotOlderThan"]))
            return found
        return []
    errors = []
    if match != "NotOlderThan":
        errors.append(
            forbidden_field(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        )
        if match:
            errors.append(unsupported("resourceVersionMatch", match, ["NotOlderThan"]))
    return errors


def _list_errors(query: Mapping[str, str]) -> list[FieldError]:
    match, version = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    errors: list[FieldError] = []
    if "sendInitialEvents" in query:
        errors.append(forbidden_field("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if not match:
        return errors
    if query.get("continue"):
        text = "resourceVersionMatch is forbidden when continue is provided"
        errors.append(forbidden_field("resourceVersionMatch", text))
    if not version:
        text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        errors.append(forbidden_field("resourceVersionMatch", text))
    if match not in {"Exact", "NotOlderThan"}:
        errors.append(unsupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]))
    if match == "Exact" and version == "0":
        text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        errors.append(forbidden_field("resourceVersionMatch", text))
    return errors


def list_page(
    store: Store, definition: Definition, namespace: str | None, query: Mapping[str, str], wanted: Selection
) -> Page:
    """Return the page of a collection that a request asks for.

    Args:
        store: the objects.
        definition: resource type.
        namespace: None for all namespaces.
        query: limit, continue, resourceVersion, resourceVersionMatch.
        wanted: selectors.

    Raises:
        ApiError: 400, 410, 422, 500 or 504.
    """
    check_options(query, watch=False)
    text, token = query.get("resourceVersion", ""), query.get("continue", "")
    limit = number(query, "limit")
    if token:
        if text and text != "0":
            raise bad_request("specifying resource version is not allowed when using continue")
        return _continued(store, definition, namespace, token, limit, wanted)
    try:
        version = parse_version(text)
    except ApiError as error:
        raise bad_request(f"invalid resource version: {error}") from None
    if version > store.version:
        raise version_too_large(version, store.version)
    exact = query.get("resourceVersionMatch") == "Exact" or (
        limit and version and "resourceVersionMatch" not in query
    )
    if exact and version < store.version:
        try:
            records = store.records_at(definition.resource, namespace, version)
        except CompactedError:
            raise expired("The resourceVersion for the provided list is too old.") from None
        return _page(records, version, limit, namespace, wanted)
    # From the cache (resourceVersion=0) the whole collection comes at once.
    limit = 0 if text == "0" else limit
    return _page(store.records(definition.resource, namespace), store.version, limit, namespace, wanted)


def _page(records: list[Record], version: int, limit: int, namespace: str | None, wanted: Selection) -> Page:
    if not wanted.everything:
        records = [record for record in records if wanted.matches(record.object)]
    if not limit or len(records) <= limit:
        return Page(records, version)
    last = records[limit - 1].object["metadata"]
    remaining = len(records) - limit if wanted.everything else None
    return Page(records[:limit], version, _token(version, last, namespace), remaining)


def _token(version: int, last: Mapping[str, Any], namespace: str | None) -> str:
    inside = namespace is not None or "namespace" not in last
    key = last["name"] if inside else f"{last['namespace']}/{last['name']}"
    text = json.dumps(
        {"v": "meta.k8s.io/v1", "rv": version, "start": f"/{key}\0"}, separators=(",", ":"), ensure_ascii=True
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[int, str]:
    """Return resourceVersion and start key of a continue token.

    Raises:
        ApiError: 400.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        end = len(token) - 1 if len(token) % 4 == 1 else len(token)
        place = next((i for i, c in enumerate(token) if not (c.isalnum() or c in "-_")), end)
        raise _bad_token(f"illegal base64 data at input byte {place}") from None
    try:
        value = json.loads(raw.decode("latin-1"))
    except ValueError as error:
        raise _bad_token(go_json_error(raw.decode("latin-1").encode(), error)) from None
    if not isinstance(value, dict) or value.get("v") != "meta.k8s.io/v1":
        version = value.get("v", "") if isinstance(value, dict) else ""
        raise _bad_token(f"server does not recognize this encoded version {version}")
    if not value.get("rv"):
        raise _bad_token("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    start = str(value.get("start") or "")
    if not start:
        raise _bad_token("encoded start key empty (version meta.k8s.io/v1)")
    if posixpath.normpath(f"/{start.lstrip('/')}") != f"/{start.lstrip('/')}":
        raise _bad_token(start)
    return int(value["rv"]), start.lstrip("/")


def _bad_token(problem: str) -> Exception:
    return bad_request(f"invalid continue token: continue key is not valid: {problem}")


def _continued(
    store: Store, definition: Definition, namespace: str | None, token: str, limit: int, wanted: Selection
) -> Page:
    version, start = read_token(token)
    inconsistent = version == -1
    if inconsistent:
        version = store.version
    try:
        records = store.records_at(definition.resource, namespace, version)
    except CompactedError:
        text = json.dumps({"v": "meta.k8s.io/v1", "rv": -1, "start": start}, separators=(",", ":"))
        fresh = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        raise expired(_STALE_PAGE, continue_token=fresh) from None
    after = tuple(start.rstrip("\0").split("/", 1))
    if len(after) == 1:
        rest = [record for record in records if (record.object["metadata"]["name"],) > after]
    else:
        rest = [
            record
            for record in records
            if (record.object["metadata"].get("namespace", ""), record.object["metadata"]["name"]) > after
        ]
    return _page(rest, version, limit, namespace, wanted)
