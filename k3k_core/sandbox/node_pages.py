"""What the API passes on to a node: logs of pods, ports of pods, programs run in them."""

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
from k3k_core.sandbox.exec import ExecDoor, run_program
from k3k_core.sandbox.pod_logs import FindLog, send_log
from k3k_core.sandbox.port_forward import forward

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PATH = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods/(?P<pod>[^/]+)/(?P<what>log|exec|attach|portforward)"
)


def with_node_pages(api: ApiServer, log: FindLog, door: ExecDoor) -> web.Application:
    """Return an application that serves an API and what its node knows.

    Args:
        api: the API.
        log: returns the log of a container.
        door: runs programs in containers.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        matched = _PATH.fullmatch(request.path)
        if matched is None or not _allowed(api, request):
            return await api.handle(request)
        with api.lasting():
            return await answer(request, matched)

    async def answer(request: web.Request, matched: re.Match[str]) -> web.StreamResponse:
        fault, early = await api.begin(request)
        if early is not None:
            return early
        pod = api.store.get(POD, matched["namespace"], matched["pod"])
        try:
            if pod is None:
                raise not_found(POD, matched["pod"])
            lost = fault is not None and fault.drop == "after"
            answer = await serve(request, matched["what"], pod, lost)
        except ApiError as error:
            answer = web.json_response(error.body, status=error.code)
        api.end(request, answer.status)
        return answer

    async def serve(request: web.Request, what: str, pod: dict[str, Any], lost: bool) -> web.StreamResponse:
        if what == "portforward":
            return await forward(request, pod.get("status", {}).get("podIP", ""), pod["metadata"]["name"])
        if what == "exec":
            return await run_program(request, door, pod, lose_end=lost)
        if what == "log":
            return await send_log(request, log, pod, api.store.now)
        raise status(
            501, "NotImplemented", f"the k3k sandbox runs no real containers: it does not simulate {what}"
        )

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", handle)
    application.on_shutdown.append(api.end_lasting)
    return application


def _allowed(api: ApiServer, request: web.Request) -> bool:
    """Whether the request may do what it asks for; the API itself words a refusal."""
    try:
        user = api.authenticator.authenticate(credentials(request)) or ANONYMOUS
        api.authorize(user, read_path(request.method, request.path, request.query))
    except ApiError:
        return False
    return True
