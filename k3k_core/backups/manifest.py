"""What a backup says of itself: inside, encrypted, everything; beside it, clear, what a list needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.backups.naming import BackupName, parse_name
from k3k_core.datastores.inventory import Inventory
from k3k_core.errors import K3kError

FORMAT = 1
MANIFEST_FILE = "backup.json"


@dataclass(frozen=True, slots=True)
class Payload:
    """The part of a backup that holds the datastore.

    Attributes:
        kind: `datastore.kind` of the values: sqlite, etcd or external.
        engine: what holds the data, e.g. "sqlite", "etcd 3.6.8" or "postgres".
        how: "online", "cold", "snapshot" or "dump".
        file: its path in the archive.
    """

    kind: str
    engine: str
    how: str
    file: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`backup.json`, the first file of an archive.

    Attributes:
        name: of the backup.
        uid: of the root Secret it was taken of; another control plane of the same name has another one.
        host: name of the host's context.
        version: k3s version, e.g. "v1.36.2+k3s1".
        revision: number of the revision the values are.
        payload: the datastore's part.
        inventory: what the datastore held, by kind of object.
        made_by: version of k3k.
        load_balancer: address that a load balancer had given it; empty for none.
        node_port: port of the nodes it was reached at; 0 for none.
        files: size and SHA-256 of every other file, by path; filled in when the archive is written.
    """

    name: BackupName
    uid: str
    host: str
    version: str
    revision: int
    payload: Payload
    inventory: Inventory
    made_by: str
    load_balancer: str = ""
    node_port: int = 0
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the file's contents."""
        document = {
            "format": FORMAT,
            "name": str(self.name),
            "uid": self.uid,
            "host": self.host,
            "version": self.version,
            "revision": self.revision,
            "datastore": {
                "kind": self.payload.kind,
                "engine": self.payload.engine,
                "how": self.payload.how,
                "file": self.payload.file,
            },
            "inventory": self.inventory.to_dict(),
            "madeBy": self.made_by,
            "loadBalancer": self.load_balancer,
            "nodePort": self.node_port,
            "files": {path: {"size": size, "sha256": digest} for path, (size, digest) in self.files.items()},
        }
        return json.dumps(document, indent=1, sort_keys=True).encode()


def read_manifest(data: bytes) -> Manifest:
    """Read `backup.json`.

    Args:
        data: its contents.

    Raises:
        K3kError: it is of a later format, or damaged.
    """
    document = _document(data, "The backup's description")
    if document.get("format") != FORMAT:
        raise K3kError(
            f"The backup has format {document.get('format')!r}, and this k3k reads {FORMAT}.",
            hint=f"Restore it with the k3k that made it, {document.get('madeBy', 'a later one')}, or a later one.",
        )
    try:
        name = parse_name(str(document["name"]))
        store = document["datastore"]
        if name is None:
            raise ValueError
        return Manifest(
            name=name,
            uid=str(document["uid"]),
            host=str(document["host"]),
            version=str(document["version"]),
            revision=int(document["revision"]),
            payload=Payload(str(store["kind"]), str(store["engine"]), str(store["how"]), str(store["file"])),
            inventory=Inventory.from_dict(document["inventory"]),
            made_by=str(document["madeBy"]),
            load_balancer=str(document["loadBalancer"]),
            node_port=int(document["nodePort"]),
            files={
                str(path): (int(each["size"]), str(each["sha256"]))
                for path, each in document["files"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged("The backup's description") from None


@dataclass(frozen=True, slots=True)
class Summary:
    """What is told of a backup without its key; no secret is in it.

    Attributes:
        name: of the backup.
        size: bytes of the encrypted archive.
        sha256: of the encrypted archive, in hex.
        version: k3s version.
        datastore: `datastore.kind` of the values.
        how: "online", "cold", "snapshot" or "dump".
        objects: how many objects the datastore held.
        recipients: public keys of who can open it.
    """

    name: BackupName
    size: int
    sha256: str
    version: str
    datastore: str
    how: str
    objects: int
    recipients: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k backup list -o json`), which is also the file beside it."""
        return {
            "name": str(self.name),
            "namespace": self.name.id.namespace,
            "controlPlane": self.name.id.name,
            "at": self.name.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "size": self.size,
            "sha256": self.sha256,
            "version": self.version,
            "datastore": self.datastore,
            "how": self.how,
            "objects": self.objects,
            "recipients": list(self.recipients),
        }

    def to_json(self) -> bytes:
        """Return the contents of the file beside the archive."""
        return json.dumps({"format": FORMAT, **self.to_dict()}, indent=1, sort_keys=True).encode()


def read_summary(data: bytes) -> Summary:
    """Read the clear file beside an archive.

    Args:
        data: its contents.

    Raises:
        K3kError: it is damaged.
    """
    document = _document(data, "The file beside the backup")
    try:
        name = parse_name(str(document["name"]))
        if name is None:
            raise ValueError
        return Summary(
            name=name,
            size=int(document["size"]),
            sha256=str(document["sha256"]),
            version=str(document["version"]),
            datastore=str(document["datastore"]),
            how=str(document["how"]),
            objects=int(document["objects"]),
            recipients=tuple(str(each) for each in document["recipients"]),
        )
    except (KeyError, TypeError, ValueError):
        raise _damaged("The file beside the backup") from None


def _document(data: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        raise _damaged(what) from None
    if not isinstance(document, dict):
        raise _damaged(what)
    return document


def _damaged(what: str) -> K3kError:
    return K3kError(f"{what} is damaged.", hint="Take another backup: `k3k backup list` shows them.")
