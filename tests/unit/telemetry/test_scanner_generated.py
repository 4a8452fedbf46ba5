"""Made-up pages: what the scanner keeps, and what it refuses, is what `prometheus_client`'s parsers say."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k3k_core.errors import PageError
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import LayoutTable, scan
from tests.support.page_strategies import UNIVERSE, cuts, metrics_pages, text_pages
from tests.support.reference_pages import Families, metrics_families, scanned_families, text_families

thoroughly = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def accepted(parse: Callable[[str], Families], text: str) -> Families | None:
    """What the reference parser reads; None when it refuses the page, in whatever way."""
    try:
        return parse(text)
    except Exception:  # noqa: BLE001 - it also leaves by IndexError, AttributeError and others
        return None


def kept(scanning: Callable[[], Page]) -> Families | None:
    """What the scanner reads; None when it refuses the page."""
    try:
        return scanned_families(scanning())
    except PageError:
        return None


@thoroughly
@given(text=text_pages())
def test_of_a_text_page_with_all_names_wanted_the_same_is_kept_or_refused(text: str) -> None:
    expected = accepted(text_families, text)

    assert kept(lambda: scan(text.encode(), UNIVERSE, openmetrics=False)) == expected


@thoroughly
@given(text=text_pages(), wanted=st.frozensets(st.sampled_from(sorted(UNIVERSE))))
def test_of_an_accepted_text_page_exactly_the_wanted_families_are_kept(
    text: str, wanted: frozenset[str]
) -> None:
    families = accepted(text_families, text)

    page = kept(lambda: scan(text.encode(), wanted))

    if families is not None:
        assert page == {name: family for name, family in families.items() if name in wanted}


@thoroughly
@given(text=metrics_pages())
def test_of_an_openmetrics_page_with_all_names_wanted_the_same_is_kept_or_refused(text: str) -> None:
    expected = accepted(metrics_families, text)

    assert kept(lambda: scan(text.encode(), UNIVERSE)) == expected


@thoroughly
@given(text=metrics_pages(), wanted=st.frozensets(st.sampled_from(sorted(UNIVERSE))))
def test_of_an_accepted_openmetrics_page_exactly_the_wanted_families_are_kept(
    text: str, wanted: frozenset[str]
) -> None:
    families = accepted(metrics_families, text)

    page = kept(lambda: scan(text.encode(), wanted))

    if families is not None:
        assert page == asked_for(families, wanted)


def asked_for(families: Families, wanted: frozenset[str]) -> Families:
    """Counters and infos answer to the name of their samples, and else to the name they are declared with."""
    found: Families = {}
    for name, (kind, samples) in families.items():
        declared = name.removesuffix({"counter": "_total", "info": "_info"}.get(kind, ""))
        if name in wanted:
            found[name] = kind, samples
        elif declared in wanted:
            found[declared] = kind, samples
    return found


@thoroughly
@given(
    data=st.data(),
    text=st.one_of(text_pages(), metrics_pages()),
    wanted=st.frozensets(st.sampled_from(sorted(UNIVERSE))),
)
def test_neither_pieces_nor_compression_nor_other_pages_make_a_difference(
    data: st.DataObject, text: str, wanted: frozenset[str]
) -> None:
    page = text.encode()
    table = LayoutTable()
    expected = kept(lambda: scan(page, wanted))
    other = data.draw(st.one_of(text_pages(), st.just(text)))
    try:
        before = scan(other.encode(), wanted, layouts=table)
    except PageError:
        before = None

    pieces = data.draw(cuts(page))

    assert kept(lambda: scan(pieces, wanted, layouts=table, previous=before)) == expected
    assert kept(lambda: scan(page, wanted, layouts=table)) == expected
