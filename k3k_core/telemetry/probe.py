"""What an API server says of its own readiness."""

from __future__ import annotations

import re
from typing import Final

MAX_BODY: Final = 64 * 1024
"""Characters of an answer that are looked at; a real one has about 2,000."""

MAX_CHECKS: Final = 64
"""How many failing checks are told apart; a server has 30 to 60 checks."""

_FAILING: Final = re.compile(r"^\[-\]([!-~]{1,128}) failed\b", re.MULTILINE)


def parse_readyz(body: str) -> tuple[str, ...]:
    """Return the names of the failing checks in the text of `/readyz?verbose`.

    The text has a line for each check: `[+]ping ok`, `[-]etcd failed: reason withheld`. A check that the request
    excluded reads `[+]etcd excluded: ok` (k8s.io/apiserver, server/healthz).

    Args:
        body: the answer, whatever its status; what is not such a text has no failing checks.

    Returns:
        Each name once, such as "etcd" or "poststarthook/rbac/bootstrap-roles", in the order of the text.
    """
    names = dict.fromkeys(match[1] for match in _FAILING.finditer(body[:MAX_BODY]))
    return tuple(names)[:MAX_CHECKS]
