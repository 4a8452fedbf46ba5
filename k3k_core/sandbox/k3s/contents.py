"""What a simulated control plane stores, in the form the real one stores it: rows of kine or etcd, and k3s' files.

Keys are those of the API server (k8s.io/apiserver, storage; pkg/kubeapiserver/default_storage_factory_builder.go for
the resources with other names), values are JSON. One row under `/bootstrap/` carries the certificate files and the
digest of the token, as k3s' own does (pkg/cluster/storage.go of k3s), here without encryption.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from k3k_core.datastores.rows import Row
from k3k_core.resources import Resource
from k3k_core.sandbox.api.objects import clone, encode
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores
from k3k_core.sandbox.node.volumes import Volumes

DATABASE = "server/db/state.db"
TLS_FOLDER = "server/tls"
_REGISTRY = "/registry/"
_BOOTSTRAP = "/bootstrap/"
# What the API server stores under another name than the resource's.
_PLACES = {
    ("", "services"): "services/specs",
    ("", "endpoints"): "services/endpoints",
    ("", "nodes"): "minions",
    ("", "replicationcontrollers"): "controllers",
    ("networking.k8s.io", "ingresses"): "ingress",
}
_RESOURCES = {place: key for key, place in _PLACES.items()}
# Stored under their group, as custom resources are.
_UNDER_GROUP = frozenset(("apiextensions.k8s.io", "apiregistration.k8s.io"))
_EVENT_SECONDS = 3600


def rows_of(datastore: Datastore) -> list[Row]:
    """Return all that a simulated control plane stores, ordered by key.

    Args:
        datastore: its data.
    """
    _complete(datastore)
    rows = [] if not datastore.token_hash else [_bootstrap_row(datastore)]
    for entry in datastore.store.dump()["objects"]:
        rows += [_row(entry["group"], entry["plural"], obj) for obj in entry["items"]]
    return sorted(rows, key=lambda row: row.key)


def _complete(datastore: Datastore) -> None:
    if not datastore.populated and datastore.populate is not None:
        datastore.populate()


def fill(datastore: Datastore, rows: Iterable[Row]) -> None:
    """Replace all that a simulated control plane stores; none of its servers may run.

    Args:
        datastore: its data.
        rows: as `rows_of` returns them, perhaps at other revisions.
    """
    objects: list[tuple[Resource, dict[str, Any]]] = []
    newest = 1
    datastore.files.clear()
    datastore.token_hash = ""
    for row in rows:
        newest = max(newest, row.revision)
        if row.key.startswith(_BOOTSTRAP):
            kept = json.loads(row.value)
            datastore.files.update(kept["files"])
            datastore.token_hash = kept["tokenHash"]
        elif row.key.startswith(_REGISTRY):
            objects.append(_object(row))
    datastore.store.replace_all(objects, newest)
    datastore.populated = bool(objects)


def database_of(datastore: Datastore) -> bytes:
    """Return the sqlite file k3s would keep the data of a simulated control plane in.

    Args:
        datastore: its data.
    """
    import tempfile

    from k3k_core.datastores.kine import write_database

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        write_database(path, rows_of(datastore), revision=datastore.store.version)
        return path.read_bytes()


def fill_from_database(datastore: Datastore, content: bytes) -> None:
    """Replace all that a simulated control plane stores by what is in a sqlite file of k3s.

    Args:
        datastore: its data.
        content: of the file.

    Raises:
        K3kError: it is no such file.
    """
    import tempfile

    from k3k_core.datastores.kine import read_rows

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(content)
        fill(datastore, read_rows(path))


def adopt(volumes: Volumes, volume: str, datastore: Datastore) -> None:
    """Take over the files that somebody put where a starting k3s looks for its data.

    Args:
        volumes: of the sandbox.
        volume: with the data directory at its root.
        datastore: of the server that starts.

    Raises:
        K3kError: the database is none.
    """
    content = volumes.stored(volume, DATABASE)
    if content is not None:
        fill_from_database(datastore, content)
        volumes.take(volume, DATABASE)
    for path in volumes.names(volume):
        if path.startswith(f"{TLS_FOLDER}/") and (text := volumes.take(volume, path)) is not None:
            datastore.files[path.removeprefix(f"{TLS_FOLDER}/")] = text.decode(errors="replace")


class DatastoreFiles:
    """The data of simulated servers as files on the volumes they lie on: `server/db/state.db` and `server/tls`.

    Args:
        datastores: of the sandbox.
    """

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    def read(self, volume: str, path: str) -> bytes | None:
        """Return a file as the real k3s would have written it."""
        datastore = self._find(volume)
        if datastore is None:
            return None
        if path == DATABASE:
            _complete(datastore)
            return database_of(datastore) if datastore.populated else None
        text = datastore.files.get(path.removeprefix(f"{TLS_FOLDER}/")) if _is_tls(path) else None
        return None if text is None else text.encode()

    def names(self, volume: str) -> list[str]:
        """Return the paths of the files on a volume."""
        datastore = self._find(volume)
        if datastore is None:
            return []
        _complete(datastore)
        files = [f"{TLS_FOLDER}/{name}" for name in datastore.files]
        return [DATABASE, *files] if datastore.populated else files

    def remove(self, volume: str, path: str) -> bool:
        """Remove a file: without its database a server starts anew."""
        datastore = self._find(volume)
        if datastore is None:
            return False
        if path == DATABASE:
            there = datastore.populated
            datastore.store.replace_all([], datastore.store.version)
            datastore.populated, datastore.token_hash = False, ""
            return there
        return _is_tls(path) and datastore.files.pop(path.removeprefix(f"{TLS_FOLDER}/"), None) is not None

    def _find(self, volume: str) -> Datastore | None:
        return self._datastores.find(f"{volume}/k3s")


def _is_tls(path: str) -> bool:
    return path.startswith(f"{TLS_FOLDER}/")


def _row(group: str, plural: str, obj: dict[str, Any]) -> Row:
    stored = clone(obj)
    revision = int(stored["metadata"].pop("resourceVersion"))
    lease = _EVENT_SECONDS if plural == "events" else 0
    return Row(_key(group, plural, stored["metadata"]), encode(stored), revision, revision, lease)


def _key(group: str, plural: str, meta: dict[str, Any]) -> str:
    builtin = "." not in group or (group.endswith(".k8s.io") and group not in _UNDER_GROUP)
    place = _PLACES.get((group, plural)) or (plural if builtin else f"{group}/{plural}")
    return "/".join((f"{_REGISTRY}{place}", *filter(None, (meta.get("namespace"), meta["name"]))))


def _object(row: Row) -> tuple[Resource, dict[str, Any]]:
    obj = json.loads(row.value)
    obj["metadata"]["resourceVersion"] = str(row.revision)
    group, _, version = obj["apiVersion"].rpartition("/")
    namespaced = bool(obj["metadata"].get("namespace"))
    resource = Resource(group, version, _plural(row.key, group), obj["kind"], namespaced)
    return resource, obj


def _plural(key: str, group: str) -> str:
    first, second = [*key.removeprefix(_REGISTRY).split("/"), ""][:2]
    if first == group:
        return second
    for place in (f"{first}/{second}", first):
        if place in _RESOURCES:
            return _RESOURCES[place][1]
    return first


def _bootstrap_row(datastore: Datastore) -> Row:
    kept = {"files": dict(datastore.files), "tokenHash": datastore.token_hash}
    return Row(f"{_BOOTSTRAP}{datastore.token_hash[:12]}", encode(kept), 1, 1)
