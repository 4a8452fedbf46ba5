"""What a request names: a control plane, and how long its answer may take."""

from __future__ import annotations

import math
from collections.abc import Iterable

from aiohttp import web

from k3k_core.telemetry.scraper.target import TargetId

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
DEFAULT_TIMEOUT = 10.0
LONGEST_TIMEOUT = 60.0
# What is left for the way back, so that the client does not give up first.
_MARGIN = 0.5


def timeout_of(request: web.Request) -> float:
    """Return how long an answer may take, seconds: a little less than Prometheus says that it will wait.

    Args:
        request: with or without Prometheus' header.

    Raises:
        web.HTTPBadRequest: the header makes no sense.
    """
    text = request.headers.get(TIMEOUT_HEADER, "")
    if not text:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise web.HTTPBadRequest(text=f"The header {TIMEOUT_HEADER} must be a number of seconds.\n")
    return min(max(seconds - _MARGIN, seconds / 2), LONGEST_TIMEOUT)


def find(keys: Iterable[TargetId], namespace: str, name: str, host: str) -> TargetId | None:
    """Return the control plane that is meant, None when there is none.

    Args:
        keys: of the fleet.
        namespace: its namespace.
        name: its name.
        host: its host, empty for any.

    Raises:
        web.HTTPBadRequest: several hosts have one of that name.
    """
    found = [key for key in keys if (key.namespace, key.name) == (namespace, name) and host in {"", key.host}]
    if len(found) > 1:
        raise web.HTTPBadRequest(
            text=f"Several hosts have a control plane {found[0]}; add host=NAME to say which one.\n"
        )
    return found[0] if found else None
