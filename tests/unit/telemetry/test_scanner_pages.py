"""What the scanner makes of pages: formats, families, and what it refuses."""

from __future__ import annotations

import math

import pytest

from k3k_core.errors import PageError
from k3k_core.telemetry.page import Exemplar, Family, Page
from k3k_core.telemetry.scanner import Scanner, scan


def family(page: Page, name: str) -> Family:
    found = page.get(name)
    assert found is not None
    return found


def values(page: Page, name: str) -> list[float]:
    return list(family(page, name).values)


def test_a_family_that_is_not_on_the_page_is_absent() -> None:
    page = scan(b"# TYPE a gauge\na 1\n# TYPE b gauge\n", {"a", "b", "c"})

    assert set(page.families) == {"a"}
    assert "b" not in page
    assert page.get("c") is None


def test_a_page_knows_its_size_after_decompression() -> None:
    assert scan(b"a 1\nb 2\n", {"a"}).size == 8


def test_an_empty_page_has_no_families() -> None:
    assert scan(b"", {"a"}) == Page({}, 0)
    assert scan([], {"a"}) == Page({}, 0)


def test_the_last_line_needs_no_line_feed() -> None:
    assert values(scan(b"# TYPE a gauge\na 1\na 2", {"a"}), "a") == [1.0, 2.0]


def test_lines_may_end_with_carriage_returns() -> None:
    assert values(scan(b"# TYPE a gauge\r\na 1\r\n\r\na 2\r\n", {"a"}), "a") == [1.0, 2.0]


def test_a_sample_without_a_declaration_is_of_unknown_kind() -> None:
    page = scan(b'a{x="1"} 1\nb 2\na{x="2"} 3\n', {"a"})

    assert family(page, "a").kind == "unknown"
    assert values(page, "a") == [1.0, 3.0]


def test_a_wanted_sample_is_found_among_those_of_another_family() -> None:
    page = scan(b"# TYPE b gauge\nb 1\na 2\nb 3\n# TYPE c gauge\nc 1\na 4\n", {"a"})

    assert values(page, "a") == [2.0, 4.0]


def test_a_family_that_comes_twice_is_one_family() -> None:
    page = scan(b"# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n# TYPE a counter\na 3\n", {"a"})

    assert family(page, "a").kind == "counter"
    assert values(page, "a") == [1.0, 3.0]


def test_a_bucket_belongs_to_its_histogram_and_not_to_a_family_of_its_own_name() -> None:
    text = b'# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 2\na_count 1\n'

    assert values(scan(text, {"a", "a_bucket"}), "a") == [1.0, 2.0, 1.0]
    assert scan(text, {"a_bucket"}).families == {}


def test_a_name_that_begins_with_a_wanted_one_is_another_family() -> None:
    page = scan(b"# TYPE ab gauge\nab 1\n# TYPE a gauge\na 2\nab 3\n", {"a"})

    assert values(page, "a") == [2.0]


def test_numbers_are_read_as_the_format_writes_them() -> None:
    page = scan(b"# TYPE a gauge\na NaN\na +Inf\na -Inf\na 1.5e-3\na 1e400\n", {"a"})

    assert math.isnan(values(page, "a")[0])
    assert values(page, "a")[1:] == [math.inf, -math.inf, 0.0015, math.inf]


def test_timestamps_of_the_text_format_are_milliseconds() -> None:
    page = scan(b"# TYPE a gauge\na 1 1234567890123\na 2\n", {"a"})

    assert dict(family(page, "a").timestamps) == {0: 1234567890.123}


def test_odd_spellings_of_a_series_are_put_in_the_usual_form() -> None:
    page = scan(b'# TYPE a gauge\na { x = "1" , } 1\n', {"a"})

    assert family(page, "a").layout.series == (b'a{x="1"}',)


def test_a_label_may_hold_what_else_has_a_meaning() -> None:
    text = b'# TYPE a gauge\na{x="# TYPE a counter",y="} 5 {",z="a\\nb\\"c\\\\"} 1\n'

    (sample,) = family(scan(text, {"a"}), "a").samples()

    assert sample.labels == {"x": "# TYPE a counter", "y": "} 5 {", "z": 'a\nb"c\\'}


def test_names_in_quotes_may_hold_anything() -> None:
    text = b'# TYPE "my.name" counter\n{"my.name","my label"="x"} 1\n'

    (sample,) = family(scan(text, {"my.name"}), "my.name").samples()

    assert (sample.name, sample.labels) == ("my.name", {"my label": "x"})


OPENMETRICS = b"""\
# HELP a A counter.
# TYPE a counter
a_total{x="1"} 5 123.5 # {trace="abc"} 0.5 123.25
a_created{x="1"} 100 123.5
# TYPE b histogram
b_bucket{le="1"} 1
b_bucket{le="+Inf"} 2
b_count 2
b_sum 1.5
b_created 7
b {count:2,sum:1.5,schema:3,zero_threshold:0,zero_count:0}
# TYPE c info
c_info{version="1"} 1
# EOF
"""


def test_an_openmetrics_page_is_known_by_its_end() -> None:
    page = scan(OPENMETRICS, {"a_total", "b", "c_info"})

    assert {name: found.kind for name, found in page.families.items()} == {
        "a_total": "counter",
        "b": "histogram",
        "c_info": "info",
    }


def test_an_openmetrics_counter_answers_to_the_name_of_its_samples() -> None:
    assert set(scan(OPENMETRICS, {"a_total"}).families) == {"a_total"}
    assert set(scan(OPENMETRICS, {"a"}).families) == {"a"}
    assert set(scan(OPENMETRICS, {"a", "a_total"}).families) == {"a_total"}


def test_exemplars_and_timestamps_of_openmetrics_are_kept() -> None:
    found = family(scan(OPENMETRICS, {"a_total"}), "a_total")

    assert dict(found.timestamps) == {0: 123.5, 1: 123.5}
    assert dict(found.exemplars) == {0: Exemplar({"trace": "abc"}, 0.5, 123.25)}


def test_created_times_belong_to_an_openmetrics_family() -> None:
    found = family(scan(OPENMETRICS, {"b"}), "b")

    assert [sample.name for sample in found.samples()][-1] == "b_created"


def test_native_histograms_are_left_out() -> None:
    assert values(scan(OPENMETRICS, {"b"}), "b") == [1.0, 2.0, 2.0, 1.5, 7.0]


def test_a_page_said_to_be_openmetrics_must_have_its_end() -> None:
    cut_off = OPENMETRICS.removesuffix(b"# EOF\n")

    with pytest.raises(PageError, match="cut off"):
        scan(cut_off, {"a_total"}, openmetrics=True)


def test_a_page_said_to_be_text_may_have_the_other_format_s_end() -> None:
    page = scan(b"# TYPE a_total counter\na_total 1\n# EOF\n", {"a_total"}, openmetrics=False)

    assert values(page, "a_total") == [1.0]


@pytest.mark.parametrize(
    "text",
    [
        OPENMETRICS + b"a 1\n",
        OPENMETRICS + b"\n",
        OPENMETRICS.replace(b"# TYPE b", b"\n# TYPE b"),
        OPENMETRICS.replace(b'b_bucket{le="+Inf"} 2\n', b""),
        OPENMETRICS.replace(b"b_count 2", b"b_count 3"),
        OPENMETRICS.replace(b"b_count 2", b"b_count  2"),
        OPENMETRICS.replace(b"a_total{", b"a_total{,"),
        OPENMETRICS.replace(b"# TYPE c info", b"# TYPE b info"),
        OPENMETRICS.replace(b"# TYPE c info", b"# TYPE c untyped"),
        OPENMETRICS.replace(b"c_info", b"c"),
        OPENMETRICS.replace(b"trace", b"t" * 130),
    ],
)
def test_openmetrics_is_strict(text: bytes) -> None:
    with pytest.raises(PageError):
        scan(text, {"a_total", "b", "c", "c_info"})


@pytest.mark.parametrize(
    "text",
    [
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b'{"kind":"Status","apiVersion":"v1"}\n',
        b"\x00\x01\x02\x03\n",
        b"\x0a\x1eapiserver_request_total\x12\x05",
        b"Unauthorized\n",
        b"# TYPE a gauge\na one\n",
        b"# TYPE a gauge\na\n",
        b"# TYPE a gauge\na 1_000\n",
        b"# TYPE a gauge\na 0x10\n",
        b'# TYPE a gauge\na{x="1" 1\n',
        b'# TYPE a gauge\na{x="1",x="2"} 1\n',
        b'# TYPE a gauge\na{__x="1"} 1\n',
        b'# TYPE a gauge\na{x="1"}"y" 1\n',
        b'# TYPE a gauge\na{x="1""2"} 1\n',
        b'# TYPE a gauge\na{x="1"y="2"} 1\n',
        b'# TYPE a gauge\na{x="1",y="2"}"z" 1\n',
        b'# TYPE a gauge\na{x="1","y","z"="2"} 1\n',
        b'# TYPE a gauge\na{x="1,y="2"} 1\na{x="1",y=2"} 1\n',
        b'# TYPE a histogram\na_bucket{le="1",le="2"} 1\n',
        b'# TYPE a gauge\na{x="\xff"} 1\n',
        b"# TYPE a speed\na 1\n",
        b"# TYPE b\n",
        b"# TYPE 1b gauge\n",
    ],
)
def test_what_is_no_page_is_refused(text: bytes) -> None:
    with pytest.raises(PageError):
        scan(text, {"a"})


def test_a_refusal_names_the_line_and_shows_little_of_it() -> None:
    text = b"# TYPE b gauge\nb 1\n# TYPE a gauge\na 1\na oops" + b"s" * 1000 + b"\n"

    with pytest.raises(PageError, match="line 5") as refusal:
        scan(text, {"a"})

    assert refusal.value.line == 5
    assert len(refusal.value.message) < 300


def test_a_line_of_an_unwanted_family_is_not_looked_at() -> None:
    page = scan(b'# TYPE b gauge\nb{x=1} one\nb{x="\xff"}\n# TYPE a gauge\na 1\n', {"a"})

    assert values(page, "a") == [1.0]


def test_a_scanner_that_has_refused_a_page_goes_on_refusing_it() -> None:
    scanner = Scanner({"a"})
    with pytest.raises(PageError):
        scanner.feed(b"<html>\n")

    with pytest.raises(PageError, match="html"):
        scanner.feed(b"a 1\n")
    with pytest.raises(PageError, match="html"):
        scanner.close()
