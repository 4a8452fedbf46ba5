"""Servers, datastore and volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.rules.rule import Finding, Given, error, rule, warning

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@rule("servers", "datastore.kind")
def _sqlite_is_for_one(values: Values, _: Given) -> Iterator[Finding]:
    if values.servers > 1 and values.datastore.kind == "sqlite":
        yield error(
            "servers",
            f"sqlite serves one server, and {values.servers} are asked for",
            "set `datastore.kind` to `etcd` or `external`, or `servers` to 1",
        )


@rule("datastore.kind", "datastore.external")
def _external_source(values: Values, given: Given) -> Iterator[Finding]:
    external = values.datastore.external
    both = external.endpoint is not None and external.secret_name is not None
    neither = external.endpoint is None and external.secret_name is None
    if values.datastore.kind == "external" and both:
        yield error(
            "datastore.external",
            "has both `endpoint` and `secret_name`",
            "keep one: the Secret can hold both",
        )
    elif values.datastore.kind == "external" and neither:
        yield error(
            "datastore.external" if given.has("datastore.external") else "datastore.kind",
            "an external datastore needs an address",
            "give `datastore.external.secret_name` (or `endpoint`)",
        )
    elif values.datastore.kind != "external" and not neither:
        yield error(
            "datastore.external",
            f"is given, and `datastore.kind` is `{values.datastore.kind}`",
            "set `datastore.kind: external`, or take the block out",
        )


@rule("datastore.kind")
def _unused_etcd(values: Values, given: Given) -> Iterator[Finding]:
    if values.datastore.kind != "etcd" and given.has("datastore.etcd"):
        yield warning(
            "datastore.etcd",
            f"has no effect, for `datastore.kind` is `{values.datastore.kind}`",
            "set `datastore.kind: etcd`, or take the block out",
        )
