"""A double of S3-compatible storage: one bucket in memory, on loopback."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from aiohttp import web

BUCKET = "backups"
ACCESS_KEY, SECRET_KEY = "an-access-key", "a-secret-key"
_TIME = "2026-11-23T08:00:00.000Z"


@dataclass(slots=True)
class S3:
    """The bucket.

    Attributes:
        url: of the storage.
        objects: contents by name.
        failing: the next so many requests are answered with an error of the storage.
    """

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    failing: int = 0
    _uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request (https://docs.aws.amazon.com/AmazonS3/latest/API/)."""
        if self.failing:
            self.failing -= 1
            return _refusal(500, "InternalError")
        if f"Credential={ACCESS_KEY}/" not in request.headers.get("Authorization", ""):
            return _refusal(403, "InvalidAccessKeyId")
        bucket, _, name = request.path.lstrip("/").partition("/")
        if bucket != BUCKET:
            return _refusal(404, "NoSuchBucket")
        if request.method == "GET" and not name:
            return self._list(request)
        if request.method == "POST":
            return await self._post(request, name)
        if request.method == "PUT":
            return await self._put(request, name)
        if request.method == "DELETE":
            self.objects.pop(name, None)
            return web.Response(status=204)
        return self._get(name)

    async def _put(self, request: web.Request, name: str) -> web.Response:
        content = await request.read()
        if "uploadId" in request.query:
            parts = self._uploads[request.query["uploadId"]]
            parts[int(request.query["partNumber"])] = content
        else:
            self.objects[name] = content
        return web.Response(headers={"ETag": _etag(content)})

    async def _post(self, request: web.Request, name: str) -> web.Response:
        body = (await request.read()).decode()
        if "delete" in request.query:
            gone = re.findall(r"<Key>([^<]*)</Key>", body)
            for each in gone:
                self.objects.pop(each, None)
            told = "".join(f"<Deleted><Key>{each}</Key></Deleted>" for each in gone)
            return _xml("DeleteResult", told)
        if "uploads" in request.query:
            upload = f"upload-{len(self._uploads)}"
            self._uploads[upload] = {}
            return _xml(
                "InitiateMultipartUploadResult", f"<Key>{escape(name)}</Key><UploadId>{upload}</UploadId>"
            )
        parts = self._uploads.pop(request.query["uploadId"])
        self.objects[name] = b"".join(parts[number] for number in sorted(parts))
        return _xml("CompleteMultipartUploadResult", f"<ETag>{escape(_etag(self.objects[name]))}</ETag>")

    def _get(self, name: str) -> web.Response:
        content = self.objects.get(name)
        if content is None:
            return _refusal(404, "NoSuchKey")
        headers = {"ETag": _etag(content), "Last-Modified": "Mon, 23 Nov 2026 08:00:00 GMT"}
        return web.Response(body=content, headers=headers, content_type="application/octet-stream")

    def _list(self, request: web.Request) -> web.Response:
        prefix = request.query.get("prefix", "")
        names = [name for name in sorted(self.objects) if name.startswith(prefix)]
        below = "/" if request.query.get("delimiter") == "/" else "\0"
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{_TIME}</LastModified><ETag>x</ETag>"
            f"<Size>{len(self.objects[name])}</Size></Contents>"
            for name in names
            if below not in name.removeprefix(prefix)
        )
        return _xml("ListBucketResult", f"<Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{entries}")


@asynccontextmanager
async def running_s3() -> AsyncIterator[S3]:
    """Run the storage for the time of a block."""
    storage = S3()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", storage.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    storage.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield storage
    finally:
        await runner.cleanup()


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, inside: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'
    return web.Response(text=text, content_type="application/xml")


def _refusal(status: int, code: str) -> web.Response:
    text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")
