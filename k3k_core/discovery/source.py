"""Which objects of a host discovery looks at, and what it keeps of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from k3k_core.host import HostApi, Key, Selection
from k3k_core.resources import Resource

Essence: TypeAlias = dict[str, Any]
Objects: TypeAlias = Mapping[Key, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """Objects of one type, to be listed once or to be followed.

    Attributes:
        resource: their type.
        project: what is kept of each object.
        labels: a label selector.
        fields: a field selector.
        metadata_only: whether their metadata is enough.
        page_size: objects per page of a list; small where much is thrown away of each.
    """

    resource: Resource
    project: Callable[[dict[str, Any]], Essence]
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False
    page_size: int = 500

    async def read(self, host: HostApi, namespace: str | None) -> dict[Key, Mapping[str, Any]]:
        """List the objects once.

        Args:
            host: an open host.
            namespace: only this namespace; None for all.

        Raises:
            K3kError: the host refuses or does not answer.
        """
        listing = await host.list(
            self.resource,
            namespace,
            labels=self.labels,
            fields=self.fields,
            metadata_only=self.metadata_only,
            page_size=self.page_size,
            project=self.project,
        )
        return {key_of(item): item for item in listing.items}

    def selection(self, namespace: str | None) -> Selection:
        """Return what a reflector has to follow.

        Args:
            namespace: only this namespace; None for all.
        """
        return Selection(
            self.resource, namespace, self.labels, self.fields, self.metadata_only, self.page_size
        )


def key_of(item: Mapping[str, Any]) -> Key:
    """Return namespace and name of an object."""
    metadata = item["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])
