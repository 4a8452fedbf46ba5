"""The shipped dashboard, held to the catalogue of metrics, to promtool and to what Grafana needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from k3k_core.exporter.dashboard import config_map, grafana, load_dashboard
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.rules import load_rules
from tests.support.prometheus import needs_promtool, promtool
from tests.support.promql import used
from tests.support.series import ALL_SERIES, labels_of

DASHBOARD = load_dashboard()
MODEL = grafana(DASHBOARD)
PANELS = [panel for row in DASHBOARD.rows for panel in row.panels]
QUERIES = [
    pytest.param(panel, query, id=f"{panel.title} {index}")
    for panel in PANELS
    for index, query in enumerate(panel.queries)
]
GRAFANA_OWN = {"__rate_interval", "datasource"}


def written(panels: list[dict[str, Any]] | None = None) -> Iterator[dict[str, Any]]:
    """Yield every panel as Grafana gets it, those of folded rows too, without the rows."""
    for panel in MODEL["panels"] if panels is None else panels:
        if panel["type"] == "row":
            yield from written(panel["panels"])
        else:
            yield panel


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_query_names_only_series_that_exist(panel: Any, query: Any) -> None:
    series = {selector.series for selector in used(query.expr).selectors}
    assert series
    assert series <= ALL_SERIES


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_query_uses_only_labels_that_its_series_have(panel: Any, query: Any) -> None:
    expression = used(query.expr)
    for selector in expression.selectors:
        assert selector.labels <= labels_of(selector.series), selector
    assert expression.grouping <= frozenset[str]().union(
        *(labels_of(each.series) for each in expression.selectors)
    )


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_legend_uses_only_labels_that_are_left(panel: Any, query: Any) -> None:
    expression = used(query.expr)
    left = expression.grouping
    if not left:
        left = frozenset[str]().union(*(labels_of(each.series) for each in expression.selectors))
    elif any(":" in each.series for each in expression.selectors):
        left |= {"host", "namespace", "name"}
    elif left == {"job", "instance"}:
        left |= labels_of(expression.selectors[0].series)
    assert set(re.findall(r"{{(\w+)}}", query.legend)) <= left


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_what_is_about_control_planes_follows_the_variables(panel: Any, query: Any) -> None:
    for selector in used(query.expr).selectors:
        known = labels_of(selector.series)
        for label in {"host", "namespace", "name"} & known:
            assert (label, "=~", f"${label}") in selector.matchers, selector


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_query_uses_only_variables_that_are_defined(panel: Any, query: Any) -> None:
    defined = {variable["name"] for variable in MODEL["templating"]["list"]} | GRAFANA_OWN
    assert set(re.findall(r"\$\{?(\w+)", query.expr)) <= defined


@needs_promtool
async def test_promtool_can_parse_every_query(tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in written() for target in panel["targets"]]
    rules = [
        {"record": f"q:{index}", "expr": expr.replace("$__rate_interval", "5m").replace("$top", "10")}
        for index, expr in enumerate(expressions)
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    checked = await promtool("check", "rules", str(path))
    assert f"{len(rules)} rules found" in checked.checked().out


def test_every_panel_says_what_it_shows() -> None:
    for panel in PANELS:
        assert panel.about.endswith("."), panel.title
        assert panel.queries, panel.title
    for row in DASHBOARD.rows:
        titles = [panel.title for panel in row.panels]
        assert len(set(titles)) == len(titles)


def test_panels_have_a_place_of_their_own() -> None:
    for row in [None, *(panel for panel in MODEL["panels"] if panel["type"] == "row")]:
        panels = (
            [each for each in MODEL["panels"] if each["type"] != "row"]
            if row is None
            else list(written(row["panels"]))
        )
        places = [panel["gridPos"] for panel in panels]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        for one, other in combinations(places, 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or above


def test_identifiers_are_unique() -> None:
    rows = [panel["id"] for panel in MODEL["panels"] if panel["type"] == "row"]
    panels = [panel["id"] for panel in written()]
    assert len({*rows, *panels}) == len(rows) + len(panels)
    for panel in written():
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_only_the_first_row_is_unfolded() -> None:
    rows = [panel for panel in MODEL["panels"] if panel["type"] == "row"]
    assert [row["title"] for row in rows] == [row.title for row in DASHBOARD.rows]
    assert [row["collapsed"] for row in rows] == [False] + [True] * (len(rows) - 1)


def test_the_data_source_is_a_variable() -> None:
    assert MODEL["templating"]["list"][0]["type"] == "datasource"
    sources = [panel["datasource"] for panel in written()]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert "__inputs" not in MODEL


def test_variables_narrow_each_other() -> None:
    queries = [
        variable["definition"] for variable in MODEL["templating"]["list"] if variable["type"] == "query"
    ]
    assert queries == [
        "label_values(k3k_control_plane_info, host)",
        'label_values(k3k_control_plane_info{host=~"$host"}, namespace)',
        'label_values(k3k_control_plane_info{host=~"$host", namespace=~"$namespace"}, name)',
    ]


def test_every_verdict_has_a_colour() -> None:
    (states,) = (panel for panel in written() if panel["title"] == "Control planes by state")
    coloured = {override["matcher"]["options"] for override in states["fieldConfig"]["overrides"]}
    assert coloured == set(get_args(Verdict))


def test_a_table_names_the_columns_of_its_queries() -> None:
    for panel in written():
        if panel["type"] == "table":
            organize = panel["transformations"][1]["options"]
            columns = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
            assert set(organize["renameByName"].values()) == columns
            sorted_by = {order["displayName"] for order in panel["options"]["sortBy"]}
            assert sorted_by <= columns


def test_thresholds_are_those_of_the_verdict_rules() -> None:
    rules = load_rules("rules: {DatastoreSlow: {above: 0.75, clear: 0.3}}")
    (panel,) = (
        panel for row in load_dashboard(rules).rows for panel in row.panels if panel.title == "Requests, p99"
    )
    assert panel.thresholds["orange"] == 0.75


def test_the_config_map_holds_the_same_dashboard() -> None:
    made = config_map(DASHBOARD, name="board", namespace="monitoring", labels={"grafana_dashboard": "1"})
    assert made["metadata"] == {
        "name": "board",
        "namespace": "monitoring",
        "labels": {"grafana_dashboard": "1"},
    }
    assert json.loads(made["data"]["k3k-fleet.json"]) == MODEL
