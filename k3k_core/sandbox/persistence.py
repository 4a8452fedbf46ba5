"""A sandbox on disk: one journal of everything that was written, made compact at start and stop.

The file holds one JSON value a line. The last line may be cut off when the process was killed, and is then
left out; anything else that cannot be read is an error.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.sandbox.api.changes import Subscription
from k3k_core.sandbox.api.objects import store_key
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.k3s.datastores import Datastore

_FORMAT = 1
_NAME = "state.jsonl"
# Seconds that changes are collected before they are written; what a SIGKILL can cost at most.
_DELAY = 0.3
HOST = ""

Json = dict[str, Any]


class Image:
    """The contents of a journal: the objects of every store, and facts about the sandbox.

    Attributes:
        facts: facts about the sandbox, by name.
        datastores: facts about embedded clusters, by key.
    """

    def __init__(self) -> None:
        self.facts: Json = {}
        self.datastores: dict[str, Json] = {}
        self._objects: dict[str, dict[tuple[str, str, str, str], Json]] = {}
        self._versions: dict[str, int] = {}

    def replay(self, entry: Json) -> None:
        """Take over one line."""
        kind = entry["do"]
        if kind == "facts":
            self.facts.update(entry["facts"])
        elif kind == "datastore":
            self.datastores[entry["key"]] = entry["facts"]
        elif kind == "drop":
            self.datastores.pop(entry["key"], None)
            self._objects.pop(entry["key"], None)
            self._versions.pop(entry["key"], None)
        else:
            self._put(entry)

    def _put(self, entry: Json) -> None:
        store, obj = entry["store"], entry["object"]
        meta = obj["metadata"]
        key = (entry["group"], entry["plural"], meta.get("namespace", ""), meta["name"])
        objects = self._objects.setdefault(store, {})
        if entry["do"] == "delete":
            objects.pop(key, None)
        else:
            objects[key] = obj
        self._versions[store] = max(self._versions.get(store, 1), int(entry["version"]))

    def fill(self, store: Store, name: str) -> None:
        """Load a store with the objects kept under a name; does nothing when there are none."""
        if name not in self._versions:
            return
        groups: dict[tuple[str, str], list[Json]] = {}
        for (group, plural, _, _), obj in self._objects.get(name, {}).items():
            groups.setdefault((group, plural), []).append(obj)
        store.load(
            {
                "version": self._versions[name],
                "objects": [
                    {"group": group, "plural": plural, "items": items}
                    for (group, plural), items in groups.items()
                ],
            }
        )

    def lines(self) -> Iterator[Json]:
        """Yield the shortest journal with these contents."""
        yield {"do": "facts", "format": _FORMAT, "facts": self.facts}
        for key, facts in self.datastores.items():
            yield {"do": "datastore", "key": key, "facts": facts}
        for store, objects in self._objects.items():
            for (group, plural, _, _), obj in objects.items():
                yield {
                    "do": "put",
                    "store": store,
                    "group": group,
                    "plural": plural,
                    "version": self._versions[store],
                    "object": obj,
                }


def read_image(directory: Path) -> Image:
    """Read what a sandbox left in a directory; empty when there is nothing.

    Args:
        directory: as given to `--data`.

    Raises:
        K3kError: the file is damaged or of another format.
    """
    path = directory / _NAME
    image = Image()
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return image
    except OSError as error:
        raise K3kError(f"Cannot read the sandbox's data in {path}: {error.strerror}.") from None
    # What follows the last newline was being written when the process died.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            entry = json.loads(line)
            if number == 1 and entry.get("format") != _FORMAT:
                raise ValueError("unknown format")
            image.replay(entry)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise K3kError(
                f"The sandbox's data in {path} is damaged at line {number}.",
                hint=f"Restore {path.name} from a copy, or move it away to start empty.",
            ) from None
    return image


class Journal:
    """Writes what changes to disk, a moment after it did.

    Args:
        directory: as given to `--data`; made when missing, readable by its owner only.
        image: what was read from it.
        limit: bytes after which the file is made compact while it is in use.

    Attributes:
        failure: why the file could not be written; nothing is written any more after that.
        failed: set when that happens.
    """

    def __init__(self, directory: Path, image: Image, *, limit: int = 64 * 1024 * 1024) -> None:
        self._directory = directory
        self._limit = limit
        self._subscriptions: dict[str, Subscription] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._datastores: dict[str, tuple[Datastore, Json]] = {}
        self._pending: list[Json] = []
        self._timer: asyncio.TimerHandle | None = None
        self.failure: OSError | None = None
        self.failed = asyncio.Event()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / _NAME
        self._compact(path, image)
        self._file = path.open("ab")

    def _compact(self, path: Path, image: Image) -> None:
        """Replace the file as a whole, so that a kill leaves the old one or the new one."""
        temporary = path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for line in image.lines():
                file.write(_encode(line))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def note(self, **facts: Any) -> None:
        """Remember facts about the sandbox."""
        self._pending.append({"do": "facts", "facts": facts})
        self._soon()

    def follow(self, store: Store, name: str) -> None:
        """Write all later changes of a store.

        Args:
            store: the store.
            name: what it is kept under; `HOST` for the sandbox's own.
        """
        subscription = self._subscriptions[name] = store.subscribe()

        async def wait() -> None:
            while (change := await subscription.next()) is not None:
                self._add(name, subscription, change)
                self._soon()

        self._followers[name] = asyncio.get_running_loop().create_task(wait(), name="sandbox journal")

    def _add(self, name: str, subscription: Subscription, change: Any) -> None:
        while change is not None:
            group, plural = store_key(change.resource)
            self._pending.append(
                {
                    "do": "delete" if change.type == "DELETED" else "put",
                    "store": name,
                    "group": group,
                    "plural": plural,
                    "version": change.version,
                    "object": change.object
                    if change.type != "DELETED"
                    else {"metadata": _identity(change.object)},
                }
            )
            change = subscription.pop()

    def track(self, datastore: Datastore) -> None:
        """Keep an embedded cluster's data."""
        self._datastores[datastore.key] = (datastore, {})
        self.follow(datastore.store, datastore.key)
        self._soon()

    def drop(self, datastore: Datastore) -> None:
        """Forget an embedded cluster's data."""
        self._datastores.pop(datastore.key, None)
        self._unfollow(datastore.key)
        self._pending.append({"do": "drop", "key": datastore.key})
        self._soon()

    def _unfollow(self, name: str) -> None:
        subscription = self._subscriptions.pop(name, None)
        if subscription is not None:
            subscription.close()
        follower = self._followers.pop(name, None)
        if follower is not None:
            follower.cancel()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY, self.flush)

    def flush(self) -> None:
        """Write everything that is not written yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for name, subscription in self._subscriptions.items():
            self._add(name, subscription, subscription.pop())
        for key, (datastore, known) in self._datastores.items():
            facts = datastore.facts()
            if facts != known:
                self._pending.append({"do": "datastore", "key": key, "facts": facts})
                self._datastores[key] = (datastore, facts)
        if self._pending and self.failure is None:
            try:
                self._write(b"".join(map(_encode, self._pending)))
            except OSError as error:
                # A torn last line is fine for a reader; what follows it would not be.
                self.failure = error
                self.failed.set()
                return
            self._pending.clear()

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()
        if self._file.tell() > self._limit:
            self._shrink()

    def problem(self) -> K3kError:
        """Return what went wrong with the file as an error for a person."""
        reason = self.failure.strerror if self.failure else "unknown"
        return K3kError(
            f"The sandbox's state {self._directory / _NAME} cannot be written: {reason}.",
            hint="Make room or choose another folder with --data; what was not written is lost.",
        )

    def _shrink(self) -> None:
        self._file.close()
        path = self._directory / _NAME
        self._compact(path, read_image(self._directory))
        self._file = path.open("ab")
        self._limit = max(self._limit, 2 * self._file.tell())

    def close(self) -> None:
        """Write the rest and stop following."""
        self.flush()
        for name in tuple(self._subscriptions):
            self._unfollow(name)
        with suppress(OSError):
            self._file.close()
        if self.failure is not None:
            return
        self._compact(self._directory / _NAME, read_image(self._directory))


def _identity(obj: Json) -> Json:
    meta = obj["metadata"]
    return {key: meta[key] for key in ("namespace", "name") if key in meta}


def _encode(line: Json) -> bytes:
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
