"""Reading the dashboard that is shipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from k3k_core.exporter.dashboard.model import Dashboard, Panel, Query, Row
from k3k_core.exporter.yaml_text import from_yaml
from k3k_core.telemetry.rules import Rule, load_rules

# What expressions abbreviate. Regular expressions match the variables' values as a whole.
_WORDS = {
    "$select": 'host=~"$host", namespace=~"$namespace", name=~"$name"',
    "$hosts": 'host=~"$host"',
    "$cp": "host, namespace, name",
}


def load_dashboard(rules: Iterable[Rule] | None = None) -> Dashboard:
    """Return the shipped dashboard.

    Args:
        rules: verdict rules whose thresholds it shows; the shipped ones unless told. A threshold whose rule is not
            among them is left out.
    """
    thresholds = {rule.name: rule.threshold for rule in (load_rules() if rules is None else rules)}
    text = (resources.files("k3k_core.exporter.dashboard") / "fleet.yaml").read_text(encoding="utf-8")
    document = from_yaml(text)
    rows = tuple(
        Row(row["title"], tuple(_panel(panel, thresholds) for panel in row["panels"]))
        for row in document["rows"]
    )
    return Dashboard(document["uid"], document["title"], rows)


def _panel(entry: Mapping[str, Any], thresholds: Mapping[str, float]) -> Panel:
    plain = {key: value for key, value in entry.items() if key not in {"queries", "thresholds"}}
    queries = tuple(_query(query, thresholds) for query in entry["queries"])
    return Panel(queries=queries, thresholds=_thresholds(entry, thresholds), **plain)


def _query(entry: Mapping[str, Any], thresholds: Mapping[str, float]) -> Query:
    plain = {key: value for key, value in entry.items() if key not in {"expr", "thresholds"}}
    expr = str(entry["expr"])
    for word, meaning in _WORDS.items():
        expr = expr.replace(word, meaning)
    return Query(expr=expr, thresholds=_thresholds(entry, thresholds), **plain)


def _thresholds(entry: Mapping[str, Any], thresholds: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for colour, value in entry.get("thresholds", {}).items():
        number = thresholds.get(value) if isinstance(value, str) else float(value)
        if number is not None:
            found[colour] = number
    return found
