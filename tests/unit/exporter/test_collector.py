"""The state behind `/metrics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.exposition import assemble
from k3k_core.exporter.rendering import Format
from k3k_core.fleet import FleetRow
from k3k_core.fleet.rows import Reach
from k3k_core.telemetry.scraper.target import TargetId
from tests.support.fleet_rows import (
    NOW,
    degraded,
    fleet_row,
    full_signals,
    hostile_signals,
    latency,
    queue,
    round_of,
)

Sample = tuple[str, tuple[tuple[str, str], ...], float]
openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics


@dataclass
class Shown:
    """A collector with a clock that stands still until it is moved."""

    now: float = NOW
    collector: FleetCollector = field(init=False)

    def __post_init__(self) -> None:
        self.collector = FleetCollector(clock=lambda: self.now)

    def take(self, *rows: FleetRow) -> Shown:
        """Take rows, each after a round."""
        for row in rows:
            if row.signals is not None:
                self.collector.count(round_of(row))
            self.collector.update(row)
        return self

    def page(self, form: Format = "text") -> str:
        """Return the page as served."""
        return assemble(self.collector.lines(), form=form).decode()

    def series(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of one metric by some of its labels."""
        return {
            tuple(sample.labels[label] for label in labels): sample.value
            for family in parse_text(self.page())
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def shown() -> Shown:
    return Shown()


ROWS = {
    "empty": [fleet_row(servers_ready=0)],
    "full": [fleet_row("ci", signals=full_signals()), fleet_row("dev", signals=full_signals(NOW - 5))],
    "degraded": [degraded(fleet_row(signals=full_signals()), "slow-reads", "slow-reads", "stuck-queue")],
    "hostile": [fleet_row("x", signals=hostile_signals(size=300), version='v1"\\\n\x00', host="h\x1bst")],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_the_page_is_byte_for_byte_what_prometheus_client_makes_of_the_collector(
    shown: Shown, rows: list[FleetRow]
) -> None:
    shown.take(*rows)
    registry = CollectorRegistry()
    registry.register(shown.collector)
    assert shown.page("text") == generate_latest(registry).decode()
    assert shown.page("openmetrics") == openmetrics(registry).decode()


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_both_formats_are_read_by_prometheus_client_with_the_same_samples(
    shown: Shown, rows: list[FleetRow]
) -> None:
    def samples(text: str, parse: Callable[..., object]) -> list[Sample]:
        families = list(parse(text))  # type: ignore[call-overload]  # the parsers are not typed
        return sorted(
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for family in families
            for sample in family.samples
        )

    shown.take(*rows)
    text = samples(shown.page("text"), parse_text)
    assert text == samples(shown.page("openmetrics"), parse_openmetrics)
    assert len(text) == len({(name, labels) for name, labels, _ in text}), "a series is there twice"


def test_a_second_collector_of_the_same_metrics_is_refused_by_a_registry(shown: Shown) -> None:
    registry = CollectorRegistry()
    registry.register(shown.collector)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(FleetCollector())


def test_a_control_plane_that_is_deleted_takes_its_series_and_its_totals_with_it(shown: Shown) -> None:
    row = fleet_row("ci", signals=full_signals())
    shown.take(row, fleet_row("dev", signals=full_signals()))
    shown.collector.remove(row.id)
    assert 'name="ci"' not in shown.page()
    assert 'name="dev"' in shown.page()
    shown.take(row)
    assert shown.series("k3k_api_requests_total", "name")["ci",] == 150.0


def requests(shown: Shown) -> dict[tuple[str, ...], float]:
    """The counter of requests by control plane."""
    return shown.series("k3k_api_requests_total", "name")


def test_rounds_add_up_and_rows_add_nothing(shown: Shown) -> None:
    row = fleet_row("ci", signals=full_signals())
    shown.collector.update(row)
    assert not requests(shown)
    shown.take(row)
    shown.collector.update(degraded(row, "slow-reads"))
    assert requests(shown) == {("ci",): 150.0}


def test_a_round_that_no_row_tells_of_is_in_the_totals(shown: Shown) -> None:
    shown.take(fleet_row("ci", signals=full_signals(NOW - 15)))
    restarted = tuple(replace(process, restarted=True) for process in full_signals().processes)
    overtaken = replace(full_signals(NOW - 10), processes=restarted)
    shown.collector.count(round_of(fleet_row("ci", signals=overtaken)))
    shown.take(fleet_row("ci", signals=full_signals()))
    assert requests(shown) == {("ci",): 450.0}
    assert shown.series("k3k_process_restarts_total") == {(): 1.0}


def test_an_older_round_that_comes_late_is_added_once_and_does_not_show(shown: Shown) -> None:
    shown.take(fleet_row("ci", signals=full_signals()))
    late = round_of(fleet_row("ci", signals=full_signals(NOW - 5, scale=2)))
    for _ in range(2):
        shown.collector.count(late)
    shown.collector.update(shown_row := fleet_row("ci", signals=full_signals()))
    assert requests(shown) == {("ci",): 450.0}
    assert shown_row.signals is not None
    assert shown.series("k3k_control_plane_last_scrape_timestamp_seconds") == {(): shown_row.signals.at}


def test_a_round_before_the_first_row_counts(shown: Shown) -> None:
    early = fleet_row("ci", signals=full_signals(NOW - 15))
    shown.collector.count(round_of(early))
    shown.collector.expect([early.id])
    assert len(shown.collector) == 0
    shown.take(fleet_row("ci", signals=full_signals()))
    assert requests(shown) == {("ci",): 300.0}


def test_a_round_that_ends_after_its_control_plane_was_deleted_is_dropped(shown: Shown) -> None:
    row = fleet_row("ci", signals=full_signals(NOW - 15))
    shown.take(row)
    shown.collector.remove(row.id)
    shown.collector.count(round_of(fleet_row("ci", signals=full_signals(NOW - 10))))
    shown.collector.expect([])
    assert shown.page() == ""
    shown.take(fleet_row("ci", signals=full_signals()))
    assert requests(shown) == {("ci",): 150.0}


def test_rounds_over_ever_new_control_planes_do_not_fill_the_memory(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k3k_core.exporter.collector.MAX_EARLY", 2)
    rows = [fleet_row(name, signals=full_signals(NOW - 15)) for name in ("a", "b", "c")]
    for row in rows:
        shown.collector.count(round_of(row))
    for row in rows:
        shown.take(replace(row, signals=full_signals()))
    assert requests(shown) == {("a",): 300.0, ("b",): 300.0, ("c",): 150.0}


def test_removing_what_is_not_there_changes_nothing(shown: Shown) -> None:
    shown.take(fleet_row("ci"))
    shown.collector.remove(TargetId("prod", "team-a", "other"))
    assert len(shown.collector) == 1


def test_only_what_a_fleet_still_has_is_kept(shown: Shown) -> None:
    ci, dev = fleet_row("ci"), fleet_row("dev")
    shown.take(ci, dev)
    shown.collector.keep([dev.id])
    assert ci.id not in shown.collector
    assert dev.id in shown.collector


def test_without_control_planes_the_page_has_not_even_a_header(shown: Shown) -> None:
    assert shown.page() == ""
    assert shown.page("openmetrics") == "# EOF\n"


def test_counters_go_on_over_windows_and_quantiles_are_those_of_the_last(shown: Shown) -> None:
    shown.take(fleet_row(signals=full_signals(NOW - 15)), fleet_row(signals=full_signals(NOW, scale=2)))
    name = "k3k_api_overall_request_duration_seconds"
    assert shown.series(f"{name}_count", "group") == {("read",): 30.0, ("write",): 30.0}
    quantiles = shown.series(name, "group", "quantile")
    assert quantiles["read", "0.5"] == pytest.approx(0.2)
    assert quantiles["read", "0.99"] == pytest.approx(0.6)


def test_what_is_not_available_is_absent_and_not_zero(shown: Shown) -> None:
    shown.take(fleet_row(signals=replace(full_signals(etcd=False), certificates=())))
    assert "k3k_etcd_" not in shown.page()
    assert "k3k_certificate_" not in shown.page()


def test_a_queue_that_is_not_among_the_worst_any_more_is_not_shown(shown: Shown) -> None:
    signals = full_signals(NOW - 15)
    shown.take(fleet_row(signals=signals))
    assert ("queue-0",) in shown.series("k3k_queue_depth", "queue")
    rest = replace(signals.controllers, queues=signals.controllers.queues[1:])
    shown.take(fleet_row(signals=replace(signals, at=NOW, controllers=rest)))
    assert ("queue-0",) not in shown.series("k3k_queue_depth", "queue")
    assert len(shown.series("k3k_queue_wait_duration_seconds_count", "queue")) == 10


def test_a_queue_that_is_shown_again_counts_on_from_where_it_was(shown: Shown) -> None:
    first = full_signals(NOW - 30)
    names = [f"other-{index}" for index in range(10)]
    crowd = replace(first.controllers, queues=(*(queue(name, 1_000) for name in names), queue("queue-0")))
    shown.take(
        fleet_row(signals=first),
        fleet_row(signals=replace(first, at=NOW - 15, controllers=crowd)),
    )
    assert ("queue-0",) not in shown.series("k3k_queue_retries_total", "queue")
    alone = replace(first.controllers, queues=(queue("queue-0"),))
    shown.take(fleet_row(signals=replace(first, at=NOW, controllers=alone)))
    assert shown.series("k3k_queue_retries_total", "queue") == {("queue-0",): 3.0}


def test_queues_and_resources_do_not_take_turns_while_nothing_is_wrong(shown: Shown) -> None:
    quiet = [queue(f"queue-{index}", 0.0) for index in range(30)]
    seen: set[tuple[str, ...]] = set()
    for window in range(10):
        signals = full_signals(NOW - 300 + 15 * window)
        waits = [
            replace(each, wait=latency(3, 0.001 * ((index * 7 + window) % 30)))
            for index, each in enumerate(quiet)
        ]
        slow = [
            replace(each, latency=latency(1, 0.001 * ((index * 3 + window) % 10)))
            for index, each in enumerate(signals.api.slowest)
        ]
        controllers = replace(signals.controllers, queues=tuple(waits))
        api = replace(signals.api, slowest=tuple(slow))
        shown.take(fleet_row(signals=replace(signals, controllers=controllers, api=api)))
        seen |= shown.series("k3k_queue_depth", "queue").keys()
        seen |= shown.series("k3k_api_resource_request_duration_seconds", "resource").keys()
    assert len(seen) == 15


def test_a_queue_that_gets_stuck_is_shown_at_once(shown: Shown) -> None:
    signals = full_signals()
    shown.take(fleet_row(signals=signals))
    stuck = replace(queue("zzz", 1.0), stuck=True)
    controllers = replace(signals.controllers, queues=(*signals.controllers.queues, stuck))
    shown.take(fleet_row(signals=replace(signals, at=NOW + 15, controllers=controllers)))
    assert shown.series("k3k_queue_stuck", "queue")["zzz",] == 1.0
    assert len(shown.series("k3k_queue_stuck", "queue")) == 10


def test_the_end_of_a_certificate_that_k3s_reports_does_not_jump_about(shown: Shown) -> None:
    def expiry(at: float) -> dict[tuple[str, ...], float]:
        signals = full_signals(at)
        moved = tuple(
            replace(each, expires_at=each.expires_at + 5_400 + at - NOW)
            for each in full_signals().certificates
        )
        shown.take(fleet_row(signals=replace(signals, certificates=moved)))
        return shown.series("k3k_certificate_expiry_timestamp_seconds", "certificate")

    assert expiry(NOW) == expiry(NOW + 900)


def test_signals_that_nobody_renews_vanish_and_what_the_host_knows_stays(shown: Shown) -> None:
    shown.take(fleet_row(signals=full_signals()))
    shown.now = NOW + 301
    page = shown.page()
    assert "k3k_api_" not in page
    assert "k3k_control_plane_info" in page
    assert "k3k_control_plane_up" not in page
    assert shown.series("k3k_control_plane_last_scrape_timestamp_seconds") == {(): NOW}


def test_rows_of_a_host_that_has_been_gone_for_long_vanish(shown: Shown) -> None:
    shown.take(replace(fleet_row(signals=full_signals()), stale_since=NOW))
    assert shown.page()
    shown.now = NOW + 301
    assert shown.page() == ""


def test_rows_of_an_unreachable_host_stay_while_their_control_planes_answer(shown: Shown) -> None:
    shown.take(replace(fleet_row(signals=full_signals()), stale_since=NOW - 3600))
    assert shown.series("k3k_control_plane_up") == {(): 1.0}


def test_a_host_that_is_back_has_its_rows_back(shown: Shown) -> None:
    row = fleet_row(signals=full_signals(NOW - 3600))
    shown.take(replace(row, stale_since=NOW - 3600))
    assert shown.page() == ""
    shown.take(row)
    assert "k3k_control_plane_info" in shown.page()


@pytest.mark.parametrize(("ready", "up"), [(0, {(): 0.0}), (1, {})])
def test_a_control_plane_that_was_never_asked_is_down_only_when_its_host_says_so(
    shown: Shown, ready: int, up: dict[tuple[str, ...], float]
) -> None:
    shown.take(fleet_row(servers_ready=ready))
    assert shown.series("k3k_control_plane_up") == up


def test_a_control_plane_that_cannot_be_asked_is_not_up(shown: Shown) -> None:
    shown.take(replace(fleet_row(), reach=Reach(reason="Its token cannot be used.")))
    assert shown.series("k3k_control_plane_up") == {(): 0.0}


def test_a_control_plane_without_a_ready_server_is_not_up(shown: Shown) -> None:
    signals = full_signals()
    shown.take(fleet_row(signals=replace(signals, servers=signals.servers[1:])))
    assert shown.series("k3k_control_plane_up") == {(): 0.0}


def test_exactly_one_verdict_holds(shown: Shown) -> None:
    shown.take(degraded(fleet_row(), "slow-reads"))
    verdicts = shown.series("k3k_control_plane_verdict", "verdict")
    assert len(verdicts) == 7
    assert [verdict for verdict, value in verdicts.items() if value] == [("Degraded",)]


def test_a_rule_fires_once_whatever_it_is_about_and_is_absent_afterwards(shown: Shown) -> None:
    shown.take(degraded(fleet_row(), "stuck-queue", "stuck-queue"))
    assert shown.series("k3k_control_plane_rule_firing", "rule", "severity") == {
        ("stuck-queue", "warning"): 1.0
    }
    shown.take(fleet_row())
    assert not shown.series("k3k_control_plane_rule_firing", "rule")


def test_a_control_plane_that_claims_too_much_shows_few_short_clean_labels(shown: Shown) -> None:
    shown.take(fleet_row(signals=full_signals()))
    usual = len(shown.page().splitlines())
    shown.take(fleet_row(signals=hostile_signals(NOW + 1)))
    lines = [line for line in shown.page().splitlines() if not line.startswith("#")]
    assert len(lines) < 4 * usual
    assert max(map(len, lines)) < 1_500
    assert all(line.isprintable() for line in lines)


def test_different_hostile_names_stay_different_series(shown: Shown) -> None:
    shown.take(fleet_row("a" * 300), fleet_row("a" * 301))
    assert len(shown.series("k3k_control_plane_ready_servers", "name")) == 2
