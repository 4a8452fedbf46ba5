"""Startup, readiness and liveness probes.

Unlike a real kubelet this one probes when something may have changed, and by the clock only while a probe
fails: a simulated program in the same state answers the same. For that reason a program that says its answers have
changed is ready or not after one probe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k3k_core.sandbox.node.process import ProbeRequest, Process


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one probe.

    Attributes:
        passed: whether it succeeded.
        output: why not, as the kubelet says it.
    """

    passed: bool
    output: str = ""


@dataclass(slots=True)
class Probe:
    """A probe of a container and how it went so far.

    Attributes:
        kind: "Startup", "Readiness" or "Liveness".
        spec: the probe's entry in the container.
        due: time of the event loop at which to probe again; None when only a change can alter the outcome.
        passing: whether the container counts as started, ready or alive.
        exhausted: whether `failureThreshold` failures in a row were seen.
        changed: whether the program said that its answers changed, so that asking again would tell nothing new.
    """

    kind: str
    spec: dict[str, Any]
    due: float | None
    passing: bool
    exhausted: bool = False
    successes: int = 0
    failures: int = 0
    changed: bool = False

    @property
    def period(self) -> float:
        """Seconds between two probes."""
        return float(self.spec.get("periodSeconds", 10))

    def note(self, outcome: Outcome, now: float) -> None:
        """Count one outcome and decide when to probe next.

        Args:
            outcome: of the probe just made.
            now: time of the event loop.
        """
        if outcome.passed:
            self.failures = 0
            self.successes += 1
            self.exhausted = False
            if self.successes >= int(self.spec.get("successThreshold", 1)):
                self.passing = True
        else:
            self.successes = 0
            self.failures += 1
            certain = self.changed and self.kind == "Readiness"
            if certain or self.failures >= int(self.spec.get("failureThreshold", 3)):
                self.passing = False
                self.exhausted = True
        self.changed = False
        settled = outcome.passed and self.passing
        self.due = None if settled else now + self.period


def make_probe(kind: str, spec: dict[str, Any], now: float) -> Probe:
    """Return a probe that was not made yet.

    Args:
        kind: "Startup", "Readiness" or "Liveness".
        spec: the probe's entry in the container.
        now: time of the event loop when the container started.
    """
    due = now + float(spec.get("initialDelaySeconds", 0))
    return Probe(kind, spec, due, passing=kind == "Liveness")


def run_probe(probe: dict[str, Any], container: dict[str, Any], process: Process, address: str) -> Outcome:
    """Make one probe.

    Args:
        probe: its entry in the container.
        container: the container.
        process: what runs in it.
        address: the pod's IP address.
    """
    if "httpGet" in probe:
        return _http(probe["httpGet"], container, process, address)
    if "tcpSocket" in probe:
        port = _port(probe["tcpSocket"].get("port"), container)
        if process.accepts(port):
            return Outcome(passed=True)
        return Outcome(passed=False, output=f"dial tcp {address}:{port}: connect: connection refused")
    return Outcome(passed=process.healthy(), output="command failed")


def _http(get: dict[str, Any], container: dict[str, Any], process: Process, address: str) -> Outcome:
    port = _port(get.get("port"), container)
    scheme = get.get("scheme", "HTTP")
    path = get.get("path", "/")
    headers = {header["name"].lower(): header["value"] for header in get.get("httpHeaders") or ()}
    try:
        status = process.answer(ProbeRequest(scheme, port, path, headers))
    except ConnectionError:
        url = f"{scheme.lower()}://{address}:{port}{path}"
        return Outcome(
            passed=False,
            output=f'Get "{url}": dial tcp {address}:{port}: connect: connection refused',
        )
    if 200 <= status < 400:
        return Outcome(passed=True)
    return Outcome(passed=False, output=f"HTTP probe failed with statuscode: {status}")


def _port(port: Any, container: dict[str, Any]) -> int:
    if isinstance(port, int):
        return port
    for each in container.get("ports") or ():
        if each.get("name") == port:
            return int(each["containerPort"])
    return int(port) if str(port).isdigit() else 0
