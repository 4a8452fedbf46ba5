"""One container on the simulated node: pulled, created, started, probed, restarted, stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.node.images import Image, parse_image
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.probes import Outcome, Probe, make_probe, run_probe
from k3k_core.sandbox.node.process import Launch, Process, StartError
from k3k_core.sandbox.node.tasks import TaskProcess

BACK_OFF_FIRST = 10.0
BACK_OFF_LONGEST = 300.0
# Seconds between the failed pull and the state that says the kubelet waits before the next one.
_PULL_TO_BACK_OFF = 1.0

Report = Callable[[str, str, str], None]
_PROBES = (("Startup", "startupProbe"), ("Readiness", "readinessProbe"), ("Liveness", "livenessProbe"))


@dataclass(slots=True)
class Container:
    """State of one container.

    Attributes:
        spec: its entry in the pod's spec.
        state: `state` of the container status.
        last_state: `lastState` of the container status.
        restarts: how often it was started again.
        due: time of the event loop at which to try the next thing, None when there is nothing to try.
        restart_policy: "Always", "OnFailure" or "Never".
        launch: what the program that runs was given.
        log: of the program that runs, or ran last; None before the first.
        previous_log: of the program that ended last; None when none has.
    """

    spec: dict[str, Any]
    state: dict[str, Any]
    last_state: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    due: float | None = 0.0
    restart_policy: str = "Always"
    process: Process | None = None
    launch: Launch | None = None
    probes: list[Probe] = field(default_factory=list)
    log: Log | None = None
    previous_log: Log | None = None
    image: Image | None = None
    _failures: int = 0
    _pulled: bool = False
    _pull_failed: bool = False

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        return self.process is not None

    @property
    def exit_code(self) -> int | None:
        """Of a program that has ended for good; None before that."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    @property
    def started(self) -> bool:
        """Whether it runs and its startup probe has passed."""
        return self.running and all(probe.passing for probe in self.probes if probe.kind == "Startup")

    @property
    def ready(self) -> bool:
        """Whether it is started and its readiness probe passes."""
        return self.started and all(probe.passing for probe in self.probes if probe.kind == "Readiness")

    def waiting(self, reason: str, message: str = "") -> None:
        """Set a waiting state."""
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}

    def pull(self, now: float, report: Report) -> bool:
        """Fetch the image; False while that fails.

        Args:
            now: time of the event loop.
            report: takes type, reason and message of an event.
        """
        if self._pulled:
            return True
        reference = str(self.spec.get("image", ""))
        self.image = parse_image(reference)
        if self.image is None:
            message = (
                f'Failed to apply default image tag "{reference}": couldn\'t parse image name '
                f'"{reference}": invalid reference format'
            )
            self.waiting("InvalidImageName", message)
            report("Warning", "InspectFailed", message)
            report("Warning", "Failed", "Error: InvalidImageName")
            self.due = None
            return False
        if not self.image.exists:
            self._fail_to_pull(self.image, now, report)
            return False
        report("Normal", "Pulled", f'Container image "{reference}" already present on machine')
        self._pulled = True
        return True

    def _fail_to_pull(self, image: Image, now: float, report: Report) -> None:
        if self._pull_failed:
            self._pull_failed = False
            message = f'Back-off pulling image "{image.reference}"'
            self.waiting("ImagePullBackOff", f"{message}: ErrImagePull: {image.canonical}: not found")
            report("Normal", "BackOff", message)
            report("Warning", "Failed", "Error: ImagePullBackOff")
            self.due = now + self._next_back_off()
            return
        cause = (
            f'failed to pull and unpack image "{image.canonical}": failed to resolve reference '
            f'"{image.canonical}": {image.canonical}: not found'
        )
        self.waiting("ErrImagePull", f"rpc error: code = NotFound desc = {cause}")
        report("Normal", "Pulling", f'Pulling image "{image.reference}"')
        report(
            "Warning",
            "Failed",
            f'Failed to pull image "{image.reference}": rpc error: code = NotFound desc = {cause}',
        )
        report("Warning", "Failed", "Error: ErrImagePull")
        self._pull_failed = True
        self.due = now + _PULL_TO_BACK_OFF

    def _next_back_off(self) -> float:
        delay = min(BACK_OFF_LONGEST, BACK_OFF_FIRST * 2**self._failures)
        self._failures += 1
        return float(delay)

    def start(
        self, launch: Callable[[], Process], now: float, clock: datetime, pod_name: str, report: Report
    ) -> None:
        """Start the program.

        Args:
            launch: starts it.
            now: time of the event loop.
            clock: wall clock time.
            pod_name: `NAME_NAMESPACE(UID)`, for messages.
            report: takes type, reason and message of an event.
        """
        if self.last_state:
            self.restarts += 1
        report("Normal", "Created", f"Created container: {self.name}")
        try:
            self.process = launch()
            self.log = self.process.log()
        except StartError as error:
            self.log = Log(lambda: clock)
            self.log.write(str(error))
            report("Normal", "Started", f"Started container {self.name}")
            self.exited(1, now, clock, pod_name, report)
            return
        report("Normal", "Started", f"Started container {self.name}")
        self.state = {"running": {"startedAt": timestamp(clock)}}
        self.due = None
        self.probes = [make_probe(kind, self.spec[key], now) for kind, key in _PROBES if key in self.spec]

    def pass_over(self, clock: datetime, report: Report) -> None:
        """Note that the program did its work; nothing was executed.

        Args:
            clock: wall clock time.
            report: takes type, reason and message of an event.
        """
        report("Normal", "Created", f"Created container: {self.name}")
        report("Normal", "Started", f"Started container {self.name}")
        self.log = Log(lambda: clock)
        self.log.end()
        at = timestamp(clock)
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}
        self.state, self.due = {"terminated": ended}, None

    def exited(self, code: int, now: float, clock: datetime, pod_name: str, report: Report) -> None:
        """Note that the program ended; unless that was for good, wait before the next start.

        Args:
            code: exit code.
            now: time of the event loop.
            clock: wall clock time.
            pod_name: `NAME_NAMESPACE(UID)`, for messages.
            report: takes type, reason and message of an event.
        """
        began = self.state.get("running", {}).get("startedAt", timestamp(clock))
        ended = {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": began,
            "finishedAt": timestamp(clock),
        }
        self.stop()
        if self.restart_policy == "Never" or (self.restart_policy == "OnFailure" and not code):
            self.state = {"terminated": ended}
            self.due = None
            return
        self.last_state = {"terminated": ended}
        delay = self._next_back_off()
        self.waiting(
            "CrashLoopBackOff",
            f"back-off {delay:.0f}s restarting failed container={self.name} pod={pod_name}",
        )
        report("Warning", "BackOff", f"Back-off restarting failed container {self.name} in pod {pod_name}")
        self.due = now + delay

    def stop(self) -> None:
        """End the program."""
        if self.process is not None:
            self.process.stop()
        if self.log is not None:
            self.log.end()
            self.previous_log = self.log
        self.process = None
        self.launch = None
        self.probes = []

    def wake(self, now: float) -> None:
        """Probe again at once: the program's answers may have changed."""
        for probe in self.probes:
            probe.due = now
            probe.changed = True

    def probe(self, address: str, now: float, report: Report) -> bool:
        """Make the probes that are due; True when the container has to be restarted.

        Args:
            address: the pod's IP address.
            now: time of the event loop.
            report: takes type, reason and message of an event.
        """
        for probe in self.probes:
            if self.process is None or probe.due is None or probe.due > now:
                continue
            if probe.kind != "Startup" and not self.started:
                continue
            outcome = run_probe(probe.spec, self.spec, self.process, address)
            probe.note(outcome, now)
            if not outcome.passed:
                self._report_failure(probe, outcome, report)
                if probe.exhausted and probe.kind != "Readiness":
                    report(
                        "Normal",
                        "Killing",
                        f"Container {self.name} failed {probe.kind.lower()} probe, will be restarted",
                    )
                    return True
        return False

    def _report_failure(self, probe: Probe, outcome: Outcome, report: Report) -> None:
        report("Warning", "Unhealthy", f"{probe.kind} probe failed: {outcome.output}")

    def ended(self) -> int | None:
        """Return the exit code of a program that has just ended by itself; None while there is none."""
        return self.process.exit_code if isinstance(self.process, TaskProcess) else None

    def next_due(self) -> float | None:
        """Return the time of the event loop at which something has to be done, None when nothing has."""
        if self.process is None:
            return self.due
        started = self.started
        times = [
            probe.due
            for probe in self.probes
            if probe.due is not None and (probe.kind == "Startup" or started)
        ]
        return min(times, default=None)

    def status(self, *, init: bool = False) -> dict[str, Any]:
        """Return the container's entry in the pod's status.

        Args:
            init: whether it is one that runs before the others.
        """
        image = self.image.canonical if self.image is not None else str(self.spec.get("image", ""))
        return {
            "name": self.name,
            "state": dict(self.state),
            "lastState": dict(self.last_state),
            "ready": self.exit_code == 0 if init else self.ready,
            "restartCount": self.restarts,
            "image": image,
            "imageID": f"sandbox://{image}" if self._pulled else "",
            "started": self.started,
        }
