"""The table of metrics."""

from __future__ import annotations

import re

import pytest

from k3k_core.exporter.catalogue import BASE_LABELS, BY_NAME, CATALOGUE, SERIES, Metric, metric_of

METRICS = [pytest.param(metric, id=metric.name) for metric in CATALOGUE]


def test_every_name_stands_for_one_metric() -> None:
    assert len(BY_NAME) == len(CATALOGUE) > 70
    assert len(SERIES) == sum(len(metric.series) for metric in CATALOGUE)


@pytest.mark.parametrize("metric", METRICS)
def test_a_name_says_its_type_and_its_unit(metric: Metric) -> None:
    assert re.fullmatch(r"k3k_[a-z0-9]+(_[a-z0-9]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_info") == (metric.kind == "info")
    assert metric.family.endswith(metric.unit)
    assert not metric.name.endswith(("_sum", "_count", "_bucket"))


@pytest.mark.parametrize("metric", METRICS)
def test_help_is_one_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert "\\" not in metric.help


@pytest.mark.parametrize("metric", METRICS)
def test_labels_are_told_apart_and_never_reserved(metric: Metric) -> None:
    assert len(set(metric.all_labels)) == len(metric.all_labels)
    assert not {"le", "quantile", "instance", "job"} & set(metric.all_labels)
    assert (metric.all_labels[:3] == BASE_LABELS) == (metric.scope == "control plane")


def test_no_family_takes_a_name_that_another_one_makes_its_samples_with() -> None:
    families = [metric.family for metric in CATALOGUE]
    assert len(set(families)) == len(families)
    assert not set(families) & {name for metric in CATALOGUE for name in metric.series if name != metric.name}


def test_a_series_leads_to_its_metric() -> None:
    assert metric_of("k3k_queue_wait_duration_seconds_count") is BY_NAME["k3k_queue_wait_duration_seconds"]
    assert metric_of("k3k_scrape_lag_seconds_bucket") is BY_NAME["k3k_scrape_lag_seconds"]
    assert metric_of("k3k_scrape_lag_seconds") is None
    assert metric_of("up") is None
