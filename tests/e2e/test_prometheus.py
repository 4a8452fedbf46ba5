"""A real Prometheus that reads `k3k exporter`, and control planes of the sandbox beside it."""

from __future__ import annotations

import asyncio
import json
import re
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from k3k_core.exporter.alerts import load_groups, rule_file
from k3k_core.exporter.dashboard import load_dashboard
from k3k_core.exporter.yaml_text import to_yaml
from k3k_core.fleet import Fleet, FleetOptions
from k3k_core.host import open_host
from k3k_core.resources import SECRET
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION
from k3k_core.telemetry.scraper import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget
from tests.support.hosts import HostUnderTest, host_under_test
from tests.support.programs import K3K, start
from tests.support.prometheus import Point, Prometheus, needs_prometheus, needs_promtool, prometheus, promtool

# One Prometheus for all of them.
pytestmark = [needs_prometheus, pytest.mark.xdist_group("prometheus")]

# Control planes: one whose durations are spread over many buckets, one that is given a fault, one that is deleted.
SLOW, FAILING, LEAVING = "slow", "failing", "leaving"
# How many windows are looked at before two figures are said to differ.
WINDOWS = 8
INTERVAL = 6.0
SERVING = re.compile(r"Serving metrics at (http://\S+)/metrics")
TOKEN = "a-token-for-the-pages-of-control-planes"
LATENCY = "apiserver_request_sli_duration_seconds"
ONCE = 'verb!~"WATCH|WATCHLIST|CONNECT", subresource!~"proxy|attach|log|exec|portforward"'
READS = f'verb=~"GET|LIST", {ONCE}'
WRITES = f'verb=~"POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION", {ONCE}'
# Bounds of that histogram's buckets, in seconds.
BOUNDS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)


# Panels of the dashboard that a control plane of a minute's age may have nothing for.
MAYBE_EMPTY = {
    "Fleet: Control planes that need attention",
    "Fleet: Rules firing",
    "Fleet: Rules that fire most",
    "API: Error budget burn",
    "API: Turned away",
    "Datastore: Requests that fail",
    "Datastore: kine, connections at work",
    "Datastore: kine, failures",
    "Controllers: Stuck queues",
    "Certificates: Times to live that end first",
    "The exporter itself: Failures by kind",
}


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running `k3k exporter`.

    Attributes:
        address: HOST:PORT.
        tokens: file with the token of its `/raw`.
    """

    address: str
    tokens: Path

    def job(self, name: str, **more: Any) -> dict[str, Any]:
        """Return a scrape configuration that reads it every second."""
        return {
            "job_name": name,
            "honor_labels": True,
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "static_configs": [{"targets": [self.address]}],
        } | more

    def discovered(self, name: str, **more: Any) -> dict[str, Any]:
        """Return a scrape configuration for the targets that it tells of."""
        found = {"url": f"http://{self.address}/sd", "refresh_interval": "1s"}
        return {
            "job_name": name,
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "http_sd_configs": [found],
        } | more

    @property
    def bearer(self) -> dict[str, Any]:
        """What a job that reads `/raw` needs."""
        return {"authorization": {"credentials_file": str(self.tokens)}}


@asynccontextmanager
async def exporting(host: HostUnderTest, directory: Path) -> AsyncIterator[Exporter]:
    """Run `k3k exporter` for the namespace of a test until the end of the block."""
    tokens = directory / "raw-token"
    tokens.write_text(TOKEN)
    options = {
        "--listen": "127.0.0.1:0",
        "--workers": "0",
        "--interval": f"{INTERVAL:g}s",
        "--raw-token-file": str(tokens),
    }
    process = await start(
        [K3K, "exporter", "-n", host.namespace, *(word for option in options.items() for word in option)],
        kubeconfig=host.kubeconfig,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = b""
            while not (found := SERVING.search(said.decode())):
                said = await process.stderr.readline()
                assert said, "the exporter ended"
        yield Exporter(found[1].removeprefix("http://"), tokens)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def create(host: HostUnderTest, name: str) -> None:
    """Make a control plane that is ready."""
    (await host.k3k("create", name, "-n", host.namespace, "--preset", "ci", "--wait")).checked()


async def break_down(host: HostUnderTest, name: str, faults: str) -> None:
    """Give a control plane faults of the sandbox."""
    patch = {"metadata": {"annotations": {FAULT_ANNOTATION: faults}}}
    async with open_host(host.options()) as api:
        await api.patch(SECRET, host.namespace, f"{name}-k3k", patch)


async def target_of(host: HostUnderTest, name: str) -> ControlPlaneTarget:
    """Return how a control plane's own page can be read."""
    quick = ScrapeOptions(interval=2.0, timeout=2.0)
    options = FleetOptions(hosts=(host.options(),), namespace=host.namespace, scrape=quick)
    async with Fleet(options) as fleet:
        await fleet.settled(60)
        (key,) = (key for key in fleet.rows if key.name == name)
        target = fleet.target(key)
    assert target is not None
    return target


def direct(target: ControlPlaneTarget, directory: Path) -> dict[str, Any]:
    """Return a scrape configuration that reads the page of the control plane's server itself."""
    (server,) = target.servers
    authority, tokens = directory / "authority.pem", directory / "monitoring-token"
    authority.write_text(target.ca_pem)
    tokens.write_text(target.token)
    name = {"server_name": server.tls_server_name} if server.tls_server_name else {}
    return {
        "job_name": "direct",
        "scheme": "https",
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "static_configs": [{"targets": [server.url.removeprefix("https://")]}],
        "tls_config": {"ca_file": str(authority), **name},
        "authorization": {"credentials_file": str(tokens)},
    }


def through(exporter: Exporter, target: ControlPlaneTarget) -> dict[str, Any]:
    """Return a scrape configuration that reads the same page through the exporter."""
    pace = {"scrape_interval": "2s", "scrape_timeout": "2s"}
    path = f"/raw/{target.id.namespace}/{target.id.name}"
    return exporter.job("through", metrics_path=path, **exporter.bearer, **pace)


@dataclass(frozen=True, slots=True)
class Watched:
    """Control planes, a pair of exporters, and a Prometheus that reads them.

    Attributes:
        host: where the control planes are.
        exporters: the pair.
        running: the Prometheus.
    """

    host: HostUnderTest
    exporters: tuple[Exporter, Exporter]
    running: Prometheus


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """Everything there is; it takes Prometheus a while to find its targets."""
    folder = tmp_path_factory.mktemp("watched")
    rules = folder / "k3k.rules.yaml"
    async with host_under_test(folder) as host:
        for name in (SLOW, FAILING, LEAVING):
            await create(host, name)
        if host.sandbox is not None:
            await break_down(host, SLOW, "api-slow,datastore-slow")
        target = await target_of(host, SLOW)
        printed = (await host.k3k("alerts")).checked().out
        # Nobody here waits a minute for the recorded series.
        rules.write_text(printed.replace("interval: 1m\n", "interval: 1s\n"))
        async with exporting(host, folder) as one, exporting(host, folder) as other:
            both = {"static_configs": [{"targets": [one.address, other.address]}]}
            page = {"source_labels": ["__meta_k3k_raw_path"], "target_label": "__metrics_path__"}
            place = [
                {"source_labels": [f"__meta_k3k_{label}"], "target_label": label}
                for label in ("namespace", "name")
            ]
            configuration = {
                "global": {"evaluation_interval": "1s"},
                "rule_files": [str(rules)],
                "scrape_configs": [
                    one.job("k3k", **both),
                    direct(target, folder),
                    through(one, target),
                    one.discovered("probes", metrics_path="/probe"),
                    one.discovered("pages", relabel_configs=[page, *place], **one.bearer),
                ],
            }
            async with prometheus(configuration, folder) as running:
                yield Watched(host, (one, other), running)


def error_of(value: float, bounds: Sequence[float]) -> float:
    """Return how far off a quantile can be that was interpolated in a bucket: the bucket's width."""
    above = min(max(bisect_left(bounds, value), 1), len(bounds) - 1)
    return bounds[above] - bounds[above - 1]


def within_bucket_error(ours: float, truth: float, bounds: Sequence[float]) -> bool:
    """Compare two estimates of one quantile."""
    return abs(ours - truth) <= max(error_of(ours, bounds), error_of(truth, bounds))


COMPARED: Mapping[str, tuple[str, str, Sequence[float]]] = {
    'k3k_api_overall_request_duration_seconds{group="read"': (f"{LATENCY}_bucket", READS, BOUNDS),
    'k3k_api_overall_request_duration_seconds{group="write"': (f"{LATENCY}_bucket", WRITES, BOUNDS),
    'k3k_api_request_duration_seconds{group="read", scope="resource"': (
        f"{LATENCY}_bucket",
        f'{READS}, scope="resource"',
        BOUNDS,
    ),
    'k3k_datastore_request_duration_seconds{operation="get"': (
        "etcd_request_duration_seconds_bucket",
        'operation="get"',
        (0.0, 0.005, 0.025, *BOUNDS[1:]),
    ),
}


async def estimates(watched: Watched, round_at: Point) -> list[tuple[float, float, Sequence[float]]] | None:
    """Return each quantile of the exporter's last window beside PromQL's of the same window, and the bounds.

    Args:
        watched: the Prometheus and what it reads.
        round_at: the exporter's last round: its time as value, and when Prometheus read that.

    Returns:
        None when Prometheus missed so many scrapes that it knows nothing of that window.
    """
    found = []
    ours_alone = f'name="{SLOW}", instance="{watched.exporters[0].address}"'
    for gauge, (buckets, matchers, bounds) in COMPARED.items():
        for quantile, job in product((0.5, 0.9, 0.99), ("direct", "through")):
            ours = await watched.running.value(
                f'{gauge}, {ours_alone}, quantile="{quantile}"}} @ {round_at.at:.3f}'
            )
            window = f"[{INTERVAL:g}s] @ {round_at.value:.3f}"
            grown = f'increase({buckets}{{job="{job}", {matchers}}}{window})'
            truth = await watched.running.query(f"histogram_quantile({quantile}, sum by (le) ({grown}))")
            if not truth:
                return None
            found.append((ours, truth[0].value, bounds))
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_control_planes_are_discovered_probed_and_their_pages_passed_on(watched: Watched) -> None:
    host, running = watched.host, watched.running
    where = f'namespace="{host.namespace}", name="{LEAVING}"'
    probed = f'job="probes", instance="{host.namespace}/{LEAVING}"'
    await running.until(f"k3k_probe_success{{{probed}}} == 1")
    await running.until(f'kubernetes_build_info{{job="pages", {where}}}')

    (await host.k3k("delete", LEAVING, "-n", host.namespace, "--yes")).checked()
    for gone in (f"up{{{probed}}}", f'up{{job="pages", {where}}}'):
        await running.until(f"count({gone}) or vector(0)", lambda points: points[0].value == 0)
    active = (await running.api("targets"))["activeTargets"]
    assert [target for target in active if LEAVING in json.dumps(target)] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_rules_and_dashboard_work_on_a_pair_of_exporters_and_a_fault_gives_one_alert(
    watched: Watched,
) -> None:
    host, running = watched.host, watched.running
    if host.sandbox is None:
        pytest.skip("only servers of the sandbox can be given faults")
    await running.until(f'control_plane:k3k_api_error_budget:burn5m{{name="{FAILING}"}}')
    quiet = f'ALERTS{{alertname=~"K3kKine.*|K3kControlPlaneDown", name="{FAILING}"}}'
    assert await running.query(quiet) == []

    await break_down(host, FAILING, "kine-errors")
    counts = f'k3k_kine_insert_errors_total{{namespace="{host.namespace}"}} > 0'
    await running.until(f"count({counts})", lambda points: bool(points) and points[0].value == 2)
    (fired,) = await running.until('ALERTS{alertname="K3kKineInsertsFailing", alertstate="firing"}')
    labels = {"host", "namespace", "name", "severity", "alertname", "alertstate", "__name__"}
    assert fired.labels.keys() == labels
    assert (fired.labels["namespace"], fired.labels["name"]) == (host.namespace, FAILING)

    groups = (await running.api("rules"))["groups"]
    states = {
        rule["name"]: (rule["health"], rule.get("lastError")) for group in groups for rule in group["rules"]
    }
    assert len(states) == sum(len(group.alerts) + len(group.records) for group in load_groups())
    assert set(states.values()) == {("ok", None)}
    await every_query_of_the_dashboard(running)


@pytest.mark.asyncio(loop_scope="module")
async def test_quantiles_of_the_exporter_are_those_of_promql_on_the_raw_page(watched: Watched) -> None:
    if watched.host.sandbox is None:
        pytest.skip("only servers of the sandbox can be given faults")
    running = watched.running
    ours_alone = f'name="{SLOW}", instance="{watched.exporters[0].address}"'
    last = f"k3k_control_plane_last_scrape_timestamp_seconds{{{ours_alone}}}"
    await running.until(last)
    (first,) = await running.query(f"min_over_time({last}[1h])")
    # The second window after that one lies wholly in what Prometheus has seen.
    after, apart = first.value + 2 * INTERVAL, None
    # A program that was late has seen another window; what is computed wrongly is wrong in all of them.
    for _ in range(WINDOWS):
        (seen,) = await running.until(f"{last} >= {after:.3f} and k3k_api_requests_total > 0")
        pairs, after = await estimates(watched, seen), seen.value + INTERVAL / 2
        if pairs is None:
            continue
        assert len(pairs) == 6 * len(COMPARED)
        apart = [pair[:2] for pair in pairs if not within_bucket_error(*pair)]
        if not apart:
            break
    assert apart == []


async def every_query_of_the_dashboard(running: Prometheus) -> None:
    """Ask every query of the dashboard; what a control plane with sqlite has must have an answer."""
    values = {
        "$__rate_interval": "1m",
        "$top": "10",
        '"$host"': '".*"',
        '"$namespace"': '".*"',
        '"$name"': '".*"',
    }
    empty = set()
    for row in load_dashboard().rows:
        for panel in row.panels:
            for query in panel.queries:
                expression = query.expr
                for variable, value in values.items():
                    expression = expression.replace(variable, value)
                if not await running.query(expression) and not panel.title.startswith("etcd"):
                    empty.add(f"{row.title}: {panel.title}")
    assert empty <= MAYBE_EMPTY


@needs_promtool
async def test_promtool_takes_the_rules_as_the_command_prints_them(
    host: HostUnderTest, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text((await host.k3k("alerts")).checked().out)
    (await promtool("check", "rules", str(path))).checked()
    assert path.read_text() == to_yaml(rule_file(load_groups()))
