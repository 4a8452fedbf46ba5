"""Recorded pages: the scanner keeps exactly what `prometheus_client` reads."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from k3k_core.telemetry.scanner import LayoutTable, scan
from tests.support.reference_pages import scanned_families, text_families

PAGES = sorted((Path(__file__).parents[2] / "data" / "metrics").glob("*.txt.gz"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name.removesuffix(".txt.gz"))
def test_every_family_of_a_recorded_page_has_the_samples_that_prometheus_client_reads(path: Path) -> None:
    compressed = path.read_bytes()
    expected = text_families(gzip.decompress(compressed).decode())

    page = scan(compressed, expected)

    assert scanned_families(page) == expected


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name.removesuffix(".txt.gz"))
def test_a_table_that_knows_other_pages_changes_nothing(path: Path) -> None:
    table = LayoutTable()
    compressed = path.read_bytes()
    expected = text_families(gzip.decompress(compressed).decode())
    held = [scan(other.read_bytes(), expected, layouts=table) for other in PAGES]

    page = scan(compressed, expected, layouts=table, previous=held[0])

    assert scanned_families(page) == expected
