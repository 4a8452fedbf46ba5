"""Servers that are slow, broken, lying or malicious: what they do, and what a scraper makes of it.

`python -m tests.support.hostile_targets` writes the table in docs/hostile-targets.md.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from k3k_core.telemetry.scraper.failure import Kind
from tests.support import hostile_behaviours as does
from tests.support.hostile_behaviours import GZIP, PAGE, WANTED, page, raw
from tests.support.hostile_stage import Behaviour, Manners

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "hostile-targets.md"

_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_ZIPPED: Final = gzip.compress(PAGE)

# Well beyond what the tests allow a page (4 MiB).
_HUGE: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class HostileTarget:
    """One way to be hostile.

    Attributes:
        name: in a few words.
        does: what the server does, a sentence without its subject.
        manners: how.
        kind: kind of the first failure; None when the round goes well.
        sentence: what the scraper says; empty where the words are the page scanner's.
        probed: whether the probe is answered all the same.
    """

    name: str
    does: str
    manners: Manners
    kind: Kind | None
    sentence: str = ""
    probed: bool = True

    @property
    def outcome(self) -> str:
        """What happens, for a person to read."""
        if self.kind is None:
            return "nothing: the round goes well"
        said = f"`{self.kind}`: {self.sentence or 'the page is refused, with the line or the limit at fault'}"
        return f"{said}; {self._afterwards}"

    @property
    def _afterwards(self) -> str:
        if not self.probed:
            cheap = self.kind in {"status", "limit"}
            return "asked again in the next round" if cheap else "asked less and less often"
        return (
            "asked again in the next round"
            if self.kind == "status"
            else "probed on, its page asked for less often"
        )


def _page(name: str, what: str, behaviour: Behaviour, kind: Kind | None, sentence: str = "") -> HostileTarget:
    """A server whose readiness is well, but whose page is not."""
    return HostileTarget(name, what, Manners(behaviour), kind, sentence)


def _whole(name: str, what: str, manners: Manners, kind: Kind, sentence: str) -> HostileTarget:
    """A server that gives nothing at all."""
    return HostileTarget(name, what, manners, kind, sentence, probed=False)


def _always(name: str, what: str, behaviour: Behaviour, kind: Kind, sentence: str) -> HostileTarget:
    """A server that answers every request in the same way."""
    return _whole(name, what, Manners(behaviour, readyz=behaviour), kind, sentence)


_TOO_LARGE: Final = "its answer is larger than allowed"
_CUT: Final = "its answer broke off or is broken"
_NOT_HTTP: Final = "its answer is not HTTP/1.1"
_NO_END: Final = "its headers have no end"
_LATE: Final = "its answer was not complete in time"
_NO_HANDSHAKE: Final = "it did not finish the TLS handshake in time"

HOSTILE_TARGETS: Final = (
    _page(
        "endless page",
        "sends lines of a page for ever",
        does.endless(b'up{job="x"} 1\n' * 1000),
        "limit",
        _TOO_LARGE,
    ),
    _page(
        "endless comments", "sends comment lines for ever", does.endless(b"# HELP up is up\n" * 1000), "page"
    ),
    _page("endless line", "sends one line for ever", does.endless(b"x" * 16384), "page"),
    _page("endless empty lines", "sends empty lines for ever", does.endless(b"\n" * 16384), "page"),
    _always(
        "endless headers",
        "sends header lines for ever",
        does.endless_bytes(_HEAD, b"X-Filler: " + b"x" * 80 + b"\r\n"),
        "limit",
        _NO_END,
    ),
    _always(
        "endless header",
        "sends one header line for ever",
        does.endless_bytes(_HEAD + b"X: ", b"x" * 4096),
        "limit",
        _NO_END,
    ),
    _page(
        "huge cookies",
        "sets 1,500 cookies with its page",
        page(_ZIPPED, GZIP, *(f"Set-Cookie: c{number}=1; path=/" for number in range(1500))),
        None,
    ),
    _page(
        "gzip bomb",
        "sends 64 KiB of gzip that become 64 MiB of one line",
        page(does.bomb(b"x" * 1024, _HUGE), GZIP),
        "page",
    ),
    _page(
        "gzip bomb of lines",
        "sends a few KiB of gzip that become 64 MiB of well-formed lines",
        page(does.bomb(f'{WANTED}{{verb="GET"}} 1\n'.encode(), _HUGE), GZIP),
        "page",
    ),
    _page("nested gzip", "sends its page gzipped twice", page(gzip.compress(_ZIPPED), GZIP), "page"),
    _page(
        "corrupt gzip",
        "sends gzip with wrong bytes in its midst",
        page(_ZIPPED[:200] + b"\x00" * 50 + _ZIPPED[250:], GZIP),
        "page",
    ),
    _page("truncated gzip", "sends gzip that ends early", page(_ZIPPED[:-40], GZIP), "page"),
    _page("gzip that is none", "says gzip and sends plain text", page(PAGE, GZIP), "page"),
    _page("hidden gzip", "sends gzip and does not say so", page(_ZIPPED), "page"),
    _page(
        "brotli",
        "says that its page is encoded with brotli",
        page(PAGE, "Content-Encoding: br"),
        "content",
        "it sends an encoding that was not asked for",
    ),
    _page(
        "million series",
        "sends 1,000,000 series of a wanted family",
        page(does.many_series(1_000_000), GZIP),
        "page",
    ),
    _page(
        "label bomb",
        "sends a series with 100,000 labels",
        page(does.many_labels(100_000)),
        "page",
    ),
    _page(
        "text that is no UTF-8",
        "sends bytes in its labels that are no UTF-8",
        page(f'# TYPE {WANTED} counter\n{WANTED}{{verb="'.encode() + b'\xff\xfe"} 1\n'),
        "page",
    ),
    _page("binary garbage", "sends random bytes as text", page(bytes(range(256)) * 400), "page"),
    _page("backward counters", "lets its counters go backwards", does.moving("100", "90", "5", "0"), None),
    _page(
        "strange numbers",
        "counts to NaN and to both infinities",
        does.moving("NaN", "+Inf", "-Inf", "1e308"),
        None,
    ),
    _page(
        "duplicate series",
        "sends each series 500 times",
        page((f'{WANTED}{{verb="GET",code="200"}} 1\n' * 500).encode()),
        None,
    ),
    _always(
        "redirect elsewhere",
        "redirects every request to another server",
        does.redirecting(),
        "status",
        "it redirects elsewhere (302), which is not followed",
    ),
    _page(
        "redirect nowhere",
        "redirects to something that is no address",
        does.redirecting("https://[:::]:99999999/\x7f"),
        "status",
        "it redirects elsewhere (302), which is not followed",
    ),
    _whole(
        "other authority",
        "shows a certificate from another authority",
        Manners(does.good, trust="other authority"),
        "tls",
        "its certificate is from another authority than the control plane's",
    ),
    _whole(
        "self-signed",
        "shows a certificate signed by itself",
        Manners(does.good, trust="self-signed"),
        "tls",
        "its certificate is signed by itself, not by the control plane's authority",
    ),
    _whole(
        "expired certificate",
        "shows a certificate that has expired",
        Manners(does.good, trust="expired"),
        "tls",
        "its certificate has expired",
    ),
    _whole(
        "future certificate",
        "shows a certificate that is not valid yet",
        Manners(does.good, trust="future"),
        "tls",
        "its certificate is not valid yet",
    ),
    _whole(
        "other name",
        "shows a certificate for another name",
        Manners(does.good, trust="other name"),
        "tls",
        "its certificate is for another address",
    ),
    HostileTarget(
        "eternal certificate",
        "shows a certificate that is valid from 1971 to 9966",
        Manners(does.good, trust="eternal"),
        None,
    ),
    _whole(
        "client certificate demanded",
        "demands a client certificate, and there is none",
        Manners(does.good, trust="demanding"),
        "tls",
        "it does not accept the client certificate",
    ),
    _whole(
        "hanging handshake",
        "begins the TLS handshake and stops",
        Manners(does.good, connected=does.hanging_handshake),
        "timeout",
        _NO_HANDSHAKE,
    ),
    _whole(
        "slow handshake",
        "sends its TLS handshake with a byte each second",
        Manners(does.good, trust="dripping"),
        "timeout",
        _NO_HANDSHAKE,
    ),
    _whole(
        "plain HTTP",
        "speaks HTTP where TLS belongs",
        Manners(does.good, connected=raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
        "tls",
        "it does not speak TLS",
    ),
    _whole(
        "handshake flood",
        "sends TLS handshake bytes for ever",
        Manners(
            does.good,
            connected=does.endless_bytes(b"", b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + b"\0" * 16380),
        ),
        "tls",
        "the TLS connection failed",
    ),
    _whole(
        "mute",
        "accepts connections and says nothing",
        Manners(does.good, connected=does.silent),
        "timeout",
        _NO_HANDSHAKE,
    ),
    _whole(
        "hanging up",
        "closes connections at once",
        Manners(does.good, connected=does.hanging_up),
        "connect",
        "it closed the connection during the TLS handshake",
    ),
    _whole(
        "resetting",
        "resets connections at once",
        Manners(does.good, connected=does.resetting),
        "connect",
        "it reset the connection",
    ),
    _always(
        "no answer",
        "reads requests and answers none",
        does.silent,
        "timeout",
        "it gave no answer in time",
    ),
    _always(
        "closing on requests",
        "closes the connection at each request",
        does.closing,
        "protocol",
        "it closed the connection without an answer",
    ),
    _page(
        "reset midway",
        "resets the connection in the middle of its page",
        does.resetting_midway,
        "connect",
        "it reset the connection",
    ),
    _page(
        "one byte a second",
        "sends its page with a byte each second",
        does.dripping(_HEAD + b"Content-Length: 9999\r\n\r\n", PAGE),
        "timeout",
        _LATE,
    ),
    _always(
        "header byte by byte",
        "sends its headers with a byte each second",
        does.dripping(b"", _HEAD),
        "timeout",
        "it gave no answer in time",
    ),
    _page(
        "headers, then silence",
        "sends headers and no page",
        raw(_HEAD + b"Content-Length: 99\r\n\r\n", close=False),
        "timeout",
        _LATE,
    ),
    HostileTarget(
        "hanging checks",
        "never answers whether it is ready, but has a page",
        Manners(does.good, readyz=does.silent),
        "timeout",
        "it gave no answer in time",
        probed=False,
    ),
    HostileTarget(
        "endless checks",
        "lists checks for ever, but has a page",
        Manners(does.good, readyz=does.endless(b"[+]ping ok\n" * 1000)),
        "limit",
        _TOO_LARGE,
        probed=False,
    ),
    _page(
        "401",
        "does not know the token",
        page(b"", status="401 Unauthorized"),
        "status",
        "it does not know the monitoring identity (401)",
    ),
    _page(
        "403",
        "does not allow the page",
        page(b"the token was " + b"x" * 99, status="403 Forbidden"),
        "status",
        "it does not allow the monitoring identity to read this (403)",
    ),
    _page("404", "has no page", page(b"", status="404 Not Found"), "status", "it has no such page (404)"),
    _page(
        "429",
        "is too busy",
        page(b"", "Retry-After: 3600", status="429 Too Many Requests"),
        "status",
        "it takes no more requests for now (429)",
    ),
    _page("500", "fails", page(b"", status="500 Internal Server Error"), "status", "it failed (500)"),
    _page(
        "503", "is not available", page(b"", status="503 Service Unavailable"), "status", "it failed (503)"
    ),
    _page(
        "204",
        "answers with no content",
        raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False),
        "status",
        "it answered with HTTP status 204",
    ),
    _page(
        "switching protocols",
        "switches to another protocol unasked",
        raw(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tunnel\r\nConnection: Upgrade\r\n\r\n", close=False
        ),
        "protocol",
        _NOT_HTTP,
    ),
    _page(
        "HTML",
        "serves a login page",
        page(b"<html><form>", kind="text/html"),
        "content",
        "it sends something else than a metrics page",
    ),
    _page("HTML as text", "serves a login page as text", page(b"<html>\n<form>\n"), "page"),
    _page(
        "too long",
        "announces more than it sends",
        raw(_HEAD + b"Content-Length: 99999\r\n\r\n" + PAGE),
        "protocol",
        _CUT,
    ),
    _page(
        "too short",
        "announces less than it sends",
        raw(_HEAD + GZIP.encode() + b"\r\nContent-Length: 100\r\n\r\n" + _ZIPPED, close=False),
        "page",
    ),
    _page(
        "two lengths",
        "announces two different lengths",
        raw(_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nup 1\n"),
        "protocol",
        _NOT_HTTP,
    ),
    _page(
        "broken chunks",
        "sends chunks whose sizes are no numbers",
        raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nup 1\n\r\n"),
        "protocol",
        _CUT,
    ),
    _page(
        "tiny chunks",
        "sends its page in chunks of one byte",
        raw(does.chunked(*(bytes([byte]) for byte in PAGE)), close=False),
        "limit",
        "it sends its answer in parts of a few bytes",
    ),
    _page(
        "endless chunk extension",
        "sends a chunk header for ever",
        does.endless_bytes(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x=y;" * 1000),
        "protocol",
        _CUT,
    ),
    _always(
        "continue flood",
        "says 100 Continue for ever",
        does.endless_bytes(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        "limit",
        _NO_END,
    ),
    _always(
        "no HTTP",
        "answers with something that is not HTTP",
        raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
        "protocol",
        _NOT_HTTP,
    ),
    _always(
        "HTTP/2",
        "answers in HTTP/2",
        raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x64" * 3, close=False),
        "protocol",
        _NOT_HTTP,
    ),
    _page(
        "answers ahead",
        "sends an answer that was not asked for after each page",
        raw(
            _HEAD
            + b"Content-Length: 5\r\n\r\nup 1\n"
            + b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            close=False,
        ),
        None,
    ),
    _page(
        "closing unsaid",
        "closes the connection after each page, and does not say so",
        does.then_close(does.good),
        None,
    ),
    HostileTarget(
        "every other time",
        "answers one request and hangs at the next",
        Manners(does.in_turn(does.good, does.silent)),
        None,
    ),
)


def table() -> str:
    """Return the document: every hostile target, and what happens."""
    lines = [
        "# Hostile targets",
        "",
        "What a server can do to whoever scrapes it, and what happens then. Each row is a real server in",
        "`tests/support/hostile_targets.py`, with a test of its own in `tests/chaos/test_hostile_targets.py`; another",
        "test runs all of them beside 50 healthy control planes, which keep every round.",
        "",
        "Every target costs its own slot until its time-out at most. Targets whose last round failed have few slots",
        "of their own, so no number of them keeps a healthy one waiting. Servers that give nothing are asked less",
        "often, up to every two minutes, and soon again while they are on screen.",
        "",
        "| target | what it does | what happens |",
        "| --- | --- | --- |",
        *(f"| {row.name} | {row.does} | {row.outcome} |" for row in HOSTILE_TARGETS),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(table())
