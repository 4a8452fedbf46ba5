"""Families are found under every name since Kubernetes 1.21, and asked for under as few as will do."""

from __future__ import annotations

from array import array

import pytest

from k3k_core.telemetry import families
from k3k_core.telemetry.families import ETCD_WANTED, SERVER_FACTS, WANTED, Fact, wanted_for
from k3k_core.telemetry.page import Family, Layout, Page
from k3k_core.telemetry.scanner import scan
from tests.support.recorded_pages import MODERN_K3S, recorded


def page(*names: str) -> Page:
    return Page(
        {name: Family(name, "gauge", Layout((name.encode(),)), array("d", [1.0])) for name in names}, size=0
    )


def test_before_a_first_page_everything_is_wanted() -> None:
    assert wanted_for(None) == WANTED


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("apiserver_request_sli_duration_seconds", "apiserver_request_slo_duration_seconds"),
        ("apiserver_request_sli_duration_seconds", "apiserver_request_duration_seconds"),
        ("apiserver_request_slo_duration_seconds", "apiserver_request_duration_seconds"),
        ("apiserver_storage_size_bytes", "apiserver_storage_db_total_size_in_bytes"),
        ("apiserver_storage_db_total_size_in_bytes", "etcd_db_total_size_in_bytes"),
        ("apiserver_resource_objects", "apiserver_storage_objects"),
        ("apiserver_storage_objects", "etcd_object_counts"),
        ("apiserver_longrunning_requests", "apiserver_longrunning_gauge"),
    ],
)
def test_a_newer_name_replaces_an_older_one(newer: str, older: str) -> None:
    assert older in wanted_for(page(older))
    assert newer in wanted_for(page(older))
    assert newer in wanted_for(page(newer))
    assert older not in wanted_for(page(newer, older))


def test_every_fact_is_wanted_under_some_name_whatever_the_page() -> None:
    for fact in SERVER_FACTS:
        for family in fact.families:
            assert wanted_for(page(family)).intersection(fact.families)


def test_the_newest_name_is_found_first() -> None:
    both = page("apiserver_storage_objects", "apiserver_resource_objects")
    found = families.STORAGE_OBJECTS.find(both)
    assert found is not None
    assert found.name == "apiserver_resource_objects"


def test_two_pages_are_compared_under_a_name_that_both_have() -> None:
    old = page("apiserver_request_duration_seconds")
    new = page("apiserver_request_sli_duration_seconds", "apiserver_request_duration_seconds")
    pair = families.REQUEST_DURATION.pair(new, old)
    assert pair is not None
    assert [family.name for family in pair] == ["apiserver_request_duration_seconds"] * 2


def test_a_fact_that_is_absent_is_not_found() -> None:
    assert families.STORAGE_SIZE.find(page("something_else")) is None
    assert families.STORAGE_SIZE.pair(page("something_else"), page()) is None


def test_every_fact_of_the_module_is_asked_for() -> None:
    facts = [value for value in vars(families).values() if isinstance(value, Fact)]
    asked = WANTED | ETCD_WANTED
    assert len(facts) > 40
    assert all(asked.issuperset(fact.families) for fact in facts)


@pytest.mark.parametrize("name", ["k3s-1.21.3-agentless", MODERN_K3S])
def test_a_second_page_is_much_shorter_and_lacks_no_fact(name: str) -> None:
    first = scan(recorded(name, "t0"), WANTED)
    second = scan(recorded(name, "t0"), wanted_for(first))
    assert all((fact.find(second) is None) == (fact.find(first) is None) for fact in SERVER_FACTS)
    assert len(second.families) < len(first.families)
