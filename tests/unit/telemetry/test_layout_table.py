"""Layouts and series are shared between pages, and hostile pages cannot spoil that."""

from __future__ import annotations

import gc
import gzip
import tracemalloc
from itertools import count
from pathlib import Path

import pytest

from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import LayoutTable, scan

API_SERVER = (Path(__file__).parents[2] / "data" / "metrics" / "kube-apiserver-1.36.2-t0.txt.gz").read_bytes()
LATER = (Path(__file__).parents[2] / "data" / "metrics" / "kube-apiserver-1.36.2-t1.txt.gz").read_bytes()
WANTED = frozenset(
    {
        "apiserver_request_sli_duration_seconds",
        "apiserver_request_total",
        "etcd_request_duration_seconds",
        "workqueue_depth",
        "process_open_fds",
    }
)


def layouts(page: Page) -> dict[str, int]:
    return {name: id(family.layout) for name, family in page.families.items()}


def test_a_page_with_the_series_of_the_one_before_has_its_layouts() -> None:
    table = LayoutTable()
    before = scan(API_SERVER, WANTED, layouts=table)

    page = scan(LATER, WANTED, layouts=table)

    assert layouts(page) == layouts(before)
    assert (
        page.families["apiserver_request_total"].values != before.families["apiserver_request_total"].values
    )


def test_two_control_planes_whose_series_begin_alike_each_keep_their_layout() -> None:
    table = LayoutTable()
    one = gzip.decompress(API_SERVER)
    other = one.replace(b'verb="APPLY"', b'verb="APPLIES"')
    assert one != other
    first, second = scan(one, WANTED, layouts=table), scan(other, WANTED, layouts=table)

    for _ in range(2):
        assert layouts(scan(one, WANTED, layouts=table)) == layouts(first)
        assert layouts(scan(other, WANTED, layouts=table, previous=second)) == layouts(second)


def test_a_series_more_gives_a_new_layout_that_shares_the_old_series() -> None:
    table = LayoutTable()
    before = scan(
        b"# TYPE a gauge\n" + b"".join(b'a{x="%d"} 1\n' % n for n in range(100)), {"a"}, layouts=table
    )

    page = scan(
        b"# TYPE a gauge\n" + b"".join(b'a{x="%d"} 1\n' % n for n in range(101)), {"a"}, layouts=table
    )

    old, new = before.families["a"].layout.series, page.families["a"].layout.series
    assert new[:100] == old
    assert all(mine is theirs for mine, theirs in zip(new, old, strict=False))


@pytest.mark.parametrize(
    "text",
    [
        b'# TYPE a gauge\na{x="1"} 1\n',
        b'# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\na{x="3"} 1\n',
        b'# TYPE a gauge\na{x="2"} 1\na{x="1"} 1\n',
        b'# TYPE a gauge\na{x="1"} 1\na{x="22"} 1\n',
        b'# TYPE a gauge\na{x="1"} 1\n  5\n',
        b'# TYPE a gauge\na{x="1"} 1 \na{x="2"}5\n',
        b'# TYPE a gauge\na{x="1"}  1\na{x="2"}5\n',
        b'# TYPE a gauge\na{x="1"} 1\na{x="2"} 1_0\n',
        b'# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\t\n',
        b'# TYPE b gauge\na{x="1"} 1\na{x="2"} 1\n',
        b'# TYPE a histogram\na{x="1"} 1\na{x="2"} 1\n',
    ],
)
def test_knowing_other_pages_never_changes_what_is_read(text: bytes) -> None:
    table = LayoutTable()
    before = scan(b'# TYPE a gauge\na{x="1"} 1\na{x="2"} 2\n', {"a"}, layouts=table)

    def read(known: LayoutTable, previous: Page | None) -> object:
        try:
            page = scan(text, {"a"}, layouts=known, previous=previous)
        except Exception as error:  # noqa: BLE001 - compared, whatever it is
            return str(error)
        return {name: list(family.samples()) for name, family in page.families.items()}

    assert read(table, before) == read(LayoutTable(), None)


def test_a_page_of_known_series_costs_little_more_than_its_values() -> None:
    table = LayoutTable()
    held = scan(API_SERVER, WANTED, layouts=table)
    samples = sum(len(family.values) for family in held.families.values())
    gc.collect()
    tracemalloc.start()
    try:
        pages = [scan(API_SERVER, WANTED, layouts=table, previous=held) for _ in range(5)]
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(pages) == 5
    assert samples > 8000
    assert used / 5 < samples * 8 * 1.25 + 4096


def test_layouts_go_with_the_last_page_that_has_them() -> None:
    table = LayoutTable()
    scan(API_SERVER, WANTED, layouts=table)
    gc.collect()

    assert table.latest(b'workqueue_depth{name="APIServiceRegistrationController"}') is None


def hostile(numbers: count[int]) -> bytes:
    """A page whose 5,000 wanted series nobody has seen before."""
    return b"# TYPE workqueue_depth gauge\n" + b"".join(
        b'workqueue_depth{name="%0100d"} 1\n' % next(numbers) for _ in range(5000)
    )


def test_pages_of_random_series_leave_the_series_of_others_shared() -> None:
    table = LayoutTable(generation_bytes=12 * 1024 * 1024, page_bytes=1024 * 1024)
    numbers = count()
    first = scan(API_SERVER, WANTED, layouts=table)
    known = set(map(id, first.families["apiserver_request_total"].layout.series))
    later = gzip.decompress(API_SERVER).replace(
        b"# TYPE apiserver_request_total counter\n",
        b"# TYPE apiserver_request_total counter\napiserver_request_total 1\n",
    )
    for _ in range(6):
        scan(hostile(numbers), WANTED, layouts=table)

    page = scan(later, WANTED, layouts=table)

    series = page.families["apiserver_request_total"].layout.series
    assert {id(text) for text in series[1:]} == known


def test_a_table_holds_no_more_than_two_generations() -> None:
    table = LayoutTable(generation_bytes=1024 * 1024, page_bytes=512 * 1024)
    numbers = count()
    tracemalloc.start()
    try:
        for _ in range(12):
            scan(hostile(numbers), WANTED, layouts=table)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert used < 4 * 1024 * 1024
