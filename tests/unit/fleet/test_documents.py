"""Rows of a fleet as documents: keys that stay, times in words, null for what is not known."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from k3k_core.fleet.documents import moment, row_document, signals_document
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.signals.model import ApiSignals, CertificateSignal, DatastoreSignals, Signals
from tests.support.made_up_signals import AT, etcd, finding, fleet_row, latency, signals

LATENCY = {"count", "total", "p50", "p90", "p99"}


def test_a_row_has_the_keys_of_a_list_and_more() -> None:
    row = fleet_row(signals())
    document = row.to_dict()
    assert document == row_document(row)
    assert row.control_plane.to_dict().keys() < document.keys()
    assert {"since", "findings", "pending", "reach", "staleSince", "signals"} < document.keys()
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("", {"at", "window", "servers", "api", "datastore", "controllers", "certificates", "processes"}),
        ("servers.0", {"server", "ready", "roundTrip", "failing", "error", "pageError"}),
        (
            "api",
            {
                "requestRate",
                "rateByVerb",
                "requests",
                "errors",
                "errorRatio",
                "reads",
                "writes",
                "byScope",
                "slowest",
                "inFlight",
                "inQueue",
                "rejected",
                "rejectedRate",
                "terminatedRatio",
                "longRunning",
                "slowOrFailed",
                "counted",
                "burn1h",
                "burn6h",
            },
        ),
        ("api.reads", LATENCY),
        ("api.byScope.0", LATENCY | {"group", "scope"}),
        ("api.slowest.0", {"resource", "group", "latency"}),
        (
            "datastore",
            {
                "kind",
                "latency",
                "byOperation",
                "requests",
                "errors",
                "errorRatio",
                "sizeBytes",
                "growth",
                "objects",
                "sql",
                "sqlErrors",
                "sqlErrorRatio",
                "insertErrors",
                "compactions",
                "connectionsInUse",
                "connectionsMax",
                "connectionWait",
                "etcd",
            },
        ),
        ("datastore.byOperation.get", LATENCY),
        ("controllers", {"queues", "depth", "pendingPods", "unavailableApiServices"}),
        (
            "controllers.queues.0",
            {"name", "depth", "added", "retries", "wait", "work", "unfinished", "longestRunning", "stuck"},
        ),
        ("certificates.0", {"name", "server", "expiresAt", "daysLeft", "source"}),
        (
            "processes.0",
            {
                "server",
                "version",
                "startedAt",
                "restarted",
                "memoryBytes",
                "cpu",
                "openFiles",
                "maxFiles",
                "goroutines",
            },
        ),
    ],
)
def test_keys_of_signals_are_never_lost(path: str, keys: set[str]) -> None:
    found: Any = signals_document(signals())
    for step in filter(None, path.split(".")):
        found = found[int(step)] if step.isdigit() else found[step]
    assert keys <= found.keys()


def test_an_etcd_of_ours_is_an_object_and_null_otherwise() -> None:
    own = signals_document(signals(datastore=DatastoreSignals(etcd=etcd())))["datastore"]["etcd"]
    assert (own["members"], own["membersUp"], own["hasLeader"]) == (3, 2, True)
    assert signals_document(signals())["datastore"]["etcd"] is None


def test_times_are_in_words() -> None:
    document = signals_document(signals())
    assert document["at"] == "2026-06-01T00:00:00Z"
    assert document["certificates"][0]["expiresAt"] == "2026-08-04T12:00:00Z"
    assert document["processes"][0]["startedAt"] == "2026-05-31T23:00:00Z"


def test_what_is_not_known_is_null_never_zero() -> None:
    document = signals_document(Signals(at=AT, window=0.0))
    assert document["api"]["requestRate"] is None
    assert document["api"]["reads"] is None
    assert document["datastore"]["sizeBytes"] is None
    assert document["controllers"]["depth"] is None


def test_numbers_that_json_has_not_are_null() -> None:
    odd = signals(api=ApiSignals(request_rate=math.nan, reads=latency(math.inf)))
    document = signals_document(odd)
    assert document["api"]["requestRate"] is None
    assert document["api"]["reads"]["p99"] is None
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("at", [1e18, -1e18, math.inf, math.nan, None])
def test_a_time_beyond_all_calendars_is_null(at: float | None) -> None:
    assert moment(at) is None


def test_a_certificate_to_the_end_of_days_does_not_end_the_document() -> None:
    lasting = CertificateSignal("serving", "s", 1e15, 1e10, "page")
    assert signals_document(signals(certificates=(lasting,)))["certificates"][0]["expiresAt"] is None


def test_findings_say_since_when_in_words() -> None:
    judgement = Judgement("Degraded", AT - 120, (finding(),), (finding(rule="QueueDeep", value=math.nan),))
    document = fleet_row(signals(), judgement=judgement).to_dict()
    assert (document["verdict"], document["reason"]) == (
        "Degraded",
        "Queue deployment is stuck with 12 items.",
    )
    assert document["findings"][0]["since"] == "2026-05-31T23:58:00Z"
    assert document["pending"][0]["value"] is None


def test_a_row_out_of_reach_says_why() -> None:
    document = fleet_row().to_dict()
    assert document["signals"] is None
    assert document["reach"] == {
        "way": None,
        "reason": "its metrics cannot be reached (no route)",
        "hint": "Route it.",
    }
