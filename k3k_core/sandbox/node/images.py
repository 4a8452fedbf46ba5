"""Which images the simulated registry holds, and what the program in an image is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

# https://github.com/distribution/reference: name [":" tag] ["@" digest]
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<repository>{_DOMAIN}{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_K3S_TAG = re.compile(r"v1\.(?P<minor>\d{1,2})\.\d{1,3}(?:-rc\d+)?-k3s[1-9]\d?(?:-(?:amd64|arm64|arm))?")
# Releases start at v1.0; a minor version far in the future stands for a typing error.
_NEWEST_MINOR = 40


class Program(Enum):
    """What runs in a container, as far as the sandbox tells programs apart."""

    K3S = "k3s"
    ETCD = "etcd"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Image:
    """A parsed image reference.

    Attributes:
        reference: as written in the pod.
        repository: with registry host, without tag.
        tag: "latest" when neither tag nor digest is given, "" with a digest only.
        program: what the sandbox simulates for it.
    """

    reference: str
    repository: str
    tag: str
    program: Program

    @property
    def canonical(self) -> str:
        """The reference as the container runtime writes it in events, with registry host and tag."""
        first, _, rest = self.repository.partition("/")
        if rest and (any(mark in first for mark in ".:") or first == "localhost"):
            name = self.repository
        else:
            name = f"docker.io/{self.repository}" if rest else f"docker.io/library/{self.repository}"
        return f"{name}:{self.tag}" if self.tag else name

    @property
    def exists(self) -> bool:
        """Whether the simulated registry holds it: every image but k3s tags that were never released."""
        if self.program is not Program.K3S or self.tag in {"", "latest"}:
            return True
        matched = _K3S_TAG.fullmatch(self.tag)
        return matched is not None and int(matched["minor"]) <= _NEWEST_MINOR

    @property
    def k3s_version(self) -> str:
        """The k3s version of the tag, e.g. `v1.33.4+k3s1`; "" when the tag does not tell."""
        if not _K3S_TAG.fullmatch(self.tag):
            return ""
        release, _, k3s = self.tag.rpartition("-k3s")
        return f"{release}+k3s{k3s.partition('-')[0]}"


def parse_image(reference: str) -> Image | None:
    """Parse an image reference; None when it is not one (the kubelet's InvalidImageName).

    Args:
        reference: `image` of a container.
    """
    matched = _REFERENCE.fullmatch(reference)
    if matched is None:
        return None
    repository = matched["repository"]
    tag = matched["tag"] or ("" if matched["digest"] else "latest")
    name = repository.rpartition("/")[2]
    program = Program.OTHER
    if "k3s" in name:
        program = Program.K3S
    elif "etcd" in name:
        program = Program.ETCD
    return Image(reference=reference, repository=repository, tag=tag, program=program)
