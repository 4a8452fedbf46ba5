"""`k3k metrics`: what is measured of one control plane."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from k3k_core.cli.metrics_output import metrics_text
from k3k_core.cli.terminal import Terminal
from k3k_core.errors import NotFoundError, UnreachableError
from k3k_core.fleet.rows import Reach
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    DatastoreSignals,
    ServerHealth,
    Signals,
)
from tests.support.command import Command
from tests.support.fake_look import FakeLook, look
from tests.support.made_up_signals import AT, etcd, finding, fleet_row, signals

__all__ = ["look"]

pytestmark = pytest.mark.usefixtures("kubeconfig")

SECTIONS = ["Servers:", "API:", "Datastore:", "Controllers:", "Certificates:", "Processes:"]


def text(measured: Signals | None, *, wide: bool = False, **row: Any) -> str:
    """The page of a row."""
    return metrics_text(Terminal(), fleet_row(measured, **row), wide=wide)


def line(page: str, label: str) -> str:
    """The value behind a label."""
    return next(
        found.partition(":")[2].strip()
        for found in page.splitlines()
        if found.strip().startswith(f"{label}:")
    )


def test_the_page_has_its_sections_in_order(k3k: Command, look: FakeLook) -> None:
    look.rows = [fleet_row(signals())]
    ended = k3k("metrics", "ci")
    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert [found for found in lines if found in SECTIONS] == SECTIONS
    assert look.asked == [("team-a/ci", 5.0)]


def test_values_have_units() -> None:
    page = text(signals())
    assert line(page, "Requests") == "20/s"
    assert line(page, "Size") == "5 MiB"
    assert line(page, "Window") == "5 s"
    assert line(page, "Budget burn") == "0.5x over 1 h"
    assert line(page, "Waiting") == "12"
    assert "serving   ci-k3k-server-0   handshake   2026-08-04   64d" in page
    assert "deployment   12" in page


def test_what_is_not_known_is_not_available_and_says_why() -> None:
    page = text(signals(api=ApiSignals(), datastore=DatastoreSignals()))
    assert line(page, "Requests") == "not available (its page does not tell)"
    assert line(page, "Size") == "not available (its page does not tell)"
    assert line(page, "Errors (5xx)") == "not available (nothing of the kind happened in the window)"


def test_after_one_scrape_rates_wait_for_the_second() -> None:
    page = text(signals(window=0.0, api=ApiSignals()))
    assert line(page, "Requests") == "not available (it takes two scrapes, and there has been one)"
    assert line(page, "Window") == "not available (one scrape so far)"


def test_without_a_page_the_reason_is_told_at_each_figure() -> None:
    server = ServerHealth("ci-k3k-server-0", ready=True, round_trip=0.01, page_error="it failed (500)")
    page = text(Signals(at=AT, window=0.0, servers=(server,)))
    assert line(page, "Requests") == "not available (no page was read: it failed (500))"


def test_wide_has_more() -> None:
    narrow, wide = text(signals()), text(signals(), wide=True)
    assert "By verb:" not in narrow
    assert line(wide, "By verb") == "GET 15/s, PUT 5/s"
    assert "writes    resource   0" in wide


def test_members_of_an_etcd_that_are_down_are_told() -> None:
    page = text(signals(datastore=DatastoreSignals(kind="etcd", etcd=etcd())))
    assert line(page, "etcd members up") == "2 of 3"
    assert line(page, "etcd leader") == "yes"


def test_the_verdict_comes_with_its_reason() -> None:
    page = text(signals(), judgement=Judgement("Degraded", AT, (finding(),)))
    assert line(page, "Status") == "Degraded"
    assert line(page, "Reason") == "Queue deployment is stuck with 12 items."


def test_a_host_that_is_gone_is_told() -> None:
    page = metrics_text(
        Terminal(), fleet_row(signals(), stale_since=AT), host_error="Host prod cannot be reached."
    )
    assert line(page, "Host") == "prod (not followed since 00:00:00 UTC: Host prod cannot be reached.)"


def test_what_has_not_lasted_long_enough_is_shown_beside_the_status() -> None:
    page = text(signals(), judgement=Judgement("Healthy", AT, (), (finding(),)))
    assert line(page, "Seen too") == "Queue deployment is stuck with 12 items."


def test_long_tables_are_cut_and_say_so() -> None:
    many = tuple(
        CertificateSignal(f"cert-{number}", "s", AT + number * 86400, float(number), "page")
        for number in range(300)
    )
    narrow, wide = text(signals(certificates=many)), text(signals(certificates=many), wide=True)
    assert "cert-7 " in narrow
    assert "cert-8 " not in narrow
    assert "... and 292 more: -o wide" in narrow
    assert "... and 100 more: -o json" in wide


def test_a_hostile_server_cannot_speak_to_the_terminal() -> None:
    nasty = "\x1b]0;owned\x07"
    page = text(
        signals(
            servers=(ServerHealth(nasty, ready=False, error=nasty, failing=(nasty,)),),
            certificates=(CertificateSignal(nasty, nasty, 1e15, 1e10, "page"),),
            api=ApiSignals(rate_by_verb={nasty: 1.0}),
            datastore=DatastoreSignals(kind=nasty, objects={nasty: 1.0}),
        ),
        wide=True,
    )
    assert "\x1b" not in page
    assert "\x07" not in page


def test_documents_have_their_schema(k3k: Command, look: FakeLook) -> None:
    look.rows = [fleet_row(signals())]
    as_json = json.loads(k3k("metrics", "ci", "-o", "json").out)
    as_yaml = yaml.safe_load(k3k("metrics", "ci", "-o", "yaml").out)
    assert as_json == {"schema": "k3k.metrics/v1", **fleet_row(signals()).to_dict()} | {
        "createdAt": as_json["createdAt"]
    }
    assert as_yaml["signals"]["window"] == 5.0


def test_a_control_plane_out_of_reach_ends_with_6_and_what_to_do(k3k: Command, look: FakeLook) -> None:
    look.rows = [fleet_row()]
    ended = k3k("metrics", "ci")
    assert (ended.code, ended.out) == (6, "")
    assert ended.err == (
        "k3k: control plane team-a/ci: its metrics cannot be reached (no route).\nhint: Route it.\n"
    )


def test_one_whose_secrets_are_forbidden_ends_with_7(k3k: Command, look: FakeLook) -> None:
    reach = Reach(None, "You may not get Secret ci-k3k-pki", "Ask for it.", forbidden=True)
    look.rows = [fleet_row(reach=reach)]
    ended = k3k("metrics", "ci")
    assert (ended.code, ended.out) == (7, "")
    assert "You may not get Secret ci-k3k-pki" in ended.err


def test_one_that_does_not_answer_at_all_ends_with_6(k3k: Command, look: FakeLook) -> None:
    server = ServerHealth("ci-k3k-server-0", ready=False, error="it refuses connections")
    silent = Signals(at=AT, window=0.0, servers=(server,))
    look.rows = [fleet_row(silent)]
    ended = k3k("metrics", "ci")
    assert (ended.code, ended.out) == (6, "")
    assert "none of its servers answers (ci-k3k-server-0: it refuses connections)" in ended.err


@pytest.mark.parametrize(("error", "code"), [(NotFoundError("no ci"), 3), (UnreachableError("no host"), 6)])
def test_errors_end_it_with_their_codes(k3k: Command, look: FakeLook, error: Exception, code: int) -> None:
    look.error = error
    for watch in ((), ("--watch",)):
        ended = k3k("metrics", "ci", *watch)
        assert (ended.code, ended.out) == (code, "")
        assert ended.err.startswith(f"k3k: {error}")


def test_a_window_below_a_second_is_wrong_use(k3k: Command, look: FakeLook) -> None:
    ended = k3k("metrics", "ci", "--window", "200ms")
    assert (ended.code, look.asked) == (2, [])
    assert "at least one second" in ended.err


def test_a_watch_prints_each_round_once(k3k: Command, look: FakeLook) -> None:
    first, second = fleet_row(signals()), fleet_row(signals(at=AT + 5))
    look.rows = [first, first, second]
    ended = k3k("metrics", "ci", "--watch", "-o", "json")
    moments = [json.loads(found)["signals"]["at"] for found in ended.out.splitlines()]
    assert (ended.code, moments) == (0, ["2026-06-01T00:00:00Z", "2026-06-01T00:00:05Z"])


def test_a_watch_in_words_prints_a_block_a_round(k3k: Command, look: FakeLook) -> None:
    look.rows = [fleet_row(signals()), fleet_row(signals(at=AT + 5))]
    blocks = k3k("metrics", "ci", "--watch").out.split("\n\n\n")
    assert [block.startswith("Name:") for block in blocks if block.strip()] == [True, True]


def test_a_watch_as_yaml_is_a_stream_of_documents(k3k: Command, look: FakeLook) -> None:
    look.rows = [fleet_row(signals()), fleet_row(signals(at=AT + 5))]
    documents = list(yaml.safe_load_all(k3k("metrics", "ci", "--watch", "-o", "yaml").out))
    assert [found["schema"] for found in documents] == ["k3k.metrics/v1"] * 2
