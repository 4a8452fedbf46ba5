"""The reference of the metrics."""

from __future__ import annotations

from pathlib import Path

from k3k_core.exporter.catalogue import CATALOGUE
from k3k_core.exporter.reference import metrics_reference

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


def test_every_metric_stands_in_the_reference_once() -> None:
    text = metrics_reference()
    for metric in CATALOGUE:
        assert text.count(f"\n| `{metric.name}` | {metric.kind} | ") == 1


def test_the_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == metrics_reference(), (
        "write it anew: .venv/bin/python -m k3k_core.exporter.reference > docs/metrics.md"
    )
