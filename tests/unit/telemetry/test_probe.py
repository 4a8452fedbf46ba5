"""Failing checks are read from `/readyz?verbose`."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from k3k_core.telemetry.probe import MAX_CHECKS, parse_readyz

NOT_READY = """[+]ping ok
[+]log ok
[-]etcd failed: reason withheld
[+]informer-sync excluded: ok
[-]poststarthook/rbac/bootstrap-roles failed: reason withheld
[-]shutdown failed: reason withheld
readyz check failed
"""
READY = """[+]ping ok
[+]log ok
[+]etcd ok
[+]poststarthook/start-kube-apiserver-admission-initializer ok
[+]shutdown ok
readyz check passed
"""


def test_failing_checks_come_by_name_in_order() -> None:
    assert parse_readyz(NOT_READY) == ("etcd", "poststarthook/rbac/bootstrap-roles", "shutdown")


def test_a_ready_server_has_none() -> None:
    assert parse_readyz(READY) == ()


def test_what_is_no_such_text_has_none() -> None:
    unauthorized = {"kind": "Status", "status": "Failure", "message": "Unauthorized", "code": 401}
    assert parse_readyz("ok") == ()
    assert parse_readyz("") == ()
    assert parse_readyz(json.dumps(unauthorized)) == ()


def test_a_name_counts_once() -> None:
    assert parse_readyz("[-]etcd failed: a\n[-]etcd failed: b\n") == ("etcd",)


def test_a_name_is_a_word_of_reasonable_length() -> None:
    assert (
        parse_readyz(f"[-]{'x' * 1000} failed: a\n[-]et\x1bcd failed: a\n[-] failed\n[-]two words failed\n")
        == ()
    )


def test_a_hostile_body_gives_a_bounded_answer() -> None:
    many = "".join(f"[-]check-{number} failed: no\n" for number in range(100_000))
    assert len(parse_readyz(many)) == MAX_CHECKS


@given(st.text())
def test_any_body_is_read(body: str) -> None:
    assert all(name and name.isascii() for name in parse_readyz(body))


def test_the_recorded_server_is_ready() -> None:
    recorded = Path(__file__).parent.parent.parent / "data" / "readyz-k3s-1.21.3.txt"
    text = recorded.read_text()
    assert text.count("[+]") == 24
    assert parse_readyz(text) == ()
