"""What goes wrong with simulated control planes, decided by seed so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from k3k_core.sandbox.fault_catalogue import parse_faults

# Faults of `fault_catalogue`, separated by commas; "normal" for none.
Condition = str
# How much longer a slow server takes to start.
_SLOW = 10.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Conditions of the servers of a sandbox.

    Attributes:
        seed: decides everything that is left to chance.
        start_delay: seconds from start to ready; each server takes between 75 % and 125 % of it.
        conditions: faults by "NAMESPACE/POD" or "NAMESPACE/*"; others are normal. `slow` starts ten times
            slower, `unready` becomes ready and then fails its checks, `never-ready` goes on starting; the rest
            are in `fault_catalogue`.
    """

    seed: int = 0
    start_delay: float = 0.3
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def faults(self, namespace: str, pod: str) -> frozenset[str]:
        """Return the faults one server has from the start.

        Raises:
            K3kError: a fault is unknown.
        """
        text = self.conditions.get(f"{namespace}/{pod}") or self.conditions.get(f"{namespace}/*", "normal")
        return frozenset() if text == "normal" else parse_faults(text)

    def delay(self, namespace: str, pod: str) -> float | None:
        """Return how many seconds a server takes to become ready, None when it never does."""
        faults = self.faults(namespace, pod)
        if "never-ready" in faults:
            return None
        jitter = random.Random(f"{self.seed}/{namespace}/{pod}").uniform(0.75, 1.25)  # noqa: S311, not a secret
        return self.start_delay * jitter * (_SLOW if "slow" in faults else 1.0)
