"""Work queues: the worst first, and which of them are stuck."""

from __future__ import annotations

from dataclasses import dataclass

from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.signals.model import ControllerSignals, QueueSignals
from k3k_core.telemetry.signals.stuck import HOLD, LONG
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.small_pages import counter, gauge, histogram, page, started

BOUNDS = (0.001, 0.1, 10.0)


@dataclass
class Queue:
    """A queue as its process counts it; `taken` items waited 50 ms each."""

    name: str = "deployment"
    depth: float = 0
    taken: float = 0
    finished: float = 0
    longest: float = 0
    retries: float = 0

    def text(self) -> dict[str, str]:
        label = f'name="{self.name}"'
        return {
            "workqueue_depth": gauge("workqueue_depth", {label: self.depth}),
            "workqueue_longest_running_processor_seconds": gauge(
                "workqueue_longest_running_processor_seconds", {label: self.longest}
            ),
            "workqueue_retries_total": counter("workqueue_retries_total", {label: self.retries}),
            "workqueue_queue_duration_seconds": histogram(
                "workqueue_queue_duration_seconds", {label: [0, self.taken, 0, 0]}, BOUNDS
            ),
            "workqueue_work_duration_seconds": histogram(
                "workqueue_work_duration_seconds", {label: [0, self.finished, 0, 0]}, BOUNDS
            ),
        }


def written(*queues: Queue) -> str:
    """Write families of several queues, each `# TYPE` line once."""
    texts = [queue.text() for queue in queues]
    lines: list[str] = []
    for family in texts[0]:
        lines.append(f"# TYPE {family} {'histogram' if 'duration' in family else 'gauge'}\n")
        lines += [line for text in texts for line in text[family].splitlines(keepends=True)[1:]]
    return "".join(lines)


class Process:
    """One control plane with one server, observed every 15 seconds."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.at = 10_000.0
        self.start = 1.0

    def observe(self, *queues: Queue, after: float = 15.0) -> ControllerSignals:
        self.at += after
        text = page(written(*queues), started(self.start))
        server = ServerObservation("server-0", page=text, page_at=self.at)
        return self.tracker.observe(Observation(self.at, (server,))).controllers

    def stuck(self, *queues: Queue, rounds: int = 1) -> list[str]:
        found = self.observe(*queues)
        for _ in range(rounds - 1):
            found = self.observe(*queues)
        return [queue.name for queue in found.queues if queue.stuck]


ENOUGH = int(HOLD / 15) + 1


def test_a_queue_with_items_of_which_none_is_taken_is_stuck_after_a_while() -> None:
    process = Process()
    assert process.stuck(Queue(depth=4, taken=10, finished=9), rounds=ENOUGH - 1) == []
    assert process.stuck(Queue(depth=5, taken=10, finished=9)) == ["deployment"]


def test_it_is_not_stuck_any_more_once_an_item_was_taken() -> None:
    process = Process()
    assert process.stuck(Queue(depth=4), rounds=ENOUGH) == ["deployment"]
    assert process.stuck(Queue(depth=3, taken=1)) == []
    assert process.stuck(Queue(depth=3, taken=1), rounds=ENOUGH - 2) == []


def test_an_item_that_was_finished_is_a_movement_too() -> None:
    process = Process()
    assert process.stuck(Queue(depth=4), rounds=ENOUGH) == ["deployment"]
    assert process.stuck(Queue(depth=4, finished=1)) == []


def test_an_idle_queue_is_not_stuck() -> None:
    assert Process().stuck(Queue(depth=0, taken=10, finished=10), rounds=40) == []


def test_a_busy_queue_is_not_stuck_however_long_it_is() -> None:
    process = Process()
    for number in range(40):
        assert process.stuck(Queue(depth=1000 + number, taken=number, finished=number, longest=3000)) == []


def test_items_that_only_just_came_are_not_stuck() -> None:
    process = Process()
    process.observe(Queue(depth=0))
    assert process.observe(Queue(depth=9), after=300).worst is not None
    assert not process.observe(Queue(depth=9), after=1).queues[0].stuck


def test_one_item_worked_on_for_very_long_is_stuck_although_none_waits() -> None:
    process = Process()
    assert process.stuck(Queue(longest=LONG - 1), rounds=ENOUGH) == []
    assert process.stuck(Queue(longest=LONG + 60), rounds=ENOUGH) == ["deployment"]


def test_an_item_taken_at_the_start_may_be_kept_while_none_waits() -> None:
    process = Process()
    process.start = process.at - 2000
    assert process.stuck(Queue(longest=1950), rounds=ENOUGH) == []
    assert process.stuck(Queue(longest=1950, depth=1), rounds=ENOUGH) == ["deployment"]


def test_one_long_window_without_a_movement_is_enough() -> None:
    process = Process()
    process.observe(Queue(depth=2))
    assert process.observe(Queue(depth=2), after=HOLD).queues[0].stuck


def test_a_new_process_begins_anew() -> None:
    process = Process()
    assert process.stuck(Queue(depth=4), rounds=ENOUGH) == ["deployment"]
    process.start = process.at
    assert process.stuck(Queue(depth=4), rounds=ENOUGH - 1) == []


def test_a_queue_whose_work_is_not_counted_is_not_judged() -> None:
    tracker = Tracker()
    text = page(gauge("workqueue_depth", {'name="node"': 7}))
    times = [1000.0 + 15 * number for number in range(20)]
    rounds = [Observation(at, (ServerObservation("a", page=text, page_at=at),)) for at in times]
    found = [tracker.observe(one) for one in rounds][-1].controllers
    assert [(queue.depth, queue.stuck) for queue in found.queues] == [(7, False)]


def test_the_worst_comes_first_stuck_then_deep_then_slow_then_retried() -> None:
    process = Process()
    rounds = [
        process.observe(
            Queue("calm"),
            Queue("retrying", retries=5 * number),
            Queue("slow", taken=number),
            Queue("deep", depth=50, taken=0, finished=number),
            Queue("stuck", depth=1),
        )
        for number in range(ENOUGH)
    ]
    found = rounds[-1]
    assert [queue.name for queue in found.queues] == ["stuck", "deep", "slow", "retrying", "calm"]
    assert found.worst == found.queues[0]
    assert found.depth == 51


def test_queues_of_servers_add_up_and_the_longest_counts() -> None:
    tracker = Tracker()

    def observe(at: float, moved: float) -> QueueSignals:
        pages = [
            page(written(Queue(depth=depth, taken=moved, finished=moved, longest=longest)))
            for depth, longest in ((2, 5), (3, 40))
        ]
        servers = [
            ServerObservation(name, page=one, page_at=at) for name, one in zip("ab", pages, strict=True)
        ]
        [queue] = tracker.observe(Observation(at, tuple(servers))).controllers.queues
        return queue

    observe(1000, 0)
    queue = observe(1015, 6)
    assert (queue.depth, queue.longest_running) == (5, 40)
    assert queue.wait is not None
    assert queue.wait.count == 12


def test_pods_wait_in_the_queue_of_the_scheduler_that_leads() -> None:
    pending = [gauge("scheduler_pending_pods", {'queue="active"': n, 'queue="backoff"': 1}) for n in (0, 6)]
    servers = tuple(
        ServerObservation(name, page=page(text)) for name, text in zip("ab", pending, strict=True)
    )
    assert Tracker().observe(Observation(1000, servers)).controllers.pending_pods == 7


def test_api_services_that_do_not_answer_are_named() -> None:
    text = gauge(
        "aggregator_unavailable_apiservice", {'name="v1beta1.metrics.k8s.io"': 1, 'name="v1.apps"': 0}
    )
    found = Tracker().observe(Observation(1000, (ServerObservation("a", page=page(text)),)))
    assert found.controllers.unavailable_api_services == ("v1beta1.metrics.k8s.io",)
