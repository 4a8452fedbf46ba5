"""What a simulated k3s server writes: its start, its daily business, and what its faults look like.

The two forms are those of k3s: logrus text for k3s and kine, klog for the Kubernetes components. Which lines come
when is decided by seed, minute for minute, so that the log of any time can be told without keeping it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.sandbox.fault_catalogue import name_of
from k3k_core.sandbox.node.log import Entry

if TYPE_CHECKING:
    from k3k_core.sandbox.fault_board import Spells

_MINUTE = 60
_LINES_A_MINUTE = (3, 9)
_FAULT_LINES_A_MINUTE = (4, 12)

# Level, place in the source (klog; empty for logrus) and words. {n} a small number, {ms} milliseconds, {res} a
# resource, {ns} a namespace, {hex} an identifier.
_Line = tuple[str, str, str]

_BUSINESS: Sequence[_Line] = (
    ("I", "controller.go:667", "quota admission added evaluator for: {res}"),
    ("I", "cacher.go:1024", "cacher ({res}): {n} objects queued in incoming channel."),
    (
        "I",
        "alloc.go:330",
        'allocated clusterIPs service="{ns}/web-{n}" clusterIPs={{"IPv4":"10.43.{n}.{n}"}}',
    ),
    (
        "I",
        "replica_set.go:679",
        'Finished syncing kind="ReplicaSet" key="{ns}/web-{hex}" duration="{ms}.104ms"',
    ),
    (
        "I",
        "event.go:389",
        'Event occurred object="{ns}/web-{hex}" kind="ReplicaSet" reason="SuccessfulCreate"',
    ),
    ("I", "garbagecollector.go:787", "failed to discover some groups: map[]"),
    ("I", "shared_informer.go:349", 'Caches are synced controller="resource quota"'),
    (
        "I",
        "topologycache.go:253",
        'Insufficient node info for topology hints totalZones=0 service="{ns}/web"',
    ),
    (
        "I",
        "trace.go:236",
        'Trace[{n}{n}]: "Update" url:/apis/coordination.k8s.io/v1/leases (total time: {ms}ms):',
    ),
    ("info", "", "COMPACT compactRev={n}{n}{n} targetCompactRev={n}{n}{n}0 currentRev={n}{n}{n}9"),
    (
        "info",
        "",
        "COMPACT deleted {n} rows from {n} revisions in {ms}.4ms - compacted to {n}{n}{n}0/{n}{n}{n}9",
    ),
    ("info", "", "certificate CN=kube-apiserver signed by CN=k3s-server-ca: notAfter is far away"),
    ("info", "", "Tunnel server egress proxy mode: cluster, {n} agents"),
    ("W", "cacher.go:171", "Terminating all watchers from cacher {res}"),
)

# By fault; those without lines show on the page only.
_TROUBLE: dict[str, Sequence[_Line]] = {
    "api-slow": (
        ("I", "trace.go:236", 'Trace[{n}{n}{n}]: "List" url:/api/v1/{res} (total time: {ms}0ms):'),
        ("W", "timeout.go:140", "slow request GET /api/v1/namespaces/{ns}/{res}: took {ms}0ms"),
    ),
    "api-errors": (
        ("E", "status.go:71", "apiserver received an error that is not an metav1.Status: context canceled"),
        ("E", "writers.go:123", "apiserver was unable to write a JSON response: http: Handler timeout"),
    ),
    "api-failing": (
        (
            "E",
            "timeout.go:140",
            "Post-timeout activity - time-elapsed: {ms}.2ms, GET /api/v1/{res} result: <nil>",
        ),
        (
            "E",
            "status.go:71",
            "apiserver received an error that is not an metav1.Status: rpc error: unavailable",
        ),
    ),
    "overloaded": (
        ("W", "apf_filter.go:153", "request rejected: priority level global-default, reason queue-full"),
    ),
    "apiservice-unavailable": (
        (
            "E",
            "remote_available_controller.go:462",
            "v1beta1.metrics.k8s.io failed with: 503 service unavailable",
        ),
    ),
    "datastore-slow": (
        (
            "info",
            "",
            "Slow SQL (started: {ms}ms ago) (total time: 1.{n}s): SELECT * FROM kine WHERE name LIKE ?",
        ),
    ),
    "datastore-stalling": (
        (
            "warning",
            "",
            "Slow SQL (started: {ms}ms ago) (total time: 1{n}.2s): INSERT INTO kine(name, created)",
        ),
        (
            "E",
            "leaderelection.go:441",
            "failed to renew lease kube-system/kube-scheduler: context deadline exceeded",
        ),
    ),
    "datastore-errors": (("error", "", "error in txn for key /registry/{res}/{ns}: database is locked"),),
    "datastore-failing": (
        ("error", "", "error while range on /registry/{res}/{ns}: database is locked"),
        ("E", "errors.go:77", "etcdserver: request timed out"),
    ),
    "kine-errors": (
        ("error", "", "insert error for /registry/{res}/{ns}/web-{n}: disk I/O error"),
        ("error", "", "Compact failed: failed to compact to revision {n}{n}{n}0: disk I/O error"),
    ),
    "pool-exhausted": (
        ("warning", "", "waiting for a database connection: {n} of {n} in use"),
        ("error", "", "error while range on /registry/{res}: context deadline exceeded"),
    ),
    "queue-stuck": (
        ("E", "deployment_controller.go:660", 'Unhandled error syncing deployment "{ns}/web-{n}": timed out'),
        ("W", "reflector.go:579", "watch of *v1.{res} ended with: too old resource version"),
    ),
    "queue-slow": (
        ("I", "deployment_controller.go:634", 'Retrying deployment "{ns}/web-{n}" err="conflict"'),
    ),
    "queue-deep": (
        ("I", "endpointslice_controller.go:344", 'Syncing "{ns}/web-{n}" waited {ms}0ms in queue'),
    ),
    "pods-pending": (
        (
            "I",
            "schedule_one.go:1104",
            'Unable to schedule pod; no fit; waiting pod="{ns}/web-{hex}" err="0 nodes"',
        ),
    ),
    "certificates-expiring": (
        ("warning", "", "certificate CN=kube-apiserver will expire within 120 days; restart to renew it"),
    ),
    "certificate-expired": (("error", "", "certificate CN=kube-apiserver has expired"),),
    "check-failing": (("I", "healthz.go:280", "a check failed: readyz: the simulated failure goes on"),),
    "unready": (
        ("I", "healthz.go:280", "etcd check failed: readyz etcd failed: error getting data from etcd"),
    ),
    "file-descriptors": (
        ("error", "", "http: Accept error: accept tcp [::]:6443: too many open files; retrying"),
    ),
    "file-descriptors-low": (("warning", "", "process has {n}00 open files"),),
    "memory-leak": (("I", "gc.go:88", "heap grew to {n}{n}0MiB"),),
}
_RESOURCES = (
    "configmaps",
    "deployments.apps",
    "endpointslices",
    "leases",
    "pods",
    "replicasets.apps",
    "secrets",
)
_NAMESPACES = ("default", "kube-system", "shop", "monitoring")


@dataclass(frozen=True, slots=True)
class ServerChatter:
    """What a running server writes by itself; see `node.log.Chatter`.

    Attributes:
        seed: decides which lines come when.
        spells: when its faults were on.
    """

    seed: str
    spells: Spells

    def __call__(self, since: datetime, until: datetime) -> Iterator[Entry]:
        """Yield the lines of a time, in order.

        Args:
            since: its beginning, which does not belong to it.
            until: its end, which does.
        """
        first, last = since.timestamp(), until.timestamp()
        for minute in range(int(first // _MINUTE), int(last // _MINUTE) + 1):
            for at, text in self._minute(minute):
                if first < at <= last:
                    yield Entry(datetime.fromtimestamp(at, UTC), text)

    def _minute(self, minute: int) -> list[tuple[float, str]]:
        chance = random.Random(f"{self.seed}/{minute}")  # noqa: S311, not a secret
        begins = float(minute * _MINUTE)
        lines = [self._line(chance, begins, _BUSINESS) for _ in range(chance.randint(*_LINES_A_MINUTE))]
        for fault in sorted(self.spells.seen()):
            words = _TROUBLE.get(name_of(fault), ())
            spells = self.spells.during(fault, begins, begins + _MINUTE)
            for _ in range(chance.randint(*_FAULT_LINES_A_MINUTE) if words else 0):
                line = self._line(chance, begins, words)
                if any(start <= line[0] <= end for start, end in spells):
                    lines.append(line)
        return sorted(lines)

    def _line(self, chance: random.Random, begins: float, lines: Sequence[_Line]) -> tuple[float, str]:
        at = begins + chance.uniform(0, _MINUTE)
        level, place, words = chance.choice(lines)
        text = words.format(
            n=chance.randint(1, 99),
            ms=chance.randint(12, 980),
            res=chance.choice(_RESOURCES),
            ns=chance.choice(_NAMESPACES),
            hex=f"{chance.getrandbits(36):09x}",
        )
        return at, in_k3s_form(datetime.fromtimestamp(at, UTC), level, text, place)


def start_lines(version: str, engine: str) -> tuple[tuple[str, str, str], ...]:
    """Return (level, place, words) of what a server writes while it starts, before its API runs.

    Args:
        version: of k3s.
        engine: what kine stands before, "sqlite" or "sql"; empty without kine.
    """
    kine = (
        ("info", "", f"Configuring {engine} database connection pooling: maxIdleConns=20, maxOpenConns=0"),
        ("info", "", "Database tables and indexes are up to date"),
        ("info", "", "Kine available at unix://kine.sock"),
    )
    return (
        ("info", "", f"Starting k3s {version} (simulated by the k3k sandbox)"),
        *(kine if engine else ()),
        ("info", "", "Reconciling bootstrap data between datastore and disk"),
        ("info", "", "Running kube-apiserver, kube-scheduler and kube-controller-manager"),
        ("I", "options.go:249", "external host was not specified, using the address of the pod"),
        ("info", "", "Waiting for API server to become available"),
    )


def ready_lines() -> tuple[tuple[str, str, str], ...]:
    """Return (level, place, words) of what a server writes when its API runs."""
    return (
        ("I", "handler.go:288", "Adding GroupVersion k3s.cattle.io v1 to ResourceManager"),
        ("info", "", "Kube API server is now running"),
        ("info", "", "k3s is up and running"),
        ("I", "shared_informer.go:356", 'Caches are synced controller="namespace"'),
    )


def in_k3s_form(at: datetime, level: str, text: str, place: str = "") -> str:
    """Return a line as k3s writes it.

    Args:
        at: when.
        level: "info", "warning" or "error" of logrus; "I", "W" or "E" of klog.
        text: the words.
        place: file and line, for klog.
    """
    if place:
        return f"{level}{at:%m%d %H:%M:%S.%f}       1 {place}] {text}"
    words = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'time="{at:%Y-%m-%dT%H:%M:%SZ}" level={level} msg="{words}"'
