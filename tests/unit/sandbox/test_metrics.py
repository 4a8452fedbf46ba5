"""The /metrics pages of simulated servers."""

from __future__ import annotations

import gzip
import itertools
import re
from datetime import UTC, datetime
from functools import cache

import pytest
from prometheus_client.parser import text_string_to_metric_families

from k3k_core.sandbox.fault_board import Spells
from k3k_core.sandbox.fault_catalogue import FAULTS
from k3k_core.sandbox.k3s.certificate_files import certificate_files
from k3k_core.sandbox.k3s.exposition.effects import EFFECTS
from k3k_core.sandbox.k3s.metrics import Build, Metrics
from tests.support.k3s_pods import pki

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VERSIONS = ("v1.21.3+k3s1", "v1.33.4+k3s1", "v1.36.2+k3s1")
MODERN = Build(VERSIONS[-1], "sqlite")

Key = tuple[str, tuple[tuple[str, str], ...]]
Values = dict[Key, float]

COUNTED = ("_total", "_count", "_bucket", "_sum")
LABEL = re.compile(r'([a-zA-Z_]\w*)="([^"]*)"')


@cache
def key_of(series: str) -> Key:
    """Read the name and the labels of a series of ours, which hold nothing that is escaped."""
    name, _, labels = series.partition("{")
    return name, tuple(sorted(LABEL.findall(labels)))


def samples(page: bytes) -> dict[str, float]:
    """Read a page of ours, whose series are always written in one way."""
    pairs = (line.rpartition(" ") for line in page.decode().splitlines() if not line.startswith("#"))
    return {series: float(value) for series, _, value in pairs}


def values(page: bytes) -> Values:
    """Read a page of ours by names and labels."""
    return {key_of(series): value for series, value in samples(page).items()}


def page_of(metrics: Metrics, seconds: float) -> Values:
    return values(metrics.plain(START.timestamp() + seconds))


def names(page: Values) -> set[str]:
    return {name for name, _ in page}


def only(page: Values, name: str, **labels: str) -> float:
    """The one sample of a name that has these labels."""
    (found,) = [
        value
        for (sample, pairs), value in page.items()
        if sample == name and labels.items() <= dict(pairs).items()
    ]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_is_what_the_prometheus_library_reads(version: str) -> None:
    page = Metrics(Build(version, "sql"), START, "seed").plain(START.timestamp() + 77)
    read = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }
    # The library gives every counter the ending that OpenMetrics asks for.
    assert {(name.removesuffix("_total"), labels): value for (name, labels), value in read.items()} == {
        (name.removesuffix("_total"), labels): value for (name, labels), value in values(page).items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_counters_and_histograms_only_grow(version: str) -> None:
    metrics = Metrics(Build(version), START, "seed")
    before, after = page_of(metrics, 5), page_of(metrics, 65)
    moving = [key for key in before if key[0].endswith(("_total", "_count", "_bucket"))]
    assert all(after[key] >= before[key] for key in moving)
    assert any(after[key] > before[key] for key in moving)


@pytest.mark.parametrize("fault", sorted(fault for fault in EFFECTS if FAULTS[fault].of == "k3s"))
def test_counters_never_go_back_while_a_fault_comes_and_goes(fault: str) -> None:
    spells = Spells()
    spells.on(fault, START.timestamp() + 60)
    spells.off(fault, START.timestamp() + 120)
    metrics = Metrics(MODERN, START, "seed", spells=spells)
    pages = [samples(metrics.plain(START.timestamp() + seconds)) for seconds in (30, 90, 150)]
    for earlier, later in itertools.pairwise(pages):
        backwards = [series for series, value in earlier.items() if later.get(series, 0) < value]
        assert not [series for series in backwards if key_of(series)[0].endswith(COUNTED)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_page_names_the_servers_own_version_and_start(version: str) -> None:
    page = page_of(Metrics(Build(version), START, "seed"), 0)
    assert page["process_start_time_seconds", ()] == START.timestamp()
    build = next(dict(labels) for name, labels in page if name == "kubernetes_build_info")
    assert (build["git_version"], build["git_tree_state"]) == (version, "simulated")


def test_a_gzipped_page_is_the_page() -> None:
    metrics = Metrics(MODERN, START, "seed")
    for seconds in (0, 33):
        now = START.timestamp() + seconds
        assert gzip.decompress(metrics.compressed(now)) == metrics.plain(now)


def test_requests_served_show_in_the_request_counters() -> None:
    quiet, busy = Metrics(MODERN, START, "seed"), Metrics(MODERN, START, "seed")
    for _ in range(5000):
        busy.count()

    def total(metrics: Metrics) -> float:
        return sum(
            value for (name, _), value in page_of(metrics, 10).items() if name == "apiserver_request_total"
        )

    assert total(busy) - total(quiet) == pytest.approx(5000, rel=0.01)


@pytest.mark.parametrize("fault", ["", "api-slow", "overloaded", "datastore-stalling"])
def test_buckets_stay_cumulative_and_agree_with_their_count(fault: str) -> None:
    spells = Spells()
    if fault:
        spells.on(fault, START.timestamp())
    page = page_of(Metrics(MODERN, START, "seed", spells=spells), 33)
    histograms: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[float, float]]] = {}
    for (name, labels), value in page.items():
        if name.endswith("_bucket"):
            rest = tuple(pair for pair in labels if pair[0] != "le")
            histograms.setdefault((name, rest), []).append((float(dict(labels)["le"]), value))
    assert len(histograms) > 500
    for (name, labels), buckets in histograms.items():
        ordered = [value for _, value in sorted(buckets)]
        assert ordered == sorted(ordered)
        assert ordered[-1] == page[name.removesuffix("_bucket") + "_count", labels]


def test_servers_with_other_seeds_move_at_another_pace() -> None:
    pages = {Metrics(MODERN, START, seed).plain(START.timestamp() + 300) for seed in ("one", "two")}
    assert len(pages) == 2


def test_the_same_seed_faults_and_time_give_the_same_page() -> None:
    def page() -> bytes:
        spells = Spells()
        spells.on("queue-stuck", START.timestamp() + 10)
        return Metrics(MODERN, START, "seed", spells=spells).plain(START.timestamp() + 70)

    assert page() == page()


@pytest.mark.parametrize(
    ("build", "kine"),
    [
        (Build("v1.36.2+k3s1", "sqlite"), True),
        (Build("v1.36.2+k3s1", "sql"), True),
        (Build("v1.36.2+k3s1", ""), False),
        (Build("v1.36.1+k3s1", "sqlite"), False),
        (Build("v1.35.1+k3s1", "sqlite", kine_tls=True), True),
        (Build("v1.33.4+k3s1", "sqlite", kine_tls=True), False),
    ],
)
def test_kine_shows_where_this_version_stands_before_such_a_datastore(build: Build, kine: bool) -> None:
    shown = names(page_of(Metrics(build, START, "seed"), 0))
    assert ("kine_sql_time_seconds_bucket" in shown) is kine
    assert ("go_sql_in_use_connections" in shown) is kine


def test_a_server_before_1_34_names_objects_by_one_label() -> None:
    old, new = (page_of(Metrics(Build(version), START, "seed"), 0) for version in VERSIONS[1:])
    assert "apiserver_resource_objects" in names(new)
    assert "apiserver_resource_objects" not in names(old)
    assert only(old, "etcd_requests_total", operation="create", type="deployments.apps") == only(
        new, "etcd_requests_total", operation="create", group="apps", resource="deployments"
    )


def test_no_label_or_family_is_one_that_k3s_does_not_show() -> None:
    page = page_of(Metrics(MODERN, START, "seed"), 0)
    assert not [labels for _, labels in page if "system_client" in dict(labels)]
    assert not names(page) & {"version_info", "leader_election_master_status"}


def test_certificates_show_the_seconds_they_have_left() -> None:
    files = certificate_files(pki().to_secret_data(), START)
    metrics = Metrics(Build("v1.36.2+k3s1", "sqlite", certificates=files), START, "seed")
    page = page_of(metrics, 0)
    days = (
        only(page, "k3s_certificate_expiration_seconds", subject="CN=system:admin,O=system:masters") / 86400
    )
    assert days == 365
    authorities = [
        value
        for (name, labels), value in page.items()
        if name == "k3s_certificate_expiration_seconds" and dict(labels)["usages"] == "CertSign"
    ]
    assert len(authorities) == 3
    assert min(authorities) > 3000 * 86400


def test_k3s_looks_at_its_certificates_every_half_hour() -> None:
    files = certificate_files({}, START)
    metrics = Metrics(Build("v1.36.2+k3s1", certificates=files), START, "seed")
    left = [
        only(
            page_of(metrics, 60.0 * minutes),
            "k3s_certificate_expiration_seconds",
            subject="CN=kube-scheduler",
            usages="ServerAuth",
        )
        for minutes in (0, 29, 31)
    ]
    assert left[0] == left[1] == left[2] + 1800


def test_a_fault_changes_certificates_at_once_and_not_for_ever() -> None:
    spells = Spells()
    spells.on("certificates-expiring:5", START.timestamp() + 60)
    spells.off("certificates-expiring:5", START.timestamp() + 120)
    files = certificate_files({}, START)
    metrics = Metrics(Build("v1.36.2+k3s1", certificates=files), START, "seed", spells=spells)
    days = [
        only(page_of(metrics, seconds), "k3s_certificate_expiration_seconds", subject="CN=kube-apiserver")
        / 86400
        for seconds in (30, 60, 121)
    ]
    assert days == pytest.approx([365, 5, 365], abs=0.01)


def test_a_restarting_server_counts_anew_every_two_minutes() -> None:
    spells = Spells()
    spells.on("restarting", START.timestamp() + 600)
    metrics = Metrics(MODERN, START, "seed", spells=spells)
    starts = [
        page_of(metrics, seconds)["process_start_time_seconds", ()] - START.timestamp()
        for seconds in (590, 601, 719, 721)
    ]
    assert starts == [0, 600, 600, 720]
    assert (
        page_of(metrics, 601)["process_cpu_seconds_total", ()]
        < page_of(metrics, 590)["process_cpu_seconds_total", ()]
    )


def test_a_fault_that_never_counted_anything_makes_no_series() -> None:
    page = page_of(Metrics(MODERN, START, "seed"), 600)
    assert "apiserver_flowcontrol_rejected_requests_total" not in names(page)


def test_the_datastore_of_an_idle_server_grows_slowly() -> None:
    metrics = Metrics(MODERN, START, "seed")
    sizes = [only(page_of(metrics, hours * 3600.0), "apiserver_storage_size_bytes") for hours in (0, 1)]
    assert 0 < sizes[1] - sizes[0] < 2**20


def test_no_series_stands_on_a_page_twice_whatever_is_wrong() -> None:
    spells = Spells()
    for fault in EFFECTS:
        spells.on(fault, START.timestamp())
    page = Metrics(Build("v1.36.2+k3s1", "sql"), START, "seed", spells=spells).plain(START.timestamp() + 60)
    series = [line.rpartition(b" ")[0] for line in page.splitlines() if not line.startswith(b"#")]
    assert len(series) == len(set(series))
    families = [line for line in page.splitlines() if line.startswith(b"# TYPE")]
    assert len(families) == len(set(families))
