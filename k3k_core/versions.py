"""k3s versions: reading and ordering them, image names, and which flag which version knows.

A k3s release is a Kubernetes version plus the number of the k3s build on it, `v1.33.4+k3s1`; as an image
tag the plus
sign becomes a dash, `v1.33.4-k3s1` (k3s release notes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Final

IMAGE_REPOSITORY: Final = "rancher/k3s"
DEFAULT_VERSION: Final = "v1.36.2+k3s1"
# The oldest version k3k was checked with on a real host.
OLDEST_VERSION: Final = "v1.21.3+k3s1"
# The newest Kubernetes minor whose flags and metrics k3k knows.
NEWEST_KNOWN_MINOR: Final = 37

# What a version looks like, for the JSON Schema; `parse` has the better messages.
VERSION_PATTERN: Final = (
    r"^v?1\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-(alpha|beta|rc)[1-9][0-9]*)?[+-]k3s[1-9][0-9]*$"
)

_FORM = re.compile(
    r"v?(?P<major>[0-9]+)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)"
    r"(?:-(?P<pre>(?:alpha|beta|rc)[1-9][0-9]*))?[+-]k3s(?P<k3s>[1-9][0-9]*)"
)
_KUBERNETES = re.compile(r"v?(?P<number>[0-9]+\.[0-9]+\.[0-9]+(?:-(?:alpha|beta|rc)[0-9]+)?)(?:\+)?")
_MINOR = re.compile(r"v?[0-9]+(?:\.[0-9]+)?")
_CHANNELS = frozenset({"latest", "stable", "testing"})
# Left out of the k3s release channels as unfit for use (k3s channel.yaml).
_WITHDRAWN = frozenset({"v1.24.9+k3s1", "v1.25.5+k3s1", "v1.26.0+k3s1"})


class VersionError(ValueError):
    """A text that names no usable k3s version.

    Args:
        problem: what is wrong with it.
        remedy: what would be right.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


@total_ordering
@dataclass(frozen=True, slots=True)
class K3sVersion:
    """One k3s release; ordered as k3s releases are, a pre-release before its release.

    Attributes:
        major: Kubernetes major version, 1.
        minor: Kubernetes minor version.
        patch: Kubernetes patch version.
        k3s: number of the k3s build on that Kubernetes version, from 1.
        pre: "rc2" and the like for a pre-release, else "".
    """

    major: int
    minor: int
    patch: int
    k3s: int
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> K3sVersion:
        """Read a version such as `v1.33.4+k3s1`, `1.33.4+k3s1` or the image tag `v1.33.4-k3s1`.

        Args:
            text: the version.

        Raises:
            VersionError: the text is not a k3s version; it says what would be.
        """
        match = _FORM.fullmatch(text)
        if match is None or match["major"] != "1":
            raise _refusal(text)
        return cls(
            major=int(match["major"]),
            minor=int(match["minor"]),
            patch=int(match["patch"]),
            k3s=int(match["k3s"]),
            pre=match["pre"] or "",
        )

    @property
    def kubernetes(self) -> str:
        """The Kubernetes version, e.g. "v1.33.4"."""
        suffix = f"-{self.pre}" if self.pre else ""
        return f"v{self.major}.{self.minor}.{self.patch}{suffix}"

    @property
    def image_tag(self) -> str:
        """The tag of its image, e.g. "v1.33.4-k3s1"."""
        return f"{self.kubernetes}-k3s{self.k3s}"

    def __str__(self) -> str:
        return f"{self.kubernetes}+k3s{self.k3s}"

    def __lt__(self, other: K3sVersion) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[int, int, int, str, int, int]:
        stage = self.pre.rstrip("0123456789")
        # "~" sorts after every stage name: the release comes after its pre-releases.
        return (
            self.major,
            self.minor,
            self.patch,
            stage or "~",
            int(self.pre[len(stage) :] or 0),
            self.k3s,
        )


def supported(text: str) -> K3sVersion:
    """Read a version that k3k can run.

    Args:
        text: the version.

    Raises:
        VersionError: it is no k3s version, too old, or was withdrawn.
    """
    version = K3sVersion.parse(text)
    if version < K3sVersion.parse(OLDEST_VERSION):
        raise VersionError(
            f"{version} is older than {OLDEST_VERSION}, the oldest k3s that k3k can run",
            f"use `{DEFAULT_VERSION}`, or another version from {OLDEST_VERSION} on",
        )
    if str(version) in _WITHDRAWN:
        raise VersionError(
            f"{version} was withdrawn by the k3s project", f"use a later patch of v1.{version.minor}"
        )
    return version


def _refusal(text: str) -> VersionError:
    """Say why a text is not a k3s version, and the version that was probably meant."""
    named = f"`{text}`" if text.isprintable() and 0 < len(text) <= 40 else "this text"
    example = f"write the full version, e.g. `{DEFAULT_VERSION}`"
    if text in _CHANNELS or _MINOR.fullmatch(text):
        return VersionError(f"{named} names a release channel, which moves on, and not one version", example)
    if "rke2" in text:
        return VersionError(f"{named} is an RKE2 version, and k3k runs k3s", example)
    kubernetes = _KUBERNETES.fullmatch(text)
    if kubernetes:
        return VersionError(
            f"{named} lacks the number of the k3s build", f"write `v{kubernetes['number']}+k3s1`"
        )
    if text != text.strip():
        return VersionError(f"{named} begins or ends with white space", example)
    return VersionError(f"{named} is not a k3s version", example)


# Kubernetes (minor, patch) in which a flag of `k3s server` appeared: first on the main line, then in older
# branches
# that got it too. Flags older than OLDEST_VERSION are not listed.
_FLAG_SINCE: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "egress-selector-mode": ((24, 0), (23, 7)),
    "enable-pprof": ((24, 2),),
    "servicelb-namespace": ((24, 2),),
    "etcd-arg": ((22, 4),),
    "etcd-s3-insecure": ((22, 2),),
    "etcd-s3-timeout": ((22, 3),),
    "etcd-snapshot-compress": ((23, 2),),
    "helm-job-image": ((27, 4),),
    "tls-san-security": ((28, 1),),
    "embedded-registry": ((29, 1),),
    "kine-tls": ((29, 3),),
    "supervisor-metrics": ((30, 1),),
    "write-kubeconfig-group": ((30, 2),),
    "etcd-s3-config-secret": ((30, 4),),
    "etcd-s3-proxy": ((30, 4),),
    "etcd-s3-session-token": ((32, 1),),
    "etcd-snapshot-reconcile-interval": ((32, 3),),
    "secrets-encryption-provider": ((33, 0), (32, 4)),
    "etcd-s3-bucket-lookup-type": ((33, 1),),
    "etcd-s3-retention": ((33, 4),),
    "helm-controller-arg": ((36, 2),),
}
# What is no flag of its own, but refused by older versions: names with an asterisk in `tls-san`, two
# addresses in `cluster-dns`, two networks in `cluster-cidr` beside the network policy controller or flannel.
_FORM_SINCE: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "tls-san-wildcard": ((36, 2),),
    "dual-stack-dns": ((28, 3), (27, 7), (26, 10), (25, 15)),
    "dual-stack-network-policy": ((24, 0), (23, 6)),
    "dual-stack-flannel": ((22, 0),),
}


def supports(version: K3sVersion, flag: str) -> bool:
    """Whether a k3s version knows a flag of `k3s server`.

    A flag without an entry in the table counts as known: every version from OLDEST_VERSION on has it. Besides
    flags there are `tls-san-wildcard`, `dual-stack-dns`, `dual-stack-network-policy`, `dual-stack-flannel`.

    Args:
        version: the k3s version.
        flag: the flag's name without dashes, e.g. "egress-selector-mode".

    Returns:
        True if the flag may be written into that version's config.yaml.
    """
    since = _FLAG_SINCE.get(flag) or _FORM_SINCE.get(flag)
    if since is None:
        return True
    main, *backports = since
    have = (version.minor, version.patch)
    return have >= main or any(
        version.minor == minor and version.patch >= patch for minor, patch in backports
    )


def flag_since(flag: str) -> str:
    """First Kubernetes version on the main line that knows a flag, e.g. "v1.24.0"; "" if all have it.

    Args:
        flag: the flag's name without dashes.
    """
    since = _FLAG_SINCE.get(flag) or _FORM_SINCE.get(flag)
    return f"v1.{since[0][0]}.{since[0][1]}" if since else ""
