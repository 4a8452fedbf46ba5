"""Datastore, certificates, processes and servers: what each figure is taken from."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.signals.certificates import MAX_CERTIFICATES
from k3k_core.telemetry.signals.model import ApiSignals, DatastoreSignals, ServerHealth
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.small_pages import counter, gauge, histogram, page

DAY = 86_400.0
NOW = 1_700_000_000.0


def datastore(*rounds: str, etcd: bool = False) -> DatastoreSignals:
    """Return what is said of the datastore after pages that came 15 seconds apart."""
    tracker = Tracker()

    def observe(at: float, text: str) -> DatastoreSignals:
        one = ServerObservation("a", page=page(text), page_at=at)
        observation = (
            Observation(at, (ServerObservation("a"),), etcd=(one,)) if etcd else Observation(at, (one,))
        )
        return tracker.observe(observation).datastore

    return [observe(NOW + 15 * number, text) for number, text in enumerate(rounds)][-1]


@pytest.mark.parametrize(
    ("family", "labels"),
    [
        ("apiserver_storage_size_bytes", 'storage_cluster_id="etcd-0"'),
        ("apiserver_storage_size_bytes", 'cluster="etcd-0"'),
        ("apiserver_storage_db_total_size_in_bytes", 'endpoint="unix://kine.sock"'),
        ("etcd_db_total_size_in_bytes", 'endpoint="unix://kine.sock"'),
    ],
)
def test_the_size_under_every_name_it_has_had(family: str, labels: str) -> None:
    assert datastore(gauge(family, {labels: 4096})).size_bytes == 4096


def test_members_of_an_etcd_hold_the_same_data_storage_clusters_do_not() -> None:
    members = gauge("etcd_db_total_size_in_bytes", {'endpoint="a"': 10, 'endpoint="b"': 12})
    clusters = gauge(
        "apiserver_storage_size_bytes", {'storage_cluster_id="etcd-0"': 10, 'storage_cluster_id="etcd-1"': 12}
    )
    assert datastore(members).size_bytes == 12
    assert datastore(clusters).size_bytes == 22


def test_a_size_that_could_not_be_read_is_none() -> None:
    assert datastore(gauge("etcd_db_total_size_in_bytes", {'endpoint="a"': -1})).size_bytes is None


def test_growth_is_over_the_time_between_the_first_size_of_the_hour_and_the_last() -> None:
    sizes = [gauge("apiserver_storage_size_bytes", 1000 + 30 * number) for number in range(9)]
    assert datastore(sizes[0]).growth is None
    assert datastore(*sizes).growth == 2.0


@pytest.mark.parametrize(
    ("family", "labels", "name"),
    [
        ("apiserver_resource_objects", 'group="apps",resource="deployments"', "deployments.apps"),
        ("apiserver_resource_objects", 'group="",resource="pods"', "pods"),
        ("apiserver_storage_objects", 'resource="deployments.apps"', "deployments.apps"),
        ("etcd_object_counts", 'resource="deployments.apps"', "deployments.apps"),
    ],
)
def test_objects_under_every_name_they_have_had(family: str, labels: str, name: str) -> None:
    assert datastore(gauge(family, {labels: 7})).objects == {name: 7}


def test_the_ten_largest_numbers_of_objects_and_none_that_failed() -> None:
    counts = {f'resource="r{number:02}"': number for number in range(20)} | {'resource="failed"': -1}
    found = datastore(gauge("apiserver_storage_objects", counts)).objects
    assert list(found.items()) == [(f"r{number:02}", number) for number in range(19, 9, -1)]


@pytest.mark.parametrize("name", ["", ',name="Insert"'], ids=["kine before 0.16", "kine of today"])
def test_sql_statements_fail_by_their_error_code(name: str) -> None:
    def text(times: float) -> str:
        return counter(
            "kine_sql_total", {f'error_code=""{name}': 90 * times, f'error_code="5"{name}': 10 * times}
        )

    found = datastore(text(1), text(2))
    assert (found.sql_errors, found.sql_error_ratio) == (10, 0.1)


def test_kine_that_reports_nothing_is_none() -> None:
    found = datastore(gauge("up", 1), gauge("up", 1))
    assert (found.sql, found.sql_errors, found.sql_error_ratio, found.insert_errors) == (None,) * 4


def test_inserts_that_kine_tries_again_are_not_given_up() -> None:
    def text(n: float) -> str:
        return counter("kine_insert_errors_total", {'retriable="true"': 50 * n, 'retriable="false"': 2 * n})

    assert datastore(text(1), text(2)).insert_errors == 2


def test_a_datastore_that_never_failed_says_nothing_of_errors() -> None:
    found = datastore(
        counter("etcd_requests_total", {'operation="get"': 1}),
        counter("etcd_requests_total", {'operation="get"': 9}),
    )
    assert (found.requests, found.errors, found.error_ratio) == (8, None, None)


def test_connections_of_servers_add_up_and_zero_means_no_limit() -> None:
    def text(limit: float) -> str:
        return gauge("go_sql_max_open_connections", {'db_name="kine"': limit}) + gauge(
            "go_sql_in_use_connections", {'db_name="kine"': 3}
        )

    def both(one: float, other: float) -> DatastoreSignals:
        servers = tuple(ServerObservation(str(limit), page=page(text(limit))) for limit in (one, other))
        return Tracker().observe(Observation(NOW, servers)).datastore

    assert (both(10, 20).connections_max, both(10, 20).connections_in_use) == (30, 6)
    assert both(10, 0).connections_max == 0


def test_the_kind_is_what_the_host_says() -> None:
    assert Tracker().observe(Observation(NOW, (), datastore="external")).datastore.kind == "external"


def test_an_etcd_of_which_no_member_answers() -> None:
    members = (ServerObservation("etcd-0", page_error="refused"),) * 3
    found = Tracker().observe(Observation(NOW, (), etcd=members)).datastore.etcd
    assert found is not None
    assert (found.members, found.members_up, found.has_leader, found.size_bytes) == (3, 0, None, None)


def test_an_etcd_has_a_leader_when_every_member_that_answers_knows_one() -> None:
    def members(*leaders: float) -> bool | None:
        asked = tuple(
            ServerObservation(f"etcd-{number}", page=page(gauge("etcd_server_has_leader", leader)))
            for number, leader in enumerate(leaders)
        )
        found = Tracker().observe(Observation(NOW, (), etcd=asked)).datastore.etcd
        return None if found is None else found.has_leader

    assert members(1, 1, 1) is True
    assert members(1, 0, 1) is False


def test_fsync_of_an_etcd() -> None:
    def text(count: float) -> str:
        return histogram(
            "etcd_disk_wal_fsync_duration_seconds", {"": [0, count, 0, 0]}, (0.001, 0.002, 0.004)
        )

    found = datastore(text(0), text(10), etcd=True).etcd
    assert found is not None
    assert found.fsync is not None
    assert found.fsync.p50 == pytest.approx(0.0015)


def test_certificates_come_the_first_to_expire_first_from_every_source() -> None:
    text = gauge(
        "k3s_certificate_expiration_seconds",
        {
            'subject="CN=kube-apiserver",usages="ServerAuth"': 20 * DAY,
            'subject="CN=system:admin",usages=""': -DAY,
        },
    )
    server = ServerObservation("a", Probe(True, 0.1, (), NOW + 90 * DAY), page=page(text), page_at=NOW)
    observation = Observation(NOW, (server,), authorities=(("server-ca", NOW + 3650 * DAY),))
    found = Tracker().observe(observation).certificates
    assert [(one.name, one.source, round(one.days_left)) for one in found] == [
        ("CN=system:admin", "page", -1),
        ("CN=kube-apiserver", "page", 20),
        ("serving", "handshake", 90),
        ("server-ca", "secret", 3650),
    ]


def test_of_files_with_the_same_subject_the_first_to_expire_counts() -> None:
    text = gauge(
        "k3s_certificate_expiration_seconds",
        {'subject="CN=a",usages="ServerAuth"': 20 * DAY, 'subject="CN=a",usages="ClientAuth"': 10 * DAY},
    )
    [found] = (
        Tracker()
        .observe(Observation(NOW, (ServerObservation("a", page=page(text), page_at=NOW),)))
        .certificates
    )
    assert found.days_left == pytest.approx(10)


def test_certificates_no_calendar_can_show_are_left_out() -> None:
    probe = Probe(True, 0.1, (), 1e300)
    authorities = (("a", float("nan")), ("b", -5.0), ("c", NOW))
    found = Tracker().observe(Observation(NOW, (ServerObservation("a", probe),), authorities=authorities))
    assert [one.name for one in found.certificates] == ["c"]


def test_a_page_with_a_million_certificates_gives_as_many_as_can_be_shown() -> None:
    lines = {f'subject="CN={number}"': float(number) for number in range(5000)}
    server = ServerObservation(
        "a", page=page(gauge("k3s_certificate_expiration_seconds", lines)), page_at=NOW
    )
    found = Tracker().observe(Observation(NOW, (server,))).certificates
    assert len(found) == MAX_CERTIFICATES
    assert found[0].name == "CN=0"


@pytest.mark.parametrize("label", ["git_version", "gitVersion"])
def test_the_version_under_both_its_labels(label: str) -> None:
    text = gauge("kubernetes_build_info", {f'{label}="v1.36.3+k3s1"': 1})
    [process] = Tracker().observe(Observation(NOW, (ServerObservation("a", page=page(text)),))).processes
    assert process.version == "v1.36.3+k3s1"


def test_health_is_what_the_probe_found_or_why_there_is_none() -> None:
    servers = (
        ServerObservation("a", Probe(True, 0.02)),
        ServerObservation("b", Probe(False, 0.5, ("etcd",)), page_error="answered 503"),
        ServerObservation("c", probe_error="refused the connection"),
    )
    signals = Tracker().observe(Observation(NOW, servers))
    assert signals.servers == (
        ServerHealth("a", ready=True, round_trip=0.02),
        ServerHealth("b", ready=False, round_trip=0.5, failing=("etcd",), page_error="answered 503"),
        ServerHealth("c", ready=False, error="refused the connection"),
    )
    assert signals.servers_ready == 1


def test_rejections_by_priority_level_and_streams_apart() -> None:
    def text(n: float) -> str:
        return (
            counter(
                "apiserver_flowcontrol_rejected_requests_total",
                {
                    'priority_level="low",reason="time-out"': n,
                    'priority_level="low",reason="queue-full"': 2 * n,
                },
            )
            + counter("apiserver_request_terminations_total", {'verb="GET"': n, 'verb="WATCH"': 100 * n})
            + counter(
                "apiserver_request_total", {'verb="GET",code="200"': 57 * n, 'verb="WATCH",code="200"': n}
            )
        )

    tracker = Tracker()

    def observe(at: float, n: float) -> ApiSignals:
        server = ServerObservation("a", page=page(text(n)), page_at=at)
        return tracker.observe(Observation(at, (server,))).api

    observe(NOW, 1)
    api = observe(NOW + 15, 4)
    assert api.rejected == {"low": 9}
    assert api.rejected_rate == 0.6
    assert api.requests == 171
    assert api.terminated_ratio == pytest.approx(3 / 174)
