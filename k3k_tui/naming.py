"""Names of control planes as people type them: no longer than it takes to tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


def spellings(key: FleetKey) -> tuple[str, str, str]:
    """Return how a control plane can be named: NAME, NAMESPACE/NAME, HOST/NAMESPACE/NAME.

    Args:
        key: which one.
    """
    return key.name, f"{key.namespace}/{key.name}", f"{key.host}/{key.namespace}/{key.name}"


def shortest_names(keys: Collection[FleetKey]) -> dict[str, FleetKey]:
    """Return every control plane by the shortest name that only it has.

    Args:
        keys: all control planes.
    """
    times = Counter(spelling for key in keys for spelling in spellings(key))
    return {
        next((each for each in spellings(key) if times[each] == 1), spellings(key)[2]): key for key in keys
    }


def find(name: str, keys: Collection[FleetKey]) -> FleetKey:
    """Return the control plane that a name means.

    Args:
        name: in any of its spellings.
        keys: all control planes.

    Raises:
        UsageError: none has that name, or several have.
    """
    found = [key for key in keys if name in spellings(key)]
    if len(found) == 1:
        return found[0]
    if not found:
        from difflib import get_close_matches

        meant = get_close_matches(name, [each for key in keys for each in spellings(key)], n=1)
        advice = f"Did you mean {meant[0]!r}?" if meant else ""
        raise UsageError(f"There is no control plane {name!r}.", hint=advice)
    longest = ", ".join(spellings(key)[2 if found[0].host != found[-1].host else 1] for key in found[:5])
    raise UsageError(f"There are {len(found)} control planes {name!r}.", hint=f"Say which one: {longest}.")
