"""A client of one etcd member that needs no gRPC: the JSON gateway that etcd serves on its client port.

Paths and messages: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/. Served by 3.4 and later under `/v3/`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from k3k_core.datastores.etcd_messages import (
    UNAVAILABLE,
    Alarm,
    EtcdError,
    Member,
    RangePage,
    Status,
    encoded,
    read_alarm,
    read_member,
    read_range,
    read_status,
)
from k3k_core.datastores.etcd_stream import SnapshotReader, TakenSnapshot
from k3k_core.errors import K3kError, UnreachableError

if TYPE_CHECKING:
    import aiohttp

Sink = Callable[[bytes], Awaitable[None]]

_NOT_JSON = "it does not speak etcd's JSON gateway"
# A page of large objects stays far below what one answer may hold.
PAGE = 500
# A member that works says how it is at once, also when it waits for others.
_STATUS_TIMEOUT = 4.0
_PAUSE = 0.3
_LONGEST_LINE = 4 * 1024 * 1024


class EtcdClient:
    """One member.

    Args:
        session: an HTTP session with the client's certificate.
        url: base URL of the member.
        name: what to call it in messages.
        timeout: seconds for one request; a snapshot and a defragmentation take as long as they take.
        why: returns why nothing answers, where that is known better than by the connection itself.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        name: str,
        *,
        timeout: float = 10.0,
        why: Callable[[], K3kError | None] = lambda: None,
    ) -> None:
        self._session = session
        self._url = url
        self._timeout = timeout
        self._why = why
        self.name = name

    async def status(self) -> Status:
        """Return how the member sees itself."""
        return read_status(await self._call("maintenance/status", {}, timeout=_STATUS_TIMEOUT))

    async def members(self) -> tuple[Member, ...]:
        """Return the members of the cluster, by name."""
        answer = await self._read("cluster/member/list", {})
        found = [read_member(each) for each in answer.get("members") or ()]
        return tuple(sorted(found, key=lambda each: (each.peer_urls, each.id)))

    async def add_member(self, peer_url: str, *, learner: bool) -> Member:
        """Add a member that is yet to start.

        Args:
            peer_url: where the others will reach it.
            learner: whether it has no vote until it is promoted, which keeps the quorum what it is.
        """
        answer = await self._call("cluster/member/add", {"peerURLs": [peer_url], "isLearner": learner})
        return read_member(answer["member"])

    async def remove_member(self, member: int) -> None:
        """Remove a member for good; it can never come back under the same id."""
        await self._call("cluster/member/remove", {"ID": str(member)})

    async def promote_member(self, member: int) -> None:
        """Give a learner its vote.

        Raises:
            EtcdError: FAILED_PRECONDITION while it is too far behind.
        """
        await self._call("cluster/member/promote", {"ID": str(member)})

    async def alarms(self) -> tuple[Alarm, ...]:
        """Return the alarms of all members."""
        answer = await self._read("maintenance/alarm", {"action": "GET"})
        return tuple(read_alarm(each) for each in answer.get("alarms") or ())

    async def disarm(self, alarm: Alarm) -> None:
        """End an alarm."""
        body = {"action": "DEACTIVATE", "memberID": str(alarm.member), "alarm": alarm.kind}
        await self._call("maintenance/alarm", body)

    async def defragment(self, *, timeout: float = 600.0) -> None:
        """Have the member write its database anew without holes; it answers nobody meanwhile."""
        await self._call("maintenance/defragment", {}, timeout=timeout)

    async def compact(self, revision: int, *, timeout: float = 120.0) -> None:
        """Forget what was before a revision, and wait until the space of it can be used again."""
        await self._call("kv/compaction", {"revision": str(revision), "physical": True}, timeout=timeout)

    async def get(self, key: bytes) -> bytes | None:
        """Return what a key holds; a quorum has to agree to the answer."""
        page = read_range(await self._read("kv/range", {"key": encoded(key)}))
        return page.items[0].value if page.items else None

    async def page(
        self, start: bytes, end: bytes, *, revision: int = 0, limit: int = PAGE, keys_only: bool = False
    ) -> RangePage:
        """Return the first keys of a range.

        Args:
            start: the first key.
            end: the key after the last one; a zero byte means no end.
            revision: read what was at this revision; 0 for the newest.
            limit: most keys.
            keys_only: leave the values out.
        """
        body = {
            "key": encoded(start),
            "range_end": encoded(end),
            "revision": str(revision),
            "limit": str(limit),
            "keys_only": keys_only,
        }
        return read_range(await self._read("kv/range", body))

    async def put(self, key: bytes, value: bytes, *, lease: int = 0) -> None:
        """Write one key."""
        await self._call("kv/put", _put(key, value, lease))

    async def put_all(self, items: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Write several keys at one revision; etcd takes 128 at most by default.

        Args:
            items: key, value, and id of a lease or 0.
        """
        await self._call("kv/txn", {"success": [{"requestPut": _put(*item)} for item in items]})

    async def delete_range(self, start: bytes, end: bytes) -> int:
        """Delete a range of keys; returns how many there were."""
        answer = await self._call("kv/deleterange", {"key": encoded(start), "range_end": encoded(end)})
        return int(answer.get("deleted") or 0)

    async def grant_lease(self, seconds: int) -> int:
        """Make a lease that ends after so many seconds; returns its id."""
        return int((await self._call("lease/grant", {"TTL": str(seconds)}))["ID"])

    async def snapshot(self, sink: Sink, *, timeout: float = 3600.0) -> TakenSnapshot:
        """Write a snapshot of all data, its digest at the end, as `etcdutl snapshot restore` takes it.

        Args:
            sink: takes the file piece by piece.
            timeout: seconds for all of it.

        Returns:
            What was written.

        Raises:
            UnreachableError: the connection broke.
            EtcdError: the member refused, or what arrived does not fit its digest.
        """
        reader = SnapshotReader(self.name)
        async with self._request("maintenance/snapshot", {}, timeout) as response:
            async for line in _lines(response):
                if piece := reader.read(self._decode(line)):
                    await sink(piece)
        return reader.finish()

    async def _read(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask what changes nothing; while a leader is elected, again for as long as one request may take."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return await self._call(path, body)
            except EtcdError as error:
                if error.code != UNAVAILABLE or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE)

    async def _call(
        self, path: str, body: Mapping[str, Any], *, timeout: float | None = None
    ) -> Mapping[str, Any]:
        async with self._request(path, body, timeout or self._timeout) as response:
            return self._decode(await response.read())

    @asynccontextmanager
    async def _request(
        self, path: str, body: Mapping[str, Any], timeout: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        import aiohttp

        limits = aiohttp.ClientTimeout(total=timeout)
        doing = path.rpartition("/")[2].replace("deleterange", "delete")
        try:
            async with self._session.post(f"{self._url}/v3/{path}", json=body, timeout=limits) as response:
                if response.status != 200:
                    raise self._refused(doing, response.status, await response.read())
                yield response
        except (aiohttp.ClientError, OSError) as error:
            why = self._why()
            if why is not None:
                raise why from None
            # A TimeoutError of aiohttp says nothing.
            text = str(error) or f"no answer within {timeout:.0f} seconds"
            raise UnreachableError(
                f"etcd member {self.name} did not answer ({doing}): {text}.",
                hint="Its log may say why: `kubectl logs` of that pod.",
            ) from None

    def _decode(self, data: bytes) -> dict[str, Any]:
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise UnreachableError(f"etcd member {self.name} gave no usable answer: {_NOT_JSON}.")
        return document

    def _refused(self, doing: str, status: int, data: bytes) -> K3kError:
        if status == 404:
            return UnreachableError(f"etcd member {self.name} gave no usable answer: {_NOT_JSON}.")
        document = self._decode(data)
        reason = str(document.get("message") or document.get("error") or f"HTTP {status}")
        return EtcdError(
            f"etcd member {self.name} refused ({doing}): {reason.removeprefix('etcdserver: ')}",
            code=int(document.get("code") or 0),
        )


def _put(key: bytes, value: bytes, lease: int) -> dict[str, str]:
    return {"key": encoded(key), "value": encoded(value), "lease": str(lease)}


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the lines of an answer; a line is larger than aiohttp's own reader takes."""
    rest = bytearray()
    async for piece in response.content.iter_any():
        rest += piece
        *complete, last = bytes(rest).split(b"\n") if b"\n" in piece else [bytes(rest)]
        for line in complete:
            if line:
                yield line
        if complete:
            rest = bytearray(last)
        if len(rest) > _LONGEST_LINE:
            raise UnreachableError("etcd sent an overlong line of a snapshot.")
    if rest.strip():
        yield bytes(rest)


def by_name(members: Sequence[Member]) -> dict[str, Member]:
    """Return members by the name of their pods, taken from where peers reach them.

    A member that has not started yet has no other name.

    Args:
        members: of a cluster.
    """
    return {_pod_of(member): member for member in members}


def _pod_of(member: Member) -> str:
    url = member.peer_urls[0] if member.peer_urls else ""
    return url.partition("://")[2].partition(".")[0] or member.name
