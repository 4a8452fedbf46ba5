"""k3s versions."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.versions import (
    DEFAULT_VERSION,
    OLDEST_VERSION,
    K3sVersion,
    VersionError,
    flag_since,
    supported,
    supports,
)

NUMBERS = st.integers(0, 40)
VERSIONS = st.builds(
    K3sVersion,
    st.just(1),
    NUMBERS,
    NUMBERS,
    st.integers(1, 9),
    st.sampled_from(["", "alpha1", "beta2", "rc1", "rc10"]),
)


@pytest.mark.parametrize("text", ["v1.33.4+k3s1", "1.33.4+k3s1", "v1.33.4-k3s1", "1.33.4-k3s1"])
def test_a_version_is_read_with_plus_or_dash_with_or_without_v(text: str) -> None:
    assert K3sVersion.parse(text) == K3sVersion(1, 33, 4, 1)


def test_a_version_has_a_name_an_image_tag_and_a_kubernetes_version() -> None:
    version = K3sVersion.parse("1.33.4-rc2+k3s3")
    assert (str(version), version.image_tag, version.kubernetes) == (
        "v1.33.4-rc2+k3s3",
        "v1.33.4-rc2-k3s3",
        "v1.33.4-rc2",
    )


@given(VERSIONS)
def test_a_version_reads_back_from_its_name_and_its_image_tag(version: K3sVersion) -> None:
    assert K3sVersion.parse(str(version)) == version
    assert K3sVersion.parse(version.image_tag) == version


def test_versions_are_ordered_as_k3s_releases_are() -> None:
    names = [
        "v1.9.9+k3s1",
        "v1.33.4-alpha1+k3s1",
        "v1.33.4-rc2+k3s1",
        "v1.33.4-rc10+k3s1",
        "v1.33.4+k3s1",
        "v1.33.4+k3s2",
        "v1.33.10+k3s1",
        "v1.34.0+k3s1",
    ]
    versions = [K3sVersion.parse(name) for name in names]
    shuffled = versions[4:] + versions[:4]
    assert sorted(shuffled) == versions
    assert versions[0] < versions[1] <= versions[1]
    assert versions[-1] > versions[0]


@given(VERSIONS, VERSIONS)
def test_of_two_different_versions_one_is_older(one: K3sVersion, other: K3sVersion) -> None:
    assert (one < other) + (other < one) + (one == other) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("latest", "channel"),
        ("stable", "channel"),
        ("v1.33", "channel"),
        ("1", "channel"),
        ("v1.33.4", "v1.33.4+k3s1"),
        ("1.33.4", "v1.33.4+k3s1"),
        ("v1.33.4-rc1", "v1.33.4-rc1+k3s1"),
        ("v1.33.4+", "v1.33.4+k3s1"),
        ("v1.33.4+rke2r1", "RKE2"),
        (" v1.33.4+k3s1", "white space"),
        ("v1.033.4+k3s1", "not a k3s version"),
        ("v1.33.4+k3s0", "not a k3s version"),
        ("v2.0.0+k3s1", "not a k3s version"),
        ("v1.33.4+k3s1\n", "white space"),
        ("v\u0661.33.4+k3s1", "not a k3s version"),
        ("", "not a k3s version"),
    ],
)
def test_what_is_no_version_is_refused_with_what_would_be_one(text: str, says: str) -> None:
    with pytest.raises(VersionError, match=says.replace("+", r"\+")) as caught:
        K3sVersion.parse(text)
    assert caught.value.remedy


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(VersionError):
        assert text.strip("v").replace("-", "+") in str(K3sVersion.parse(text)).replace("-", "+")


def test_the_oldest_and_the_default_version_are_supported() -> None:
    assert str(supported(OLDEST_VERSION)) == OLDEST_VERSION
    assert str(supported(DEFAULT_VERSION)) == DEFAULT_VERSION


@pytest.mark.parametrize("text", ["v1.21.2+k3s1", "v1.24.9+k3s1", "v1.25.5+k3s1", "v1.26.0+k3s1"])
def test_old_and_withdrawn_versions_are_not_supported(text: str) -> None:
    assert str(K3sVersion.parse(text)) == text
    with pytest.raises(VersionError):
        supported(text)


def test_a_later_build_of_a_withdrawn_version_is_supported() -> None:
    assert str(supported("v1.24.9+k3s2")) == "v1.24.9+k3s2"


@pytest.mark.parametrize(
    ("text", "flag", "known"),
    [
        ("v1.21.3+k3s1", "egress-selector-mode", False),
        ("v1.23.6+k3s1", "egress-selector-mode", False),
        ("v1.23.7+k3s1", "egress-selector-mode", True),
        ("v1.24.0+k3s1", "egress-selector-mode", True),
        ("v1.28.0+k3s1", "tls-san-security", False),
        ("v1.28.1+k3s1", "tls-san-security", True),
        ("v1.30.1+k3s1", "write-kubeconfig-group", False),
        ("v1.33.0+k3s1", "secrets-encryption-provider", True),
        ("v1.32.4+k3s1", "secrets-encryption-provider", True),
        ("v1.31.9+k3s1", "secrets-encryption-provider", False),
        ("v1.36.1+k3s1", "tls-san-wildcard", False),
        ("v1.36.2+k3s1", "tls-san-wildcard", True),
        ("v1.21.3+k3s1", "disable-helm-controller", True),
        ("v1.28.2+k3s1", "dual-stack-dns", False),
        ("v1.26.10+k3s1", "dual-stack-dns", True),
        ("v1.24.17+k3s1", "dual-stack-dns", False),
    ],
)
def test_a_version_knows_the_flags_of_its_time(text: str, flag: str, known: bool) -> None:
    assert supports(K3sVersion.parse(text), flag) is known


def test_the_first_version_with_a_flag_is_named() -> None:
    assert (flag_since("egress-selector-mode"), flag_since("token")) == ("v1.24.0", "")
