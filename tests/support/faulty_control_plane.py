"""A simulated control plane watched at chosen moments: faults switched, pages rendered, verdicts judged, no waiting.

The pages, checks and certificates are the sandbox's own; scanner, tracker and judge are those of the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from k3k_core.sandbox.fault_board import FaultBoard, PodFaults
from k3k_core.sandbox.k3s.certificate_files import LIFETIME, certificate_files, serving_ends
from k3k_core.sandbox.k3s.etcd import member_down
from k3k_core.sandbox.k3s.exposition.kinds import START_TIME, Engine, etcd_template
from k3k_core.sandbox.k3s.exposition.page import Exposition
from k3k_core.sandbox.k3s.metrics import Build, Metrics, start_time
from k3k_core.sandbox.k3s.server_faults import SLOW, ServerFaults
from k3k_core.sandbox.scenario import Scenario
from k3k_core.telemetry.families import ETCD_WANTED, WANTED
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.judgement import Judgement, Verdict
from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.probe import parse_readyz
from k3k_core.telemetry.rules import load_rules
from k3k_core.telemetry.scanner import LayoutTable, scan
from k3k_core.telemetry.signals.model import Signals
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.k3s_pods import pki

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REFUSED = "connection refused"


@cache
def _layouts() -> LayoutTable:
    return LayoutTable()


@dataclass(slots=True)
class FaultyControlPlane:
    """A control plane whose servers can be given faults.

    Attributes:
        servers: how many there are.
        members: how many members its etcd has; 0 for none.
        engine: what kine stands before.
        version: of k3s.
        now: the moment it is at.
    """

    servers: int = 1
    members: int = 0
    engine: Engine = "sqlite"
    version: str = "v1.36.2+k3s1"
    now: datetime = START
    tracker: Tracker = field(default_factory=Tracker)
    judge: Judge = field(default_factory=lambda: Judge(load_rules()))
    signals: Signals | None = None
    _board: FaultBoard = field(init=False)
    _pages: list[Metrics] = field(init=False)
    _etcd: list[Exposition] = field(init=False)

    def __post_init__(self) -> None:
        self._board = FaultBoard(Scenario(), lambda: self.now)
        started = self.now - timedelta(days=3)
        files = certificate_files(pki(START).to_secret_data(), started)
        build = Build(self.version, self.engine if not self.members else "", certificates=files)
        self._pages = [
            Metrics(build, started, f"seed/{number}", spells=self.server(number).spells)
            for number in range(self.servers)
        ]
        self._etcd = [
            Exposition(
                etcd_template(number, self.members),
                started.timestamp(),
                f"seed/{number}",
                slots={START_TIME: start_time},
                spells=self.member(number).spells,
            )
            for number in range(self.members)
        ]

    def server(self, number: int) -> PodFaults:
        """Return the faults of one server."""
        return self._board.of("ns", f"dev-k3k-server-{number}")

    def member(self, number: int) -> PodFaults:
        """Return the faults of one etcd member."""
        return self._board.of("ns", f"dev-k3k-etcd-{number}")

    def faults(self, *, one: bool = False) -> Sequence[PodFaults]:
        """Return the faults of all pods, or of the last server alone."""
        if one:
            return [self.server(self.servers - 1)]
        return [
            *(self.server(number) for number in range(self.servers)),
            *(self.member(number) for number in range(self.members)),
        ]

    def round(self, seconds: float) -> Judgement:
        """Let time pass, ask everything once, and return the verdict."""
        self.now += timedelta(seconds=seconds)
        at = self.now.timestamp()
        etcd = tuple(self._ask_member(number) for number in range(self.members))
        servers = tuple(self._ask(number) for number in range(self.servers))
        datastore = "etcd" if self.members else "sqlite" if self.engine == "sqlite" else "external"
        self.signals = self.tracker.observe(Observation(at, servers, etcd, datastore))
        return self.judged()

    def silent(self, seconds: float) -> Judgement:
        """Let time pass in which nobody asks, and return the verdict."""
        self.now += timedelta(seconds=seconds)
        return self.judged()

    def judged(self) -> Judgement:
        """Return the verdict of now."""
        base, reason = self._host()
        return self.judge.judge(self.signals, base=base, base_reason=reason, at=self.now.timestamp())

    def _host(self) -> tuple[Verdict, str]:
        """Return what the host's objects say after the kubelet's probes."""
        faults = [ServerFaults(self.server(number)) for number in range(self.servers)]
        ready = sum(not (each.dead or each.unready) for each in faults)
        if ready == self.servers:
            return "Healthy", ""
        return ("Degraded" if ready else "Down"), f"{ready} of {self.servers} servers are ready"

    def _ask(self, number: int) -> ServerObservation:
        faults, name = ServerFaults(self.server(number)), f"dev-k3k-server-{number}"
        ends = serving_ends(faults.spells, self.now)
        if faults.closed or faults.dead:
            return ServerObservation(name, probe_error=REFUSED, page_error=REFUSED)
        if ends is not None and ends < self.now:
            expired = "certificate verify failed: certificate has expired"
            return ServerObservation(name, probe_error=expired, page_error=expired)
        failing = faults.failing_checks()
        text = "".join(f"[-]{check} failed: reason withheld\n" for check in failing)
        slow = self.server(number).has("slow-to-answer")
        probe = Probe(
            ready=not failing,
            round_trip=SLOW if slow else 0.004,
            failing=parse_readyz(f"[+]ping ok\n{text}"),
            certificate_expires_at=(ends or START + LIFETIME).timestamp(),
        )
        if faults.page_fails:
            return ServerObservation(name, probe, page_error="/metrics answers 500")
        page = scan(self._pages[number].plain(self.now.timestamp()), WANTED, gzip=False, layouts=_layouts())
        return ServerObservation(name, probe, page=page, page_at=self.now.timestamp())

    def _ask_member(self, number: int) -> ServerObservation:
        name = f"dev-k3k-etcd-{number}"
        if member_down(self.member(number), number, self.members):
            return ServerObservation(name, page_error=REFUSED)
        text = self._etcd[number].plain(self.now.timestamp())
        page: Page = scan(text, ETCD_WANTED, gzip=False, layouts=_layouts())
        return ServerObservation(name, page=page, page_at=self.now.timestamp())
