"""Forms a page may have: OpenMetrics, native histograms, odd orders, more series than anybody needs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from k3k_core.telemetry.families import WANTED
from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import scan
from k3k_core.telemetry.signals.columns import MAX_SERIES
from k3k_core.telemetry.signals.controllers import MAX_QUEUES
from k3k_core.telemetry.signals.gauges import MAX_NAME
from k3k_core.telemetry.signals.label_sets import MAX_LENGTH
from k3k_core.telemetry.signals.model import Signals
from k3k_core.telemetry.signals.rows import MAX_ROWS, MAX_STRAY
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.small_pages import counter, gauge, histogram, page

DURATION = "apiserver_request_sli_duration_seconds"
LABELS = 'verb="GET",scope="resource",resource="pods"'


def observed(write: Callable[[int], Page]) -> Signals:
    """Observe two pages, which are written for 1 and for 2."""
    tracker = Tracker()
    rounds = [(1000.0 + 15 * number, write(number)) for number in (1, 2)]
    servers = [(at, ServerObservation("a", page=one, page_at=at)) for at, one in rounds]
    return [tracker.observe(Observation(at, (server,))) for at, server in servers][-1]


def scanned(text: str) -> Page:
    return scan(text.encode(), WANTED)


def test_open_metrics_says_the_same() -> None:
    def text(number: int) -> str:
        requests = f'apiserver_request_total{{verb="GET",code="200"}} {30 * number}\n'
        durations = histogram(DURATION, {LABELS: [10.0 * number, 0, 20.0 * number, 0]})
        return "# TYPE apiserver_request counter\n" + requests + durations

    plain = observed(
        lambda n: scanned(text(n).replace("TYPE apiserver_request ", "TYPE apiserver_request_total "))
    )
    open_metrics = observed(lambda n: scanned(text(n) + "# EOF\n"))
    assert plain.api.requests == 30
    assert plain.api.reads is not None
    assert open_metrics == plain


def test_rows_in_any_order_say_the_same() -> None:
    def text(number: int) -> list[str]:
        rows = {
            LABELS: [10.0 * number, 5, 20.0 * number, 1],
            'verb="POST",scope="resource"': [1.0 * number, 0, 0, 0],
        }
        return histogram(DURATION, rows).splitlines(keepends=True)

    usual = observed(lambda n: scanned("".join(text(n))))
    turned = observed(lambda n: scanned("".join([text(n)[0], *reversed(text(n)[1:])])))
    one_turned = observed(lambda n: scanned("".join([text(n)[0], *text(n)[1:][:: 1 if n == 1 else -1]])))
    assert usual.api.reads is not None
    assert usual.api.reads.count == 30
    assert turned == usual
    assert one_turned == usual


def test_le_may_be_any_label_of_a_series() -> None:
    def text(number: int) -> str:
        usual = histogram(DURATION, {'verb="GET"': [10.0 * number, 0]}, bounds=(1,))
        return re.sub(r'{(verb="GET"),(le="[^"]*")}', r"{\2,\1}", usual)

    reads = observed(lambda n: scanned(text(n))).api.reads
    assert reads is not None
    assert (reads.count, reads.p50) == (10, 0.5)


def test_a_native_histogram_has_a_count_but_no_quantiles() -> None:
    def text(number: int) -> str:
        return histogram(DURATION, {LABELS: [10.0 * number]}, bounds=())

    signals = observed(lambda n: scanned(text(n)))
    assert signals.api.reads is not None
    assert (signals.api.reads.count, signals.api.reads.p50, signals.api.reads.p99) == (10, None, None)
    assert signals.api.slowest == ()


def test_label_sets_with_other_bounds_are_added_by_bound() -> None:
    def text(number: int) -> str:
        one = histogram(DURATION, {LABELS: [10.0 * number, 0]}, bounds=(1,))
        other = histogram(DURATION, {'verb="LIST",scope="cluster"': [0, 10.0 * number, 0]}, bounds=(1, 2))
        return one + "".join(other.splitlines(keepends=True)[1:])

    reads = observed(lambda n: scanned(text(n))).api.reads
    assert reads is not None
    # 10 of 10 + 10 are at most 1 s, and 10 at most 2 s, which cannot be fewer: the other half is beyond all bounds.
    assert (reads.count, reads.p50, reads.p99) == (20, 1.0, 2.0)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(
            lambda n: histogram(
                DURATION, {f'verb="GET",resource="r{i}"': [n] for i in range(MAX_ROWS + 9)}, bounds=()
            ),
            id="label sets",
        ),
        pytest.param(
            lambda n: (
                f"# TYPE {DURATION} histogram\n"
                + "".join(
                    f'{DURATION}_bucket{{verb="GET",resource="r{i}",le="1"}} {n}\n'
                    for i in range(MAX_STRAY + 9)
                )
            ),
            id="buckets of no row",
        ),
        pytest.param(
            lambda n: counter(
                "apiserver_request_total", {f'verb="GET",code="{i}"': n for i in range(MAX_SERIES + 9)}
            ),
            id="requests",
        ),
        pytest.param(
            lambda n: gauge("workqueue_depth", {f'name="q{i}"': n for i in range(MAX_QUEUES + 9)}),
            id="queues",
        ),
        pytest.param(
            lambda n: counter(
                "apiserver_request_total", {f'verb="{"V" * 9 * MAX_LENGTH}{i}"': n for i in range(9)}
            ),
            id="long label values",
        ),
    ],
)
def test_too_many_series_give_signals_of_a_size_that_can_be_shown(write: Callable[[float], str]) -> None:
    signals = observed(lambda n: page(write(float(n))))
    assert len(signals.controllers.queues) <= MAX_QUEUES
    assert len(signals.api.slowest) <= 10
    assert set(signals.api.rate_by_verb) <= {"GET", "other"}


def test_a_name_is_no_longer_than_that_of_an_object() -> None:
    signals = observed(lambda n: page(gauge("workqueue_depth", {f'name="{"q" * 9000}"': n})))
    assert signals.controllers.queues[0].name == "q" * MAX_NAME
