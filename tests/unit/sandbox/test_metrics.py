"""The /metrics pages of simulated servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from k3k_core.sandbox.k3s.metrics import Metrics

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VERSIONS = ("v1.21.3+k3s1", "v1.36.2+k3s1")


def values(page: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_counters_and_histograms_only_grow(version: str) -> None:
    metrics = Metrics(version, START, "seed")
    before, after = (values(metrics.render(START + timedelta(seconds=t))) for t in (5, 65))
    moving = [key for key in before if key[0].endswith(("_total", "_count", "_bucket"))]
    assert all(after[key] >= before[key] for key in moving)
    assert any(after[key] > before[key] for key in moving)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_names_the_servers_own_version_and_start(version: str) -> None:
    page = values(Metrics(version, START, "seed").render(START))
    assert page["process_start_time_seconds", ()] == START.timestamp()
    build = next(dict(labels) for name, labels in page if name == "kubernetes_build_info")
    assert (build["git_version"], build["git_tree_state"]) == (version, "simulated")


def test_requests_served_show_in_the_request_counters() -> None:
    quiet, busy = Metrics(VERSIONS[1], START, "seed"), Metrics(VERSIONS[1], START, "seed")
    for _ in range(5000):
        busy.count()
    now = START + timedelta(seconds=10)

    def total(metrics: Metrics) -> float:
        page = values(metrics.render(now))
        return sum(value for (name, _), value in page.items() if name == "apiserver_request_total")

    assert total(busy) > total(quiet)


def test_buckets_stay_cumulative_and_agree_with_their_count() -> None:
    page = values(Metrics(VERSIONS[1], START, "seed").render(START + timedelta(seconds=33)))
    checked = 0
    for (name, labels), count in page.items():
        if name != "apiserver_request_duration_seconds_count":
            continue
        buckets = [
            (float(dict(other)["le"]), value)
            for (series, other), value in page.items()
            if series == "apiserver_request_duration_seconds_bucket"
            and tuple(pair for pair in other if pair[0] != "le") == labels
        ]
        ordered = [value for _, value in sorted(buckets)]
        assert ordered == sorted(ordered)
        assert ordered[-1] == count
        checked += 1
        if checked == 20:
            break
    assert checked == 20


def test_servers_with_other_seeds_move_at_another_pace() -> None:
    now = START + timedelta(minutes=5)
    pages = {Metrics(VERSIONS[1], START, seed).render(now) for seed in ("one", "two")}
    assert len(pages) == 2
