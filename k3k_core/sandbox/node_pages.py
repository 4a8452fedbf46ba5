"""What the API passes on to a node: logs and ports of pods. It says so where the sandbox simulates nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from k3k_core.resources import POD
from k3k_core.sandbox.api.authn import ANONYMOUS
from k3k_core.sandbox.api.requests import read_path
from k3k_core.sandbox.api.server import ApiServer, credentials
from k3k_core.sandbox.api.statuses import ApiError, not_found, status
from k3k_core.sandbox.port_forward import forward

# Given namespace, pod and container ("" for the first), the log or None.
Logs = Callable[[str, str, str], str | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PATH = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)/(?P<what>log|exec|attach|portforward)"
)


def with_node_pages(api: ApiServer, logs: Logs) -> web.Application:
    """Return an application that serves an API and what its node knows.

    Args:
        api: the API.
        logs: returns the log of a container.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        matched = _PATH.fullmatch(request.path)
        if matched is None or not _allowed(api, request):
            return await api.handle(request)
        pod = api.store.get(POD, matched["namespace"], matched["pod"])
        if matched["what"] == "portforward":
            return await _forward(request, pod, matched["pod"])
        if pod is None:
            return await api.handle(request)
        if matched["what"] != "log":
            return _refuse(f"the k3k sandbox runs no real containers: it does not simulate {matched['what']}")
        return _log(request, logs, matched["namespace"], matched["pod"])

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


async def _forward(request: web.Request, pod: dict[str, Any] | None, name: str) -> web.StreamResponse:
    try:
        if pod is None:
            raise not_found(POD, name)
        return await forward(request, pod.get("status", {}).get("podIP", ""), name)
    except ApiError as error:
        return web.json_response(error.body, status=error.code)


def _log(request: web.Request, logs: Logs, namespace: str, pod: str) -> web.Response:
    container = request.query.get("container", "")
    text = logs(namespace, pod, container)
    if text is None:
        return _refuse(f'container "{container}" in pod "{pod}" is not running', code=400)
    lines = text.splitlines(keepends=True)
    tail = request.query.get("tailLines", "")
    if tail.isdigit():
        lines = lines[len(lines) - min(len(lines), int(tail)) :]
    return web.Response(text="".join(lines))


def _refuse(message: str, *, code: int = 501) -> web.Response:
    reason = "BadRequest" if code == 400 else "NotImplemented"
    return web.json_response(status(code, reason, message).body, status=code)


def _allowed(api: ApiServer, request: web.Request) -> bool:
    """Whether the request may do what it asks for; the API itself words a refusal."""
    try:
        user = api.authenticator.authenticate(credentials(request)) or ANONYMOUS
        api.authorize(user, read_path(request.method, request.path, request.query))
    except ApiError:
        return False
    return True
