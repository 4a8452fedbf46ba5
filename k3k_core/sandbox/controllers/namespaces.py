"""Namespaces: what each one is given, and how one goes away with everything in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from k3k_core.resources import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone, store_key, timestamp
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client
from k3k_core.sandbox.controllers.runtime import Key

# The real controller waits 5 s so that all API servers know of the deletion; here there is one.
_FIRST_LOOK = 0.1
_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such "
    "as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions "
    "of Kubernetes clusters."
)


class NamespaceController:
    """Gives every namespace its service account and root CA, and empties the ones being deleted.

    Args:
        client: reads and writes.
        known_types: the resource types that exist.
        root_ca: certificate (PEM) for the ConfigMap `kube-root-ca.crt`.
        service_ca: whether namespaces get the (empty) bundle of the recorded server's distribution, too.
    """

    watches: tuple[Resource, ...] = ()

    def __init__(
        self,
        client: Client,
        known_types: Callable[[], Iterable[Resource]],
        root_ca: str,
        *,
        service_ca: bool = False,
    ) -> None:
        self._service_ca = service_ca
        self._client = client
        self._store = client.store
        self._known_types = known_types
        self._root_ca = root_ca
        self._seen_terminating: set[str] = set()

    def keys(self, change: Change) -> Iterable[Key]:
        """A namespace, and the terminating or just given home of whatever changed."""
        meta = change.object["metadata"]
        if change.resource == NAMESPACE:
            return ((meta["name"], "namespace"),)
        namespace = meta.get("namespace")
        if namespace in self._seen_terminating or (
            change.type == "DELETED" and change.resource in {SERVICE_ACCOUNT, CONFIG_MAP}
        ):
            return ((namespace, "content"),)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Bring one namespace to what it should have or lose."""
        name, cause = key
        namespace = self._store.get(NAMESPACE, None, name)
        if namespace is None:
            self._seen_terminating.discard(name)
            return None
        if "deletionTimestamp" not in namespace["metadata"]:
            self._furnish(name)
            return None
        if name not in self._seen_terminating and cause == "namespace":
            self._seen_terminating.add(name)
            return _FIRST_LOOK
        self._terminate(namespace)
        return None

    def _furnish(self, name: str) -> None:
        if self._service_ca:
            distribution = {
                "metadata": {
                    "name": "openshift-service-ca.crt",
                    "namespace": name,
                    "annotations": {"service.beta.openshift.io/inject-cabundle": "true"},
                },
                "data": {"service-ca.crt": ""},
            }
            self._client.ensure(CONFIG_MAP, distribution, manager=CONTROLLER_MANAGER)
        account = {"metadata": {"name": "default", "namespace": name}}
        self._client.ensure(SERVICE_ACCOUNT, account, manager=CONTROLLER_MANAGER)
        bundle = {
            "metadata": {
                "name": "kube-root-ca.crt",
                "namespace": name,
                "annotations": {"kubernetes.io/description": _CA_NOTE},
            },
            "data": {"ca.crt": self._root_ca},
        }
        self._client.ensure(CONFIG_MAP, bundle, manager=CONTROLLER_MANAGER)

    def _terminate(self, namespace: dict[str, Any]) -> None:
        name = namespace["metadata"]["name"]
        if not (namespace.get("spec") or {}).get("finalizers"):
            # Somebody else has finalized it already: the real controller leaves it alone, too.
            return
        for resource, obj in self._content(name):
            if "deletionTimestamp" not in obj["metadata"]:
                self._client.delete(resource, obj)
        remaining = self._content(name)
        if remaining:
            self._client.change(
                NAMESPACE,
                namespace,
                lambda changed: _set_conditions(changed, remaining, timestamp(self._store.now())),
                manager=CONTROLLER_MANAGER,
                subresource="status",
            )
            return
        current = self._store.get(NAMESPACE, None, name)
        if current is None:
            return
        finished = clone(current)
        finished.get("spec", {}).pop("finalizers", None)
        self._seen_terminating.discard(name)
        self._store.update(NAMESPACE, finished)

    def _content(self, name: str) -> list[tuple[Resource, dict[str, Any]]]:
        seen: set[tuple[str, str]] = set()
        found: list[tuple[Resource, dict[str, Any]]] = []
        for resource in self._known_types():
            if not resource.namespaced or store_key(resource) in seen:
                continue
            seen.add(store_key(resource))
            found += [(resource, obj) for obj in self._store.list(resource, name)]
        return found


def _set_conditions(
    namespace: dict[str, Any], remaining: list[tuple[Resource, dict[str, Any]]], now: str
) -> None:
    by_type = Counter(f"{resource.plural}.{resource.group}" for resource, _ in remaining)
    finalizers = Counter(item for _, obj in remaining for item in obj["metadata"].get("finalizers") or ())
    wanted = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: "
            + ", ".join(f"{name} has {count} resource instances" for name, count in sorted(by_type.items())),
        ),
    ]
    if finalizers:
        listed = ", ".join(
            f"{name} in {count} resource instances" for name, count in sorted(finalizers.items())
        )
        wanted.append(
            (
                "NamespaceFinalizersRemaining",
                "True",
                "SomeFinalizersRemain",
                f"Some content in the namespace has finalizers remaining: {listed}",
            )
        )
    else:
        wanted.append(
            (
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            )
        )
    status = namespace.setdefault("status", {})
    status["phase"] = "Terminating"
    old = {condition["type"]: condition for condition in status.get("conditions") or ()}
    status["conditions"] = [
        {
            "type": kind,
            "status": value,
            "lastTransitionTime": old[kind]["lastTransitionTime"]
            if kind in old and old[kind]["status"] == value
            else now,
            "reason": reason,
            "message": message,
        }
        for kind, value, reason, message in wanted
    ]
