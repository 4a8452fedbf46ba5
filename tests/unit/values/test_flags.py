"""Flags that `k3s.extra_args` may carry."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.values.flags import KNOWN, extra_arg, flag_name
from k3k_core.values.refusal import RefusedError


def _refusal_of(argument: str) -> str:
    try:
        extra_arg(argument)
    except RefusedError as error:
        return f"{error.problem}; {error.remedy}"
    return ""


@pytest.mark.parametrize(
    "argument",
    [
        "--kube-apiserver-arg=anonymous-auth=true",
        "--kube-apiserver-arg=--audit-log-path=-",
        "--kube-apiserver-arg=enable-admission-plugins+=PodSecurity",
        "--kube-apiserver-arg=tls-min-version=VersionTLS13",
        "--kube-controller-manager-arg=node-cidr-mask-size=26",
        "--secrets-encryption",
        "--secrets-encryption=true",
        "--tls-san-security=false",
        "--service-node-port-range=30000-30100",
        "--vmodule=raft=4",
        "--node-name=cp-1",
    ],
)
def test_a_flag_that_nothing_else_governs_is_taken_as_it_is(argument: str) -> None:
    assert extra_arg(argument) == argument


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("-t=hunter2", "`k3s.token`"),
        ("-v=4", "`k3s.log_level`"),
        ("--kube-apiserver-arg=tls-min-version=1.3", "VersionTLS13"),
        ("--kube-apiserver-arg=service-cluster-ip-range=10.0.0.0/8", "`k3s.service_cidr`"),
        ("--secrets-encryption-provider=rot13", "`secretbox`"),
        ("--node-name=CP", "lower-case"),
        ("--no-such-thing=hunter2", "k3s server --help"),
    ],
)
def test_a_refusal_says_what_to_do_instead(argument: str, says: str) -> None:
    refusal = _refusal_of(argument)
    assert says in refusal
    assert "hunter2" not in refusal


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_known_flag_is_never_called_unknown(name: str) -> None:
    assert "is not a flag" not in _refusal_of(f"--{name}=true")


def test_the_name_of_a_flag_is_found_behind_dashes_and_aliases() -> None:
    assert [flag_name(text) for text in ("--vmodule=a=1", "-t=x", "--debug")] == ["vmodule", "token", "debug"]


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    with suppress(RefusedError):
        assert extra_arg(text) == text
