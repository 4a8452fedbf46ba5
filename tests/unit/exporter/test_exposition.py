"""Whole pages: negotiation, assembly, compression, and what promtool says of them."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from k3k_core.exporter.catalogue import CATALOGUE
from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.exposition import Pages, accepts_gzip, assemble, choose_format, sample_lines
from k3k_core.exporter.own_readings import read_own, read_probe
from k3k_core.fleet import HostState
from k3k_core.telemetry.scraper.figures import Tally
from tests.support.fleet_rows import NOW, degraded, fleet_row, full_signals, round_of
from tests.support.programs import run
from tests.support.prometheus import PROMTOOL, needs_promtool

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def pages() -> Pages:
    """A fleet of two and everything the exporter knows of itself."""
    fleet = FleetCollector(clock=lambda: NOW)
    row = degraded(fleet_row("ci", signals=full_signals(), expires_at=None), "slow-reads")
    fleet.count(round_of(row))
    fleet.update(row)
    fleet.update(fleet_row("dev"))
    tally = Tally()
    tally.count(["timeout"], duration=10.0, lag=0.2, received=100)
    tally.count([], duration=0.2, lag=0.0, received=200_000)
    figures = tally.figures(targets=2, active=1)
    hosts = [
        HostState("prod", True, NOW, listed=True, control_planes=2),
        HostState("stage", False, NOW, "no"),
    ]
    process = CollectorRegistry()
    ProcessCollector(registry=process)
    return Pages(fleet, lambda: read_own(hosts, figures), process)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/plain", "text"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text"),
        (PROMETHEUS_2, "openmetrics"),
        (PROMETHEUS_3, "openmetrics"),
        ("application/openmetrics-text", "openmetrics"),
        ('application/openmetrics-text; version="1.0.0"', "openmetrics"),
        ("application/openmetrics-text; version=2.0.0", "text"),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", "text"),
        ("application/openmetrics-text;q=0", "text"),
        ("application/openmetrics-text;q=nonsense", "text"),
        ("application/openmetrics-text;q=nan", "text"),
        (";;;,,,;q=", "text"),
    ],
)
def test_openmetrics_is_given_to_who_wants_it_most(accept: str, form: str) -> None:
    assert choose_format(accept) == form


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0.1, gzip;q=0", False),
        ("br", False),
        ("gzip;q=x", False),
    ],
)
def test_compression_is_used_where_it_is_wanted(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_the_whole_page_is_read_by_prometheus_client_in_both_formats() -> None:
    made = pages()
    text = {family.name for family in parse_text(made.make("text").decode())}
    families: list[Any] = list(parse_openmetrics(made.make("openmetrics").decode()))
    assert {
        "process_resident_memory_bytes",
        "k3k_host_up",
        "k3k_api_requests",
        "k3k_scrape_lag_seconds",
    } <= text
    assert {family.name for family in families} >= {"k3k_control_plane", "k3k_exporter_build"}


def test_every_metric_of_the_catalogue_is_on_the_page_of_a_control_plane_that_has_everything() -> None:
    page = pages().make("text").decode()
    probe = assemble(sample_lines(read_probe(success=True, duration=0.5)), form="text").decode()
    shown = {line.split()[2] for line in (page + probe).splitlines() if line.startswith("# TYPE k3k_")}
    assert {metric.name for metric in CATALOGUE} - shown == {"k3k_control_plane_expiry_timestamp_seconds"}
    assert shown <= {metric.name for metric in CATALOGUE}


def test_a_histogram_of_the_exporter_is_cumulative_and_ends_in_infinity() -> None:
    page = pages().make("text").decode()
    assert 'k3k_scrape_duration_seconds_bucket{le="0.1"} 0.0' in page
    assert 'k3k_scrape_duration_seconds_bucket{le="0.25"} 1.0' in page
    assert 'k3k_scrape_duration_seconds_bucket{le="10.0"} 2.0' in page
    assert 'k3k_scrape_duration_seconds_bucket{le="+Inf"} 2.0' in page
    assert "k3k_scrape_duration_seconds_count 2.0" in page


async def test_a_packed_page_is_the_same_page() -> None:
    made = pages()
    packed = gzip.decompress(await made.make_packed("openmetrics")).decode()
    assert packed.splitlines()[:100] == made.make("openmetrics").decode().splitlines()[:100]
    assert packed.endswith("# EOF\n")


async def test_clients_that_ask_at_the_same_time_share_one_packing() -> None:
    made = pages()
    first, second = await asyncio.gather(made.make_packed("text"), made.make_packed("text"))
    assert first is second


@needs_promtool
@pytest.mark.parametrize("which", ["metrics", "probe"])
async def test_promtool_has_nothing_to_say_about_the_page(which: str) -> None:
    assert PROMTOOL is not None
    page = pages().make("text")
    if which == "probe":
        page = assemble(sample_lines(read_probe(success=False, duration=0.5)), form="text")
    ended = await run(PROMTOOL, "check", "metrics", stdin=page.decode())
    assert (ended.code, ended.out, ended.err) == (0, "", "")
