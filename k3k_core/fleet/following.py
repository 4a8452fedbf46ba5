"""The copies that a fleet keeps of one host's objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypeAlias

from k3k_core.discovery import Inventory, helm, k3k
from k3k_core.discovery.source import Source
from k3k_core.errors import UnreachableError
from k3k_core.fleet.pods import PodFacts, pod_facts, pods_selection
from k3k_core.host import Backoff, HostApi, Key, Listing, Reflector, Selection, WatchEvent
from k3k_core.names import LABEL_CONTROL_PLANE, TYPE_REVISION, TYPE_ROOT
from k3k_core.resources import SECRET, Resource

Facts: TypeAlias = dict[str, Any]
AnyReflector: TypeAlias = "Reflector[Facts] | Reflector[PodFacts] | Reflector[str]"


class CurrentHost:
    """The connection to a host, whichever it is at the moment: connections come and go, copies stay."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.server = ""
        self._host: HostApi | None = None

    @property
    def host(self) -> HostApi:
        """The open host.

        Raises:
            UnreachableError: there is none now.
        """
        if self._host is None:
            raise UnreachableError(f"Host {self.name} is not connected.")
        return self._host

    def connect(self, host: HostApi) -> None:
        """Use an open host from now on.

        Args:
            host: it.
        """
        self._host, self.name, self.server = host, host.name, host.server

    def disconnect(self) -> None:
        """Use none for now."""
        self._host = None

    async def list(self, resource: Resource, namespace: str | None = None, **options: Any) -> Listing:
        """See `HostApi.list`."""
        return await self.host.list(resource, namespace, **options)

    def watch(
        self, resource: Resource, namespace: str | None = None, **options: Any
    ) -> AsyncIterator[WatchEvent]:
        """See `HostApi.watch`."""
        return self.host.watch(resource, namespace, **options)


class Copies:
    """Reflectors of everything that rows and targets are made of.

    Args:
        host: whom they follow.
        namespace: only this namespace; None for all.
        backoff: delays after trouble.
    """

    def __init__(self, host: CurrentHost, namespace: str | None, backoff: Backoff) -> None:
        def copy(source: Source) -> Reflector[Facts]:
            return Reflector(host, source.selection(namespace), source.project, backoff=backoff)

        self.roots = copy(k3k.ROOTS)
        self.stateful_sets = copy(k3k.STATEFUL_SETS)
        self.services = copy(k3k.SERVICES)
        self.releases = copy(helm.RELEASES)
        self.release_stateful_sets = copy(helm.STATEFUL_SETS)
        self.release_deployments = copy(helm.DEPLOYMENTS)
        self.release_services = copy(helm.SERVICES)
        self.pods = Reflector(host, pods_selection(namespace), pod_facts, backoff=backoff)
        self.credentials = Reflector(host, _credentials(namespace), _version, backoff=backoff)

    @property
    def needed(self) -> tuple[Reflector[Facts], ...]:
        """Those without which nothing can be told."""
        return self.roots, self.stateful_sets, self.services

    @property
    def of_helm(self) -> tuple[Reflector[Facts], ...]:
        """Those that are worth following only where the ayedo chart was used."""
        return self.release_stateful_sets, self.release_deployments, self.release_services

    @property
    def always(self) -> tuple[AnyReflector, ...]:
        """Those that are followed on every host."""
        return *self.needed, self.releases, self.pods, self.credentials

    @property
    def has_releases(self) -> bool:
        """Whether the ayedo chart was used on this host."""
        return any(helm.is_release(secret) for secret in self.releases.objects.values())

    def inventory(self) -> Inventory:
        """Return what discovery makes rows of."""
        return Inventory(
            self.roots.objects,
            self.stateful_sets.objects,
            self.services.objects,
            self.releases.objects,
            self.release_stateful_sets.objects,
            self.release_deployments.objects,
            self.release_services.objects,
        )

    def credential_versions(self) -> Mapping[Key, str]:
        """Return the version of every Secret with credentials, those of Helm's releases too."""
        return dict(self.credentials.objects) | dict(self._release_versions())

    def _release_versions(self) -> Iterator[tuple[Key, str]]:
        for key, secret in self.releases.objects.items():
            yield key, _version(secret)


def _credentials(namespace: str | None) -> Selection:
    return Selection(
        SECRET,
        namespace,
        labels=LABEL_CONTROL_PLANE,
        fields=f"type!={TYPE_ROOT},type!={TYPE_REVISION}",
        metadata_only=True,
    )


def _version(secret: Mapping[str, Any]) -> str:
    return str(secret["metadata"].get("resourceVersion", ""))
