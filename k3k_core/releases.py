"""Which k3s releases k3k knows, and which may follow which.

Rules of the k3s project (https://docs.k3s.io/upgrades): one minor version at a time, never back. Servers beside
each other may be one minor apart (https://kubernetes.io/releases/version-skew-policy/).
"""

from __future__ import annotations

from typing import Final

from k3k_core.versions import K3sVersion, VersionError, supported

# The newest release of each minor as of 2026-10 (https://docs.k3s.io/release-notes), and the default of k3k. Only an
# offer: any other release may be asked for by name.
KNOWN: Final = (
    "v1.21.14+k3s1",
    "v1.22.17+k3s1",
    "v1.23.17+k3s1",
    "v1.24.17+k3s1",
    "v1.25.16+k3s4",
    "v1.26.15+k3s1",
    "v1.27.16+k3s1",
    "v1.28.15+k3s1",
    "v1.29.15+k3s1",
    "v1.30.14+k3s2",
    "v1.31.14+k3s1",
    "v1.32.13+k3s1",
    "v1.33.13+k3s2",
    "v1.34.11+k3s1",
    "v1.35.8+k3s1",
    "v1.36.2+k3s1",
    "v1.36.4+k3s1",
    "v1.37.1+k3s1",
)


def allowed_versions(current: str) -> tuple[str, ...]:
    """Return the known releases to which a control plane may be upgraded, the newest first.

    Args:
        current: the k3s version it runs.

    Returns:
        Newer releases of the same minor and of the next one; none when `current` is no k3s version.
    """
    try:
        running = K3sVersion.parse(current)
    except VersionError:
        return ()
    known = (K3sVersion.parse(text) for text in KNOWN)
    fitting = [version for version in known if version > running and version.minor <= running.minor + 1]
    return tuple(str(version) for version in sorted(fitting, reverse=True))


def check_step(current: str, wanted: str, *, allow_downgrade: bool = False) -> None:
    """See that a control plane may go from one version to another in one step.

    Args:
        current: the k3s version it runs.
        wanted: the k3s version it is to run.
        allow_downgrade: whether it may go back, by one minor at most.

    Raises:
        VersionError: it may not; it says what to do instead.
    """
    running, target = K3sVersion.parse(current), supported(wanted)
    if target.minor > running.minor + 1:
        raise VersionError(
            f"{target} is {target.minor - running.minor} minor versions after {running}, and k3s takes one at "
            "a time",
            _through(running, running.minor + 1),
        )
    if target >= running:
        return
    if not allow_downgrade:
        raise VersionError(
            f"{target} is older than {running}, and k3s does not go back: newer versions change what is stored",
            f"stay at {running} or go on from it, or create a new control plane with {target}",
        )
    if target.minor < running.minor - 1:
        raise VersionError(
            f"{target} is {running.minor - target.minor} minor versions before {running}, and not even by force "
            "is more than one possible",
            f"create a new control plane with {target}",
        )


def _through(running: K3sVersion, minor: int) -> str:
    """Say which version to take first."""
    known = [version for text in KNOWN if (version := K3sVersion.parse(text)).minor == minor]
    first = str(max(known)) if known else f"a release of v{running.major}.{minor}"
    return f"upgrade to {first} first"
