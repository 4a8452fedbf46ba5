"""The `/metrics` of one simulated k3s server: a recorded page that moves, and what is the server's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from k3k_core.sandbox.k3s.exposition.kinds import (
    BUILD_INFO,
    CERTIFICATES,
    START_TIME,
    Engine,
    server_template,
)
from k3k_core.sandbox.k3s.exposition.numbers import go_number
from k3k_core.sandbox.k3s.exposition.page import Exposition, Moment, Slot

if TYPE_CHECKING:
    from aiohttp import web

    from k3k_core.sandbox.fault_board import Spells
    from k3k_core.sandbox.k3s.certificate_files import CertificateFile

# On every answer, so that nobody takes a simulated server for a real one.
SIMULATED = {"X-K3k-Sandbox": "simulated"}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CERTIFICATES_HEADER = (
    b"# HELP k3s_certificate_expiration_seconds Remaining lifetime on the certificate.\n"
    b"# TYPE k3s_certificate_expiration_seconds gauge\n"
)
# k3s looks at its certificate files this often.
_CERTIFICATE_MONITOR = 30 * 60.0


@dataclass(frozen=True, slots=True)
class Build:
    """What a server is.

    Attributes:
        version: k3s version, e.g. "v1.36.2+k3s1".
        engine: what kine stands before; empty with an etcd.
        kine_tls: whether `kine-tls` is on.
        certificates: its certificate files.
    """

    version: str
    engine: Engine = ""
    kine_tls: bool = False
    certificates: Sequence[CertificateFile] = ()


class Metrics:
    """The page of one server; what all pages of its kind share is made when it is first asked for.

    Args:
        build: what the server is.
        started: when it started.
        seed: of the pace of its counters.
        spells: when it had which fault.
    """

    def __init__(self, build: Build, started: datetime, seed: str, *, spells: Spells | None = None) -> None:
        self._build = build
        self._started = started.timestamp()
        self._seed = seed
        self._spells = spells
        self._made: Exposition | None = None
        self._served = 0

    def count(self) -> None:
        """Note a request that was served."""
        self._served += 1

    def _page(self) -> Exposition:
        if self._made is None:
            build = self._build
            self._made = Exposition(
                server_template(build.version, build.engine, kine_tls=build.kine_tls),
                self._started,
                self._seed,
                slots=_slots(build),
                spells=self._spells,
            )
        self._made.served = self._served
        return self._made

    def plain(self, now: float) -> bytes:
        """Return the page in the Prometheus text format.

        Args:
            now: seconds since 1970.
        """
        return self._page().plain(now)

    def compressed(self, now: float) -> bytes:
        """Return the page, gzipped.

        Args:
            now: seconds since 1970.
        """
        return self._page().compressed(now)


class _Pages(Protocol):
    def plain(self, now: float) -> bytes:
        """Return the page as text."""

    def compressed(self, now: float) -> bytes:
        """Return the page, gzipped."""


def page_response(request: web.BaseRequest, page: _Pages, now: datetime) -> web.Response:
    """Return the answer to a request for a page, gzipped where the client takes that.

    Args:
        request: the request.
        page: the page.
        now: the current time.
    """
    from aiohttp import web

    headers = {**SIMULATED, "Content-Type": CONTENT_TYPE}
    if not _takes_gzip(request.headers.get("Accept-Encoding", "")):
        return web.Response(body=page.plain(now.timestamp()), headers=headers)
    headers["Content-Encoding"] = "gzip"
    return web.Response(body=page.compressed(now.timestamp()), headers=headers)


def _takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip, as promhttp reads it: named, and not with `q=0`."""
    for part in header.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def start_time(moment: Moment) -> bytes:
    """Return the family that says when the process started."""
    return (
        b"# HELP process_start_time_seconds [ALPHA] Start time of the process since unix epoch in seconds.\n"
        b"# TYPE process_start_time_seconds gauge\n"
        b"process_start_time_seconds %b\n" % go_number(round(moment.started, 2))
    )


def _slots(build: Build) -> dict[str, Slot]:
    minor = build.version.split(".")[1] if "." in build.version else ""
    build_info = (
        "# HELP kubernetes_build_info [BETA] A metric with a constant '1' value labeled by major, minor, git"
        " version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was"
        " built, and platform on which it is running.\n"
        "# TYPE kubernetes_build_info gauge\n"
        'kubernetes_build_info{build_date="",compiler="gc",git_commit="",git_tree_state="simulated",'
        f'git_version="{build.version}",go_version="",major="1",minor="{minor}",platform="linux/amd64"}} 1\n'
    ).encode()
    return {
        BUILD_INFO: lambda _: build_info,
        START_TIME: start_time,
        CERTIFICATES: lambda moment: _certificates(build.certificates, moment),
    }


def _certificates(files: Sequence[CertificateFile], moment: Moment) -> bytes:
    """Return the days left as k3s last looked; a fault that changes files is seen at once."""
    if not files:
        return b""
    looked = moment.started + moment.elapsed // _CERTIFICATE_MONITOR * _CERTIFICATE_MONITOR
    looked = max(looked, moment.spells.changed(moment.now))
    lines = [_CERTIFICATES_HEADER]
    at = datetime.fromtimestamp(looked, UTC)
    for file in sorted(files, key=lambda each: (each.subject, each.usages)):
        left = (file.ends(moment.spells, at) - at).total_seconds()
        labels = f'subject="{file.subject}",usages="{file.usages}"'
        lines.append(f"k3s_certificate_expiration_seconds{{{labels}}} ".encode() + go_number(left) + b"\n")
    return b"".join(lines)
