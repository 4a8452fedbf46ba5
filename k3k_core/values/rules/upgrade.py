"""How servers are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.rules.rule import Finding, Given, error, rule

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@rule("upgrade.strategy", "datastore.kind")
def _two_sets_share_a_datastore(values: Values, _: Given) -> Iterator[Finding]:
    if values.upgrade.strategy == "blue-green" and values.datastore.kind == "sqlite":
        yield error(
            "upgrade.strategy",
            "blue-green needs a datastore that two sets of servers can use, and sqlite is a file of one server",
            "leave it out, or use `datastore.kind` etcd or external",
        )
