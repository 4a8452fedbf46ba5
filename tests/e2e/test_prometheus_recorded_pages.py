"""Signals of recorded pages beside a real Prometheus that scraped the same pages.

Prometheus gets each pair of pages as two scrapes of one target. Its queries look at a window that begins and ends with
these two samples to the millisecond, so that `increase` has nothing to extrapolate and both must give the same figures.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from k3k_core.telemetry.families import ETCD_WANTED, WANTED
from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.scanner import scan
from k3k_core.telemetry.signals.model import Latency, Signals
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.loopback import serve
from tests.support.prometheus import Prometheus, needs_prometheus, prometheus

# One Prometheus for all of them.
pytestmark = pytest.mark.xdist_group("recorded pages")

PAGES = Path(__file__).parents[1] / "data/metrics"
API, CONTROLLERS, ETCD, K3S = (
    "kube-apiserver-1.36.2",
    "kube-controller-manager-1.36.2",
    "etcd-3.6.8",
    "k3s-1.21.3-agentless",
)
ONCE = 'verb!~"WATCH|WATCHLIST|CONNECT", subresource!~"proxy|attach|log|exec|portforward"'
READS = f'verb=~"GET|LIST", {ONCE}'
WRITES = f'verb=~"POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION", {ONCE}'
ALL_COUNTED = f'verb=~"GET|LIST|POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION", {ONCE}'
SINCE_1_26, BEFORE = "apiserver_request_sli_duration_seconds", "apiserver_request_duration_seconds"
Order = tuple[str, str]
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Scrapes:
    """Two scrapes of one target.

    Attributes:
        job: name of the target's job.
        first: time of the first, seconds since 1970.
        second: time of the second.
    """

    job: str
    first: float
    second: float

    def increase(self, series: str, matchers: str) -> str:
        """Return PromQL for the increase from the one to the other."""
        window = round((self.second - self.first) * 1000)
        comma = ", " if matchers else ""
        return f'increase({series}{{job="{self.job}"{comma}{matchers}}}[{window}ms] @ {self.second:.3f})'


@dataclass(frozen=True, slots=True)
class Oracle:
    """A Prometheus that has read the pages of one control plane.

    Attributes:
        prometheus: it.
        scrapes: of each of its targets.
    """

    prometheus: Prometheus
    scrapes: tuple[Scrapes, ...]

    def increase(self, series: str, matchers: str = "") -> str:
        """Return PromQL for the increase of a series on all targets."""
        return " or ".join(each.increase(series, matchers) for each in self.scrapes)

    async def number(self, expression: str) -> float | None:
        """Return the answer to a query; None when it is empty or NaN."""
        points = await self.prometheus.query(expression)
        assert len(points) <= 1
        return points[0].value if points and not math.isnan(points[0].value) else None

    async def total(self, series: str, matchers: str = "") -> float | None:
        """Return the sum of the increases of a series."""
        return await self.number(f"sum({self.increase(series, matchers)})")

    async def by_label(self, expression: str, *labels: str) -> dict[str, float]:
        """Return the answers to a query by the values of labels, without those that are NaN."""
        points = await self.prometheus.query(expression)
        return {
            ".".join(value for label in labels if (value := point.labels.get(label))): point.value
            for point in points
            if not math.isnan(point.value)
        }

    async def latency(self, family: str, matchers: str = "") -> dict[str, float | None]:
        """Return the figures of a histogram as a dictionary with the attributes of `Latency`."""
        buckets = f"sum by (le) ({self.increase(f'{family}_bucket', matchers)})"
        quantiles = {
            name: await self.number(f"histogram_quantile({q}, {buckets})") for name, q in QUANTILES.items()
        }
        count, total = (
            await self.total(f"{family}_count", matchers),
            await self.total(f"{family}_sum", matchers),
        )
        return {"count": count, "total": total, **quantiles}


@asynccontextmanager
async def reading(
    directory: Path, orders: Iterable[Order], pages: Iterable[str]
) -> AsyncIterator[Prometheus]:
    """Let a Prometheus read both pages of each pair, in each order.

    Args:
        directory: empty folder for it.
        orders: which page comes first.
        pages: names of the pairs.
    """
    async with AsyncExitStack() as stack:
        jobs = []
        for name, order in product(pages, orders):
            served = await stack.enter_async_context(serve(*answers(name, order), web.Response(status=503)))
            address = served.url.removeprefix("http://")
            jobs.append({"job_name": job(name, order), "static_configs": [{"targets": [address]}]})
        configuration = {"global": {"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs}
        running = await stack.enter_async_context(prometheus(configuration, directory))
        # Both pages were read once a third scrape has failed.
        await running.until("count(up == 0)", lambda points: bool(points) and points[0].value == len(jobs))
        yield running


def job(name: str, order: Order) -> str:
    """Return the name of the job that reads a pair in an order."""
    return "-".join((name, *order))


def answers(name: str, order: Order) -> Iterator[web.Response]:
    """Yield both pages of a pair as a server gives them, gzipped."""
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Content-Encoding": "gzip"}
    for number in order:
        yield web.Response(body=(PAGES / f"{name}-{number}.txt.gz").read_bytes(), headers=headers)


async def scrapes(running: Prometheus, job: str) -> Scrapes:
    """Return when a target's two pages were scraped."""
    points = await running.samples(f'up{{job="{job}"}}[1h]')
    first, second = sorted(point.at for point in points if point.value == 1)
    return Scrapes(job, first, second)


def signals(order: Order, servers: tuple[str, ...], etcd: tuple[str, ...]) -> Signals:
    """Compute the signals of a control plane from both pages of each of its servers."""
    tracker = Tracker()
    found = None
    for at, number in zip((1000.0, 1015.0), order, strict=True):
        found = tracker.observe(
            Observation(
                at=at,
                servers=tuple(observed(name, number, at, WANTED) for name in servers),
                etcd=tuple(observed(name, number, at, ETCD_WANTED) for name in etcd),
            )
        )
    assert found is not None
    return found


def observed(name: str, number: str, at: float, wanted: frozenset[str]) -> ServerObservation:
    """Return a server whose page is one of a pair."""
    page = scan((PAGES / f"{name}-{number}.txt.gz").read_bytes(), wanted)
    return ServerObservation(server=name, page=page, page_at=at)


def assert_same(latency: Latency | None, expected: Mapping[str, float | None]) -> None:
    """Compare a distribution with what Prometheus says of it."""
    assert latency is not None
    for name, value in expected.items():
        ours = getattr(latency, name)
        assert (ours is None) == (value is None), f"{name}: {ours} here, {value} in Prometheus"
        if value is not None:
            assert ours == pytest.approx(value, rel=1e-9), name


def assert_same_numbers(ours: Mapping[str, float], expected: Mapping[str, float]) -> None:
    """Compare figures by name with what Prometheus says of them."""
    assert ours == {name: pytest.approx(value, rel=1e-9) for name, value in expected.items()}


CONTROL_PLANES = {
    "k3s 1.21": ((K3S,), (), BEFORE),
    "Kubernetes 1.36": ((API, CONTROLLERS), (ETCD,), SINCE_1_26),
}


FORWARD: Order = ("t0", "t1")
# Nearly every counter is lower on the second page, as after a restart that nobody noticed.
BACKWARD: Order = ("t1", "t0")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """A Prometheus that has read the pages of all control planes."""
    pages = {name for servers, etcd, _ in CONTROL_PLANES.values() for name in (*servers, *etcd)}
    async with reading(tmp_path_factory.mktemp("prometheus"), (FORWARD, BACKWARD), pages) as found:
        yield found


@needs_prometheus
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("order", [FORWARD, BACKWARD], ids=["as recorded", "with counters reset"])
@pytest.mark.parametrize("control_plane", list(CONTROL_PLANES))
async def test_signals_are_what_prometheus_computes_from_the_same_pages(
    control_plane: str, order: Order, running: Prometheus
) -> None:
    servers, etcd, family = CONTROL_PLANES[control_plane]
    found = signals(order, servers, etcd)
    truth = Oracle(running, tuple([await scrapes(running, job(name, order)) for name in (*servers, *etcd)]))
    await compare_requests(found, truth)
    await compare_latency_of_requests(found, truth, family)
    await compare_error_budget(found, truth, family)
    await compare_datastore(found, truth)
    await compare_queues(found, truth)
    if etcd:
        await compare_etcd(found, truth)


async def compare_requests(found: Signals, truth: Oracle) -> None:
    """Numbers of requests."""
    assert found.api.requests == await truth.total("apiserver_request_total", ONCE)
    assert found.api.requests
    failed = await truth.total("apiserver_request_total", f'{ONCE}, code=~"5.."')
    assert found.api.errors == (failed or 0.0)


async def compare_latency_of_requests(found: Signals, truth: Oracle, family: str) -> None:
    """Reads, writes, each scope, the slowest resources."""
    assert_same(found.api.reads, await truth.latency(family, READS))
    assert_same(found.api.writes, await truth.latency(family, WRITES))
    assert found.api.by_scope
    for (group, scope), latency in found.api.by_scope.items():
        matchers = f'{READS if group == "read" else WRITES}, scope="{scope}"'
        assert_same(latency, await truth.latency(family, matchers))
    for group, matchers in (("read", READS), ("write", WRITES)):
        buckets = truth.increase(f"{family}_bucket", f'{matchers}, resource!=""')
        p99 = await truth.by_label(
            f"histogram_quantile(0.99, sum by (le, resource, group) ({buckets}))", "resource", "group"
        )
        ours = {each.resource: each.latency.p99 for each in found.api.slowest if each.group == group}
        assert {name: p99[name] for name in ours} == {
            name: pytest.approx(value, rel=1e-9) for name, value in ours.items()
        }
        # Nothing that Prometheus finds slower was left out.
        least = min(each.latency.p99 or 0.0 for each in found.api.slowest)
        assert {name for name, value in p99.items() if value > least * (1 + 1e-9)} <= ours.keys()


async def compare_error_budget(found: Signals, truth: Oracle, family: str) -> None:
    """Requests that count for the error budget and those that spend it, by the definition of kubernetes-mixin."""
    counted = await truth.total("apiserver_request_total", ALL_COUNTED)
    assert found.api.counted == counted
    slow = 0.0
    limits = ((f'{READS}, scope=~"resource|"', "1"), (f'{READS}, scope="namespace"', "5"))
    for matchers, limit in (*limits, (f'{READS}, scope="cluster"', "30"), (WRITES, "1")):
        every = await truth.total(f"{family}_count", matchers)
        quick = await truth.total(f"{family}_bucket", f'{matchers}, le=~"{limit}([.]0)?"')
        slow += (every or 0.0) - (quick or 0.0)
    failed = await truth.total("apiserver_request_total", f'{ALL_COUNTED}, code=~"5.."')
    assert found.api.slow_or_failed == slow + (failed or 0.0)


async def compare_datastore(found: Signals, truth: Oracle) -> None:
    """Requests to the datastore, all of them and by operation."""
    family = "etcd_request_duration_seconds"
    assert_same(found.datastore.latency, await truth.latency(family))
    assert found.datastore.by_operation
    for operation, latency in found.datastore.by_operation.items():
        assert_same(latency, await truth.latency(family, f'operation="{operation}"'))
    assert found.datastore.requests == await truth.total("etcd_requests_total")


async def compare_queues(found: Signals, truth: Oracle) -> None:
    """Every work queue."""

    def by_name(figure: Callable[[Latency], float | None]) -> dict[str, float]:
        values = {
            queue.name: figure(queue.wait) for queue in found.controllers.queues if queue.wait is not None
        }
        return {name: value for name, value in values.items() if value is not None}

    buckets = truth.increase("workqueue_queue_duration_seconds_bucket")
    for q, figure in ((0.5, lambda wait: wait.p50), (0.99, lambda wait: wait.p99)):
        quantiles = await truth.by_label(f"histogram_quantile({q}, sum by (le, name) ({buckets}))", "name")
        assert quantiles
        assert_same_numbers(by_name(figure), quantiles)
    for series, ours in (
        ("workqueue_adds_total", {queue.name: queue.added for queue in found.controllers.queues}),
        ("workqueue_retries_total", {queue.name: queue.retries for queue in found.controllers.queues}),
    ):
        expected = await truth.by_label(f"sum by (name) ({truth.increase(series)})", "name")
        assert_same_numbers({name: value for name, value in ours.items() if value is not None}, expected)


async def compare_etcd(found: Signals, truth: Oracle) -> None:
    """Disks of a dedicated etcd."""
    assert found.datastore.etcd is not None
    assert_same(found.datastore.etcd.fsync, await truth.latency("etcd_disk_wal_fsync_duration_seconds"))
    assert_same(found.datastore.etcd.commit, await truth.latency("etcd_disk_backend_commit_duration_seconds"))
    failed = await truth.total("etcd_server_proposals_failed_total")
    assert found.datastore.etcd.proposals_failed == failed
