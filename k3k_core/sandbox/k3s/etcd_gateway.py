"""The JSON gateway of a simulated etcd member: what `/v3/...` answers, for clients that show a certificate.

Reading, looking after members and snapshots only: simulated servers write to the data behind it by themselves.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k3k_core.datastores.etcd_messages import FAILED_PRECONDITION, NOT_FOUND, UNAVAILABLE
from k3k_core.sandbox.k3s.cluster import SIMULATED
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.k3s.etcd_state import EtcdMember, EtcdState

if TYPE_CHECKING:
    from aiohttp import web

Json = dict[str, Any]

# https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md, as the gateway maps them.
_HTTP_STATUS = {NOT_FOUND: 404, FAILED_PRECONDITION: 400, UNAVAILABLE: 503, 12: 501, 3: 400}
_INVALID, _UNIMPLEMENTED = 3, 12
_PIECE = 32 * 1024
_PAGE_BYTES = 4096
_OBJECT_BYTES = 1024


class RefusalError(Exception):
    """etcd says no.

    Args:
        code: gRPC status code.
        message: as etcd words it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Gateway:
    """Answers for one member.

    Args:
        datastore: the data.
        member: who it is.
        version: of etcd, e.g. "3.6.8".
        voters: returns the numbers of the members with a vote that work, the leader first.
    """

    def __init__(
        self, datastore: Datastore, member: EtcdMember, version: str, voters: Callable[[], list[int]]
    ) -> None:
        self._datastore = datastore
        self._member = member
        self._version = version
        self._voters = voters
        self._calls: dict[str, Callable[[Json], Json]] = {
            "maintenance/status": self._status,
            "maintenance/alarm": self._alarm,
            "maintenance/defragment": self._defragment,
            "cluster/member/list": self._list,
            "cluster/member/add": self._add,
            "cluster/member/remove": self._remove,
            "cluster/member/promote": self._promote,
            "kv/range": self._range,
            "kv/compaction": self._compact,
        }

    @property
    def _state(self) -> EtcdState:
        if self._datastore.etcd is None:
            raise RefusalError(UNAVAILABLE, "etcdserver: server stopped")
        return self._datastore.etcd

    @property
    def _leader(self) -> int:
        """Number of the leader; 0 without a quorum."""
        voters = self._voters()
        return voters[0] if len(voters) >= self._state.quorum else 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        from aiohttp import web

        path = request.path.removeprefix("/v3/")
        try:
            body = json.loads(await request.read() or b"{}")
            if request.method == "POST" and path == "maintenance/snapshot":
                return await self._snapshot(request)
            call = self._calls.get(path) if request.method == "POST" else None
            if call is None:
                raise RefusalError(_UNIMPLEMENTED, "simulated: not served by the k3k sandbox")
            return web.json_response(call(body), headers=SIMULATED)
        except RefusalError as refusal:
            document = {"error": str(refusal), "message": str(refusal), "code": refusal.code}
            status = _HTTP_STATUS.get(refusal.code, 500)
            return web.json_response(document, status=status, headers=SIMULATED)

    def _header(self) -> Json:
        cluster = int.from_bytes(hashlib.sha256(self._datastore.key.encode()).digest()[:7])
        return {
            "cluster_id": str(cluster),
            "member_id": str(self._member.id),
            "revision": str(self._datastore.store.version),
            "raft_term": "2",
        }

    def _status(self, _: Json) -> Json:
        used = sum(len(each["items"]) for each in self._datastore.store.dump()["objects"]) * _OBJECT_BYTES
        size = 5 * _PAGE_BYTES + int(used / (1 - self._state.free))
        index = str(self._datastore.store.version + 8)
        answer: Json = {
            "header": self._header(),
            "version": self._version,
            "dbSize": str(size),
            "dbSizeInUse": str(min(used + 4 * _PAGE_BYTES, size)),
            "leader": str(self._leader),
            "raftIndex": index,
            "raftAppliedIndex": index,
            "raftTerm": "2",
        }
        if self._member.learner:
            answer["isLearner"] = True
        if not self._leader:
            answer["errors"] = ["etcdserver: no leader"]
        return answer

    def _list(self, _: Json) -> Json:
        self._need_leader()
        return {"header": self._header(), "members": [_document(each) for each in self._state.members]}

    def _add(self, body: Json) -> Json:
        self._need_leader()
        urls = body.get("peerURLs") or [""]
        if self._state.at(urls[0]) is not None:
            raise RefusalError(FAILED_PRECONDITION, "etcdserver: Peer URLs already exists")
        if any(each.learner for each in self._state.members) and body.get("isLearner"):
            raise RefusalError(FAILED_PRECONDITION, "etcdserver: too many learner members in cluster")
        added = self._state.add(urls[0], learner=bool(body.get("isLearner")))
        return {**self._list({}), "member": _document(added)}

    def _remove(self, body: Json) -> Json:
        self._need_leader()
        member = self._numbered(body)
        others = [number for number in self._voters() if number != member.id]
        left = sum(not each.learner for each in self._state.members if each.id != member.id)
        if not member.learner and len(others) < left // 2 + 1:
            raise RefusalError(
                FAILED_PRECONDITION, "etcdserver: re-configuration failed due to not enough started members"
            )
        self._state.remove(member)
        return self._list({})

    def _promote(self, body: Json) -> Json:
        self._need_leader()
        member = self._numbered(body)
        if not member.learner:
            raise RefusalError(FAILED_PRECONDITION, "etcdserver: can only promote a learner member")
        if not member.name:
            raise RefusalError(
                FAILED_PRECONDITION,
                "etcdserver: can only promote a learner member which is in sync with leader",
            )
        member.learner = False
        return self._list({})

    def _numbered(self, body: Json) -> EtcdMember:
        found = self._state.numbered(int(body.get("ID", 0)))
        if found is None:
            raise RefusalError(NOT_FOUND, "etcdserver: member not found")
        return found

    def _alarm(self, body: Json) -> Json:
        self._need_leader()
        if body.get("action") == "DEACTIVATE":
            gone = (int(body.get("memberID", 0)), body.get("alarm", "NONE"))
            self._state.alarms = [each for each in self._state.alarms if each != gone]
        alarms = [{"memberID": str(number), "alarm": kind} for number, kind in self._state.alarms]
        return {"header": self._header(), "alarms": alarms} if alarms else {"header": self._header()}

    def _defragment(self, _: Json) -> Json:
        self._state.free = 0.0
        return {"header": self._header()}

    def _compact(self, body: Json) -> Json:
        self._need_leader()
        if int(body.get("revision", 0)) > self._datastore.store.version:
            raise RefusalError(_INVALID, "etcdserver: mvcc: required revision is a future revision")
        return {"header": self._header()}

    def _range(self, body: Json) -> Json:
        from k3k_core.sandbox.k3s.contents import rows_of

        self._need_leader()
        start, end = base64.b64decode(body.get("key", "")), base64.b64decode(body.get("range_end", ""))
        limit = int(body.get("limit", 0)) or len(self._datastore.store.dump()["objects"]) + 10**9

        def wanted(key: bytes) -> bool:
            if not end:
                return key == start
            return key >= start and (end == b"\0" or key < end)

        rows = [row for row in rows_of(self._datastore) if wanted(row.key.encode())]
        kvs = [
            {
                "key": base64.b64encode(row.key.encode()).decode(),
                "value": "" if body.get("keys_only") else base64.b64encode(row.value).decode(),
                "create_revision": str(row.create_revision),
                "mod_revision": str(row.revision),
                "version": "1",
            }
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        return {
            "header": self._header(),
            "kvs": kvs,
            "count": str(len(rows)),
            **({"more": True} if more else {}),
        }

    async def _snapshot(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        from k3k_core.datastores.etcd_snapshot import snapshot_bytes
        from k3k_core.sandbox.k3s.contents import rows_of

        content = snapshot_bytes(rows_of(self._datastore), revision=self._datastore.store.version)
        response = web.StreamResponse(headers={**SIMULATED, "Content-Type": "application/json"})
        await response.prepare(request)
        for start in range(0, len(content), _PIECE):
            piece = content[start : start + _PIECE]
            left = len(content) - start - len(piece)
            result = {"blob": base64.b64encode(piece).decode(), "remaining_bytes": str(left)}
            await response.write(json.dumps({"result": result}).encode() + b"\n")
        return response

    def _need_leader(self) -> None:
        if not self._leader:
            raise RefusalError(UNAVAILABLE, "etcdserver: no leader")
        if self._state.numbered(self._member.id) is None:
            raise RefusalError(UNAVAILABLE, "etcdserver: server stopped")
        if self._member.learner:
            raise RefusalError(UNAVAILABLE, "etcdserver: rpc not supported for learner")


def _document(member: EtcdMember) -> Json:
    document: Json = {"ID": str(member.id), "peerURLs": [member.peer_url]}
    if member.name:
        client = member.peer_url.rpartition(":")[0] + ":2379"
        document |= {"name": member.name, "clientURLs": [client]}
    if member.learner:
        document["isLearner"] = True
    return document
