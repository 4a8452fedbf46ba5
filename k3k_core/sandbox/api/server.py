"""The HTTP server: one Kubernetes API over one store, as an aiohttp application.

Used for the sandbox's host API and, with a store of its own, for every simulated k3s. Instances share resource
definitions and types, so hundreds fit into one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import ssl
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml
from aiohttp import web

from k3k_core.sandbox.api import discovery, health, openapi_v2
from k3k_core.sandbox.api.authn import (
    ANONYMOUS,
    Authenticator,
    Credentials,
    Everybody,
    ServiceAccountTokens,
    User,
)
from k3k_core.sandbox.api.authorization import attributes_of, refusal
from k3k_core.sandbox.api.calls import Answer, Call, WatchAnswer
from k3k_core.sandbox.api.escalation import EscalationGuard
from k3k_core.sandbox.api.faults import Fault, Faults, Request
from k3k_core.sandbox.api.handlers import Handlers
from k3k_core.sandbox.api.impersonation import impersonate
from k3k_core.sandbox.api.objects import encode
from k3k_core.sandbox.api.operations import AdmissionHook, Operations
from k3k_core.sandbox.api.rbac import AllowAll, Authorizer, RbacAuthorizer
from k3k_core.sandbox.api.registry import Registry
from k3k_core.sandbox.api.requests import RequestInfo, negotiate, read_path
from k3k_core.sandbox.api.statuses import (
    ApiError,
    bad_request,
    internal_failure,
    method_not_allowed,
    unknown_resource,
)
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

logger = logging.getLogger(__name__)

_GZIP_THRESHOLD = 128 * 1024
_MAX_BODY = 3 * 1024 * 1024
_TEXT = "text/plain; charset=utf-8"
_NOT_FOUND = "404 page not found\n"


class ApiServer:
    """A Kubernetes API server on a store.

    Args:
        store: the objects.
        authenticator: recognises identities.
        authorizer: decides what they may do.
        version: `gitVersion` of `/version`.
        admission: further admission hooks.
        accounts: makes service-account tokens; None refuses TokenRequests with 404.
        faults: fault hooks and request log; a fresh one when None.
        address: `host:port` that discovery names.
        seed: seed of generated names.
    """

    def __init__(
        self,
        store: Store,
        *,
        authenticator: Authenticator | None = None,
        authorizer: Authorizer | None = None,
        version: str = "v1.36.2",
        admission: tuple[AdmissionHook, ...] = (),
        accounts: ServiceAccountTokens | None = None,
        faults: Faults | None = None,
        address: str = "127.0.0.1:6443",
        seed: int | None = None,
    ) -> None:
        self.store = store
        self.registry = Registry()
        self.operations = Operations(store, self.registry, admission=admission, seed=seed)
        self.authenticator = authenticator or Everybody()
        self.authorizer = authorizer or AllowAll()
        if isinstance(self.authorizer, RbacAuthorizer):
            self.operations.guards.append(EscalationGuard(store, self.authorizer))
        self.version = version
        self.faults = faults or Faults()
        self.address = address
        # Reasons by name of health checks that fail, e.g. {"etcd": "..."}.
        self.failing_checks: dict[str, str] = {}
        # Checks of readyz beside those that the recorded server had.
        self.readiness_checks: tuple[str, ...] = ()
        # Further paths: path -> handler(request, user) -> Response; authorised like any non-resource path.
        self.pages: dict[str, Any] = {}
        self.handlers = Handlers(self.operations, self.authorizer, accounts)
        self._lasting: set[asyncio.Task[Any]] = set()

    def application(self) -> web.Application:
        """Return an application that serves this API on every path; it is to be run with `auto_decompress=False`."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.handle)
        app.on_shutdown.append(self.end_lasting)
        return app

    @contextlib.contextmanager
    def lasting(self) -> Iterator[None]:
        """Mark what the running task answers in the block as lasting until the client or the server ends it."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._lasting.add(task)
        try:
            yield
        finally:
            self._lasting.discard(task)

    async def end_lasting(self, _application: web.Application) -> None:
        """End what lasts, as a server that stops does not wait for it."""
        for task in tuple(self._lasting):
            task.cancel()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        info = read_path(request.method, request.path, request.query)
        seen = _seen(request, info)
        fault = self.faults.find(seen)
        if fault is not None:
            early = await self._early_fault(request, seen, fault)
            if early is not None:
                return early
        try:
            answer = await self._answer(request, info)
        except ApiError as error:
            answer = _error_answer(error)
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            answer = _error_answer(internal_failure("the sandbox failed; its log says why"))
        if fault is not None and fault.drop == "after":
            self.faults.log(seen, 0)
            return _drop(request)
        if isinstance(answer, WatchAnswer):
            self.faults.log(seen, 200)
            return await self._stream(request, answer)
        self.faults.log(seen, answer.code)
        return _respond(request, answer)

    async def begin(self, request: web.Request) -> tuple[Fault | None, web.StreamResponse | None]:
        """Look up what is to go wrong with a request that is answered elsewhere.

        Returns:
            The fault, and the answer when there is to be no other.
        """
        seen = _seen(request, read_path(request.method, request.path, request.query))
        fault = self.faults.find(seen)
        return fault, None if fault is None else await self._early_fault(request, seen, fault)

    def end(self, request: web.Request, code: int) -> None:
        """Log a request that was answered elsewhere, with its HTTP status."""
        self.faults.log(_seen(request, read_path(request.method, request.path, request.query)), code)

    async def _early_fault(
        self, request: web.Request, seen: Request, fault: Fault
    ) -> web.StreamResponse | None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            self.faults.log(seen, 0)
            return _drop(request)
        if fault.garbage:
            self.faults.log(seen, 200)
            return web.Response(body=fault.garbage, content_type="application/json")
        if fault.status:
            self.faults.log(seen, fault.status)
            body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
            headers = {"Content-Type": "application/json", **fault.headers}
            return web.Response(
                status=fault.status, text=body if fault.body is not None else "", headers=headers
            )
        return None

    async def _answer(self, request: web.Request, info: RequestInfo) -> Answer | WatchAnswer:
        user = self.authenticator.authenticate(credentials(request)) or ANONYMOUS
        user = impersonate(user, request.headers, self.authorizer, info)
        self.authorize(user, info)
        if not info.is_resource:
            return await self._page(request, info, user)
        try:
            body = await request.read() if request.can_read_body else b""
        except web.RequestPayloadError as error:
            raise bad_request(f"the body cannot be read: {error}") from None
        if request.headers.get("Content-Encoding", "").lower() == "gzip":
            body = _inflated(body)
        if len(body) > _MAX_BODY:
            raise _too_large()
        call = Call(
            info=info,
            method=request.method,
            query=request.query,
            headers=request.headers,
            body=body,
            user=user,
        )
        return self.handlers.handle(call)

    def authorize(self, user: User, info: RequestInfo) -> None:
        """Refuse what a user may not do.

        Raises:
            ApiError: 403.
        """
        attributes = attributes_of(info)
        if not self.authorizer.authorize(user, attributes).allowed:
            raise refusal(user, attributes)

    async def _page(self, request: web.Request, info: RequestInfo, user: User) -> Answer:
        path = info.path.rstrip("/") or "/"
        page = self.pages.get(path)
        if page is not None:
            answer: Answer = await page(request, user)
            return answer
        for kind in ("healthz", "livez", "readyz"):
            if path == f"/{kind}" or path.startswith(f"/{kind}/"):
                values = {key: request.query.getall(key) for key in request.query}
                check = path[len(kind) + 2 :]
                code, text = health.answer(
                    kind, values, self.failing_checks, check, readiness=self.readiness_checks
                )
                return Answer(code, text=text)
        document = self._document(request, path)
        if document is None:
            return self._no_document(path)
        if request.method not in {"GET", "HEAD"}:
            raise method_not_allowed()
        return document

    def _no_document(self, path: str) -> Answer:
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) == 2:
            raise unknown_resource()
        if parts[0] == "apis" and len(parts) == 3 and self.registry.is_builtin_group(parts[1]):
            raise unknown_resource()
        return Answer(404, text=_NOT_FOUND)

    def _document(self, request: web.Request, path: str) -> Answer | None:
        accept = request.headers.get("Accept", "")
        parts = path.strip("/").split("/")
        if path == "/version":
            return Answer(200, json=discovery.version_document(self.version))
        if path in {"/api", "/apis"}:
            chosen = negotiate(accept, forms=("APIGroupDiscoveryList",))
            if chosen.form:
                document = discovery.aggregated(self.registry, legacy=path == "/api")
                kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                return Answer(200, json=document, content_type=kind)
            if path == "/api":
                return Answer(200, json=discovery.core_versions(self.address))
            return Answer(200, json=discovery.group_list(self.registry))
        if path == "/":
            return Answer(200, json={"paths": discovery.paths(self.registry)})
        if parts[0] in {"api", "apis"}:
            negotiate(accept)
        if parts[0] == "api" and len(parts) == 2:
            return _found(discovery.resource_list(self.registry, "", parts[1]))
        if parts[0] == "apis" and len(parts) in {2, 3}:
            if len(parts) == 2:
                return _found(discovery.group_document(self.registry, parts[1]))
            return _found(discovery.resource_list(self.registry, parts[1], parts[2]))
        return self._openapi(path, accept)

    def _openapi(self, path: str, accept: str) -> Answer | None:
        parts = path.strip("/").split("/")
        if path == "/openapi/v2":
            document = openapi_v2.document(self.registry, self.version)
            if "protobuf" in accept:
                return Answer(200, raw=openapi_v2.encode(document), content_type=openapi_v2.MEDIA_TYPE)
            return Answer(200, json=document)
        if path == "/openapi/v3":
            return Answer(200, json=discovery.openapi_index(self.registry))
        if parts[:2] == ["openapi", "v3"] and len(parts) in {4, 5}:
            group = parts[3] if len(parts) == 5 else ""
            return _found(discovery.openapi_document(self.registry, group, parts[-1], self.version))
        return None

    async def _stream(self, request: web.Request, answer: WatchAnswer) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": answer.content_type, "Cache-Control": "no-cache, private"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        with self.lasting(), contextlib.suppress(ConnectionError):
            async for line in answer.lines:
                await response.write(line)
            await response.write_eof()
        return response


def credentials(request: web.Request) -> Credentials:
    """Return what a request carries to prove who it is."""
    certificate: Mapping[str, Any] = {}
    der = b""
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    if isinstance(tls, (ssl.SSLObject, ssl.SSLSocket)):
        certificate = tls.getpeercert() or {}
        der = tls.getpeercert(binary_form=True) or b""
    return Credentials(request.headers.get("Authorization", ""), certificate, der)


def _found(document: Json | None) -> Answer | None:
    return None if document is None else Answer(200, json=document)


def _error_answer(error: ApiError) -> Answer:
    if isinstance(error.body, str):
        return Answer(error.code, text=error.body, headers=error.headers)
    return Answer(error.code, json=error.body, headers=error.headers)


def _inflated(body: bytes) -> bytes:
    """Return a compressed body's content, as far as it can be of interest.

    Raises:
        ApiError: 400, it is not gzip.
    """
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = stream.decompress(body, _MAX_BODY + 1)
    except zlib.error:
        raise bad_request(
            "the body cannot be read: its Content-Encoding is gzip, but it is not gzipped"
        ) from None
    if not stream.eof and len(content) <= _MAX_BODY:
        raise bad_request("the body cannot be read: it is gzipped, but cut off")
    return content


def _too_large() -> ApiError:
    from k3k_core.sandbox.api.statuses import status

    message = f"Request entity too large: limit is {_MAX_BODY}"
    return status(413, "RequestEntityTooLarge", message)


def _seen(request: web.Request, info: RequestInfo) -> Request:
    return Request(request.method, request.path, request.query, info, request.headers.get("User-Agent", ""))


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort() if hasattr(request.transport, "abort") else request.transport.close()
    return web.Response(status=500)


class _GoDumper(yaml.SafeDumper):
    """YAML as Go's sigs.k8s.io/yaml writes it: what needs quotes gets double ones, lists are not indented."""


def _represent_text(dumper: Any, value: str) -> Any:
    plain = dumper.resolve(yaml.ScalarNode, value, (True, False)) == "tag:yaml.org,2002:str"
    style = None
    if "\n" in value:
        style = "|"
    elif not plain or value.lower() in {"y", "n"}:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_GoDumper.add_representer(str, _represent_text)


def _respond(request: web.Request, answer: Answer) -> web.Response:
    headers = {"Cache-Control": "no-cache, private", **answer.headers}
    if answer.text is not None:
        headers |= {"Content-Type": _TEXT, "X-Content-Type-Options": "nosniff"}
        return web.Response(status=answer.code, body=answer.text.encode(), headers=headers)
    if answer.content_type == "application/yaml":
        value = answer.json if answer.json is not None else json.loads(answer.raw)
        body = yaml.dump(value, Dumper=_GoDumper, sort_keys=True, allow_unicode=True, width=1 << 20).encode()
    elif answer.content_type == openapi_v2.MEDIA_TYPE:
        body = answer.raw
    else:
        body = (answer.raw or encode(answer.json)) + b"\n"
    headers["Content-Type"] = answer.content_type
    response = web.Response(status=answer.code, headers=headers)
    for warning in answer.warnings:
        response.headers.add("Warning", f"299 - {_quoted(warning)}")
    if len(body) > _GZIP_THRESHOLD and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        body = gzip.compress(body, 1)
    response.body = body
    return response


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
