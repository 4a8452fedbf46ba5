"""Which k3s version may follow which, and which ones are offered."""

from __future__ import annotations

import pytest

from k3k_core.releases import KNOWN, allowed_versions, check_step
from k3k_core.versions import DEFAULT_VERSION, NEWEST_KNOWN_MINOR, K3sVersion, VersionError, supported

# From, to, and what a refusal says; an empty text where the step is right.
STEPS = [
    # the same, a newer build, a newer patch
    ("v1.33.4+k3s1", "v1.33.4+k3s1", ""),
    ("v1.33.4+k3s1", "v1.33.4+k3s2", ""),
    ("v1.33.4+k3s1", "v1.33.5+k3s1", ""),
    ("v1.33.4+k3s1", "v1.33.10+k3s1", ""),
    ("v1.33.9+k3s1", "v1.33.10+k3s1", ""),
    ("v1.21.3+k3s1", "v1.21.14+k3s1", ""),
    ("v1.36.0+k3s1", "v1.36.4+k3s1", ""),
    # forms of the same version
    ("1.33.4+k3s1", "v1.33.4+k3s1", ""),
    ("v1.33.4-k3s1", "v1.33.5+k3s1", ""),
    ("v1.33.4+k3s1", "v1.34.1-k3s1", ""),
    # pre-releases come before their release
    ("v1.34.0-rc1+k3s1", "v1.34.0+k3s1", ""),
    ("v1.34.0-rc1+k3s1", "v1.34.0-rc2+k3s1", ""),
    ("v1.33.4+k3s1", "v1.34.0-rc1+k3s1", ""),
    # one minor on, to any patch
    ("v1.33.4+k3s1", "v1.34.0+k3s1", ""),
    ("v1.33.4+k3s1", "v1.34.11+k3s1", ""),
    ("v1.21.3+k3s1", "v1.22.17+k3s1", ""),
    ("v1.29.15+k3s1", "v1.30.0+k3s1", ""),
    ("v1.35.8+k3s1", "v1.36.2+k3s1", ""),
    ("v1.36.4+k3s1", "v1.37.0+k3s1", ""),
    ("v1.37.1+k3s1", "v1.38.0+k3s1", ""),
    # more than one minor on
    ("v1.33.4+k3s1", "v1.35.0+k3s1", "upgrade to v1.34.11+k3s1 first"),
    ("v1.33.4+k3s1", "v1.36.2+k3s1", "is 3 minor versions after"),
    ("v1.21.3+k3s1", "v1.23.17+k3s1", "upgrade to v1.22.17+k3s1 first"),
    ("v1.21.3+k3s1", "v1.36.2+k3s1", "is 15 minor versions after"),
    ("v1.29.1+k3s1", "v1.31.0+k3s1", "upgrade to v1.30.14+k3s2 first"),
    ("v1.35.8+k3s1", "v1.37.1+k3s1", "upgrade to v1.36.4+k3s1 first"),
    ("v1.37.1+k3s1", "v1.39.0+k3s1", "upgrade to a release of v1.38 first"),
    ("v1.33.4+k3s1", "v1.99.0+k3s1", "one at a time"),
    # back
    ("v1.33.4+k3s2", "v1.33.4+k3s1", "does not go back"),
    ("v1.33.5+k3s1", "v1.33.4+k3s1", "does not go back"),
    ("v1.33.10+k3s1", "v1.33.9+k3s1", "does not go back"),
    ("v1.34.0+k3s1", "v1.33.13+k3s2", "does not go back"),
    ("v1.34.0+k3s1", "v1.34.0-rc1+k3s1", "does not go back"),
    ("v1.36.2+k3s1", "v1.21.3+k3s1", "does not go back"),
    # never released, withdrawn, too old, no version
    ("v1.24.8+k3s1", "v1.24.9+k3s1", "was withdrawn"),
    ("v1.24.17+k3s1", "v1.25.5+k3s1", "was withdrawn"),
    ("v1.25.16+k3s4", "v1.26.0+k3s1", "was withdrawn"),
    ("v1.21.3+k3s1", "v1.20.15+k3s1", "is older than v1.21.3+k3s1, the oldest"),
    ("v1.33.4+k3s1", "v1.34", "names a release channel"),
    ("v1.33.4+k3s1", "latest", "names a release channel"),
    ("v1.33.4+k3s1", "v1.34.1", "lacks the number of the k3s build"),
    ("v1.33.4+k3s1", "v1.34.1+rke2r1", "is an RKE2 version"),
    ("v1.33.4+k3s1", "", "is not a k3s version"),
]


@pytest.mark.parametrize(("current", "wanted", "refusal"), STEPS)
def test_a_step_is_right_or_refused_with_the_reason(current: str, wanted: str, refusal: str) -> None:
    if not refusal:
        check_step(current, wanted)
        return
    with pytest.raises(VersionError) as refused:
        check_step(current, wanted)
    assert refusal in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("current", "wanted", "allowed"),
    [
        ("v1.34.3+k3s1", "v1.34.1+k3s1", True),
        ("v1.34.3+k3s1", "v1.33.13+k3s2", True),
        ("v1.34.3+k3s1", "v1.32.13+k3s1", False),
        ("v1.34.3+k3s1", "v1.36.2+k3s1", False),
    ],
)
def test_asked_for_it_goes_back_by_one_minor_at_most(current: str, wanted: str, allowed: bool) -> None:
    if allowed:
        check_step(current, wanted, allow_downgrade=True)
        return
    with pytest.raises(VersionError):
        check_step(current, wanted, allow_downgrade=True)


def test_newer_releases_of_the_same_and_the_next_minor_are_offered_the_newest_first() -> None:
    assert allowed_versions("v1.35.4+k3s1") == ("v1.36.4+k3s1", "v1.36.2+k3s1", "v1.35.8+k3s1")
    assert allowed_versions("v1.36.4+k3s1") == ("v1.37.1+k3s1",)
    assert allowed_versions("v1.37.1+k3s1") == ()


@pytest.mark.parametrize("text", ["", "v1.33", "v1.33.4+rke2r1", "\x1b[31m"])
def test_of_what_is_no_version_nothing_is_offered(text: str) -> None:
    assert allowed_versions(text) == ()


def test_every_offer_may_be_taken_and_every_minor_can_be_left() -> None:
    for current in KNOWN:
        offered = allowed_versions(current)
        for wanted in offered:
            check_step(current, wanted)
        assert offered or K3sVersion.parse(current).minor == NEWEST_KNOWN_MINOR


def test_the_known_releases_can_run_are_in_order_and_hold_the_default() -> None:
    versions = [supported(text) for text in KNOWN]
    assert versions == sorted(set(versions))
    assert DEFAULT_VERSION in KNOWN
    assert {version.minor for version in versions} == set(range(21, NEWEST_KNOWN_MINOR + 1))
