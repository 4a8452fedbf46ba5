"""Pages of a control plane under a steady load, spun on from two recorded ones."""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from k3k_core.telemetry.families import ETCD_WANTED, WANTED
from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.page import Family, Page
from k3k_core.telemetry.scanner import scan

RECORDED = Path(__file__).parents[1] / "data" / "metrics"
SECONDS_APART = 15.0
DAY = 86400.0


def recorded(name: str) -> Page:
    """A recorded page."""
    return scan(gzip.decompress((RECORDED / f"{name}.txt.gz").read_bytes()), WANTED | ETCD_WANTED)


def joined(*pages: Page) -> Page:
    """Pages of several processes as the one page that k3s makes of them; the first counts for the process itself."""
    families = {name: family for page in reversed(pages) for name, family in page.families.items()}
    return Page(families, sum(page.size for page in pages))


def modern(moment: str) -> Page:
    """What a k3s of today serves, joined from its parts."""
    return joined(
        recorded(f"kube-apiserver-1.36.2-{moment}"), recorded(f"kube-controller-manager-1.36.2-{moment}")
    )


def spun_on(first: Page, second: Page, rounds: float) -> Page:
    """The page after some rounds more of what happened between two: counters go on, gauges stay.

    Args:
        first: the earlier page.
        second: the later page.
        rounds: how many times what happened between the two happens again.
    """
    families = {name: _spun_on(first.get(name), family, rounds) for name, family in second.families.items()}
    return Page(families, second.size)


def _spun_on(first: Family | None, second: Family, rounds: float) -> Family:
    if second.kind not in {"counter", "histogram", "summary"} or first is None:
        return second
    before = dict(zip(first.layout.series, first.values, strict=True))
    values = [
        value + (value - before.get(series, value)) * rounds
        for series, value in zip(second.layout.series, second.values, strict=True)
    ]
    return replace(second, values=array("d", values))


def observations(
    pages: tuple[Page, Page], *, start: float, tempo: float, etcd: tuple[Page, Page] | None = None
) -> Iterator[Observation]:
    """Rounds without end of one server that is ready and under a steady load.

    Args:
        pages: two pages of it, 15 s apart.
        start: time of the first round, seconds since 1970.
        tempo: load, as a multiple of what was recorded.
        etcd: two pages of its etcd.
    """
    number = 0
    while True:
        at = start + number * SECONDS_APART
        probe = Probe(ready=True, round_trip=0.02, certificate_expires_at=start + 300 * DAY)
        page = spun_on(*pages, number * tempo)
        members: tuple[ServerObservation, ...] = ()
        if etcd:
            members = (ServerObservation("etcd-0", page=spun_on(*etcd, number * tempo), page_at=at),)
        yield Observation(
            at=at,
            servers=(ServerObservation("server-0", probe=probe, page=page, page_at=at),),
            etcd=members,
            datastore="etcd" if etcd else "sqlite",
            authorities=(("server-ca", start + 3600 * DAY),),
        )
        number += 1
