"""The time to live of a control plane: when it ends, a later or an earlier end, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.errors import ConflictError, UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import refuse_applied
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import ANNOTATION_EXPIRES_AT, ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values.amounts import seconds

_ATTEMPTS = 5
_CHANGE = re.compile(r"(?P<sign>\+?)(?P<amount>[0-9][0-9a-z]*)")


@dataclass(frozen=True, slots=True)
class TtlChange:
    """What becomes of a time to live.

    Attributes:
        kind: "extend" moves its end, "set" counts from now, "never" takes it away.
        seconds: by how much, or how long from now; 0 for "never".
    """

    kind: Literal["extend", "set", "never"]
    seconds: float = 0.0

    def apply(self, expires_at: datetime | None, now: datetime) -> datetime | None:
        """Return the new end.

        Args:
            expires_at: the end as it is (UTC), None for none; one that is over is extended from now.
            now: current time (UTC).
        """
        by = timedelta(seconds=self.seconds)
        if self.kind == "never":
            return None
        if self.kind == "set":
            return now + by
        return max(expires_at or now, now) + by


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a control plane ends.

    Attributes:
        id: the control plane.
        expires_at: end of its time to live (UTC), None without one.
        before: what that was before.
    """

    id: ControlPlaneId
    expires_at: datetime | None
    before: datetime | None

    @property
    def changed(self) -> bool:
        """Whether it ends at another time than before."""
        return self.expires_at != self.before


def parse_ttl(text: str) -> TtlChange:
    """Read what `k3k ttl` takes.

    Args:
        text: `+1h` (later), `2h` (from now), `never`.

    Raises:
        UsageError: it is none of these.
    """
    if text == "never":
        return TtlChange("never")
    match = _CHANGE.fullmatch(text)
    try:
        amount = seconds(match["amount"]) if match else 0.0
    except ValueError:
        amount = 0.0
    if match is None or amount <= 0:
        raise UsageError(
            f"{text!r} is no time to live.",
            hint="Write +1h for an hour more, 2h for two hours from now, or never.",
        )
    return TtlChange("extend" if match["sign"] else "set", amount)


def expires_at_of(root: Mapping[str, Any]) -> datetime | None:
    """Return the end of a control plane's time to live (UTC); None without one.

    Args:
        root: its root Secret.
    """
    return parse_time((root["metadata"].get("annotations") or {}).get(ANNOTATION_EXPIRES_AT))


async def read_ttl(host: HostApi, identity: ControlPlaneId) -> Lifetime:
    """Return when a control plane ends.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, or is being deleted.
    """
    ends = expires_at_of(await find_root(host, identity))
    return Lifetime(identity, ends, ends)


async def plan_ttl(host: HostApi, identity: ControlPlaneId, change: TtlChange, *, now: datetime) -> Plan:
    """Say what would become of a time to live; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        change: what is asked for.
        now: current time (UTC).

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, or is being deleted.
    """
    root = await find_root(host, identity)
    refuse_applied(identity, root)
    before = expires_at_of(root)
    after = change.apply(before, now)
    same = format_time(before) == format_time(after)
    summary = "it has no time to live" if after is None else f"it ends at {format_time(after)}"
    if before is not None and not same:
        summary += f", instead of {format_time(before)}"
    steps = () if same else ("write the end of its time to live on its root",)
    facts = {"expiresAt": format_time(after), "before": format_time(before)}
    return Plan(identity, "ttl", summary, steps, facts=facts)


async def set_ttl(
    host: HostApi,
    identity: ControlPlaneId,
    change: TtlChange,
    progress: Progress = silent,
    *,
    now: datetime,
) -> Lifetime:
    """Change when a control plane ends.

    Args:
        host: an open host.
        identity: the control plane.
        change: what is asked for.
        progress: told about the change.
        now: current time (UTC).

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, is being deleted, or its root keeps changing.
    """
    wanted: list[str | None] = []
    first: Lifetime | None = None
    for _ in range(_ATTEMPTS):
        root = await find_root(host, identity)
        refuse_applied(identity, root)
        before = expires_at_of(root)
        if first is not None and format_time(before) in wanted:
            # The answer to the attempt before was lost: it must not count twice.
            return _told(first, progress)
        after = change.apply(before, now.replace(microsecond=0))
        text = format_time(after)
        first = Lifetime(identity, after, before)
        if text == format_time(before):
            return first
        wanted.append(text)
        patch = {
            "metadata": {
                "resourceVersion": root["metadata"]["resourceVersion"],
                "annotations": {ANNOTATION_EXPIRES_AT: text},
            }
        }
        try:
            await host.patch(SECRET, identity.namespace, identity.root, patch)
        except ConflictError:
            continue
        return _told(first, progress)
    raise ConflictError(
        f"Secret {identity.namespace}/{identity.root} keeps changing", hint="Run the same command again."
    )


def _told(lifetime: Lifetime, progress: Progress) -> Lifetime:
    ends = format_time(lifetime.expires_at)
    text = f"it ends at {ends}" if ends else "it has no time to live any more"
    progress(Step("ttl", "done", text, f"Secret/{lifetime.id.root}"))
    return lifetime
