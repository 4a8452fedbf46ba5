"""Events as the real controllers write them: counted up when a thing happens again, gone after an hour."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from k3k_core.resources import EVENT, NAMESPACE
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.api.store import Store

EventType = Literal["Normal", "Warning"]
# kube-apiserver --event-ttl
LIFETIME = timedelta(hours=1)


class EventRecorder:
    """Writes Events to one store.

    Args:
        store: where to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # (namespace, name) of events, the one touched longest ago first, with the time of the last touch.
        self._touched: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._by_content: dict[tuple[str, ...], tuple[str, str]] = {}
        for event in store.list(EVENT):
            self._recall(event)

    def normal(
        self, obj: dict[str, Any], reason: str, message: str, *, component: str, field: str = ""
    ) -> None:
        """Record something ordinary about an object."""
        self._record("Normal", obj, reason, message, component, field)

    def warning(
        self, obj: dict[str, Any], reason: str, message: str, *, component: str, field: str = ""
    ) -> None:
        """Record a problem of an object.

        Args:
            obj: the object it is about.
            reason: CamelCase word.
            message: a sentence.
            component: who reports, e.g. "kubelet".
            field: part of the object, e.g. `spec.containers{k3s}`.
        """
        self._record("Warning", obj, reason, message, component, field)

    def _recall(self, event: dict[str, Any]) -> None:
        """Know an event from before a restart again."""
        involved, meta = event.get("involvedObject") or {}, event["metadata"]
        where = (meta["namespace"], meta["name"])
        component = (event.get("source") or {}).get("component", "")
        self._by_content[
            involved.get("uid", ""),
            event.get("reason", ""),
            event.get("message", ""),
            component,
            involved.get("fieldPath", ""),
        ] = where
        last = event.get("lastTimestamp") or meta["creationTimestamp"]
        self._touched[where] = datetime.fromisoformat(last)

    def _record(
        self, kind: EventType, obj: dict[str, Any], reason: str, message: str, component: str, field: str
    ) -> None:
        now = self._store.now()
        self._expire(now)
        meta = obj["metadata"]
        content = (meta.get("uid", ""), reason, message, component, field)
        where = self._by_content.get(content)
        known = self._store.get(EVENT, *where) if where else None
        if known is not None and where is not None:
            changed = {**known, "metadata": dict(known["metadata"])}
            changed.update(count=known["count"] + 1, lastTimestamp=timestamp(now))
            self._store.update(EVENT, changed)
        else:
            where = self._create(kind, obj, reason, message, component, field, now)
            if where is None:
                return
            self._by_content[content] = where
        self._touched[where] = now
        self._touched.move_to_end(where)

    def _create(
        self,
        kind: EventType,
        obj: dict[str, Any],
        reason: str,
        message: str,
        component: str,
        field: str,
        now: datetime,
    ) -> tuple[str, str] | None:
        meta = obj["metadata"]
        namespace = meta.get("namespace", "default")
        home = self._store.get(NAMESPACE, None, namespace)
        if home is None or "deletionTimestamp" in home["metadata"]:
            return None
        name = f"{meta['name']}.{self._store.version:016x}"
        involved = {
            "kind": obj.get("kind", ""),
            "namespace": meta.get("namespace"),
            "name": meta["name"],
            "uid": meta.get("uid"),
            "apiVersion": obj.get("apiVersion", ""),
            "resourceVersion": meta.get("resourceVersion"),
            "fieldPath": field or None,
        }
        source = {"component": component}
        if component == "kubelet":
            source["host"] = obj.get("spec", {}).get("nodeName", "")
        self._store.create(
            EVENT,
            {
                "kind": "Event",
                "apiVersion": "v1",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": {key: value for key, value in involved.items() if value},
                "reason": reason,
                "message": message,
                "source": source,
                "firstTimestamp": timestamp(now),
                "lastTimestamp": timestamp(now),
                "count": 1,
                "type": kind,
                "eventTime": None,
                "reportingComponent": component,
                "reportingInstance": source.get("host", ""),
            },
        )
        return namespace, name

    def _expire(self, now: datetime) -> None:
        while self._touched:
            where, touched = next(iter(self._touched.items()))
            if now.astimezone(UTC) - touched < LIFETIME:
                return
            del self._touched[where]
            self._by_content = {
                content: event for content, event in self._by_content.items() if event != where
            }
            if self._store.get(EVENT, *where) is not None:
                self._store.delete(EVENT, *where)
