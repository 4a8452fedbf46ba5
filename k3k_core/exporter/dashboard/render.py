"""Writing a dashboard as the JSON that Grafana 11 and later import."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from k3k_core.exporter.dashboard.model import Dashboard, Panel, Query, Row

# The form of dashboards that Grafana 11.0 writes; later ones read it and bring it up to date.
_SCHEMA_VERSION = 39
_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_BASE_COLOUR = "green"
# Colours of verdicts, and the numbers that stand for them in tables.
_STATES = (
    ("Healthy", "green", 0),
    ("Paused", "blue", -1),
    ("Expired", "purple", 1),
    ("Progressing", "light-blue", 2),
    ("Unknown", "yellow", 3),
    ("Degraded", "orange", 4),
    ("Down", "red", 5),
)
_BASE_LABELS = ("host", "namespace", "name")


def grafana(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard model of Grafana.

    Args:
        dashboard: what to write.
    """
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": "Control planes as `k3k exporter` sees them; needs the rules of `k3k alerts`.",
        "tags": ["k3k", "kubernetes"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": list(_variables())},
        "panels": list(_panels(dashboard.rows)),
    }


def config_map(
    dashboard: Dashboard, *, name: str, namespace: str | None, labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return a ConfigMap from which the sidecar of Grafana's chart loads the dashboard.

    Args:
        dashboard: what to write.
        name: name of the object.
        namespace: its namespace; None leaves it to whoever applies it.
        labels: labels by which the sidecar finds it.
    """
    place = {} if namespace is None else {"namespace": namespace}
    text = json.dumps(grafana(dashboard), indent=1, ensure_ascii=False)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **place, "labels": dict(labels)},
        "data": {f"{dashboard.uid}.json": text},
    }


def _variables() -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "refresh": 1,
    }
    matchers: list[str] = []
    for label in _BASE_LABELS:
        selector = f"{{{', '.join(matchers)}}}" if matchers else ""
        query = f"label_values(k3k_control_plane_info{selector}, {label})"
        yield {
            "name": label,
            "label": label.capitalize(),
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": query, "refId": label},
            "definition": query,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "hide": 0,
            # Anew whenever the time range changes.
            "refresh": 2,
            "sort": 1,
        }
        matchers.append(f'{label}=~"${label}"')
    choices = ("5", "10", "25", "50")
    yield {
        "name": "top",
        "label": "Most series",
        "type": "custom",
        "query": ",".join(choices),
        "options": [{"selected": text == "10", "text": text, "value": text} for text in choices],
        "current": {"selected": True, "text": "10", "value": "10"},
        "hide": 0,
    }


def _panels(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    identifier = top = 0
    for index, row in enumerate(rows):
        identifier += 1
        heading = {
            "id": identifier,
            "type": "row",
            "title": row.title,
            "collapsed": index > 0,
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
            "panels": [],
        }
        placed = list(_placed(row.panels, top + 1, identifier + 1))
        identifier += len(placed)
        if index > 0:
            # Folded rows hold their panels; those of an unfolded one stand beside it.
            yield {**heading, "panels": placed}
            top += 1
        else:
            yield heading
            yield from placed
            top = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in placed)


def _placed(panels: tuple[Panel, ...], top: int, identifier: int) -> Iterator[dict[str, Any]]:
    left = tallest = 0
    for offset, panel in enumerate(panels):
        if left + panel.width > _COLUMNS:
            left, top, tallest = 0, top + tallest, 0
        place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
        yield _panel(panel, identifier + offset, place)
        left, tallest = left + panel.width, max(tallest, panel.height)


def _panel(panel: Panel, identifier: int, place: Mapping[str, int]) -> dict[str, Any]:
    table = panel.kind == "table"
    return {
        "id": identifier,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": dict(place),
        "targets": [_target(query, index, table=table) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
        **({"transformations": _table_form(panel)} if table else {}),
    }


def _target(query: Query, index: int, *, table: bool) -> dict[str, Any]:
    instant = query.instant or table
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if table else "time_series",
        "editorMode": "code",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    coloured = bool(panel.thresholds) and panel.kind != "table"
    mode = "thresholds" if coloured and panel.kind != "timeseries" else "palette-classic"
    custom: dict[str, Any] = {}
    if panel.kind == "timeseries":
        custom = {
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 0,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if coloured else "off"},
        }
    elif panel.kind == "table":
        custom = {"filterable": True, "cellOptions": {"type": "auto"}}
    return {
        "unit": panel.unit,
        # Quantities here are never negative, but times until an end may be.
        **({} if panel.kind == "table" else {"min": 0}),
        "color": {"mode": mode},
        "thresholds": _steps(panel.thresholds),
        "custom": custom,
    }


def _steps(thresholds: Mapping[str, float]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": _BASE_COLOUR, "value": None}]
    for colour, value in sorted(thresholds.items(), key=lambda item: item[1]):
        steps.append({"color": colour, "value": value})
    return {"mode": "absolute", "steps": steps}


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    if panel.states:
        return [
            _override(state, {"color": {"mode": "fixed", "fixedColor": colour}})
            for state, colour, _ in _STATES
        ]
    return [_override(query.column, _column(query)) for query in panel.queries if query.column]


def _column(query: Query) -> dict[str, Any]:
    if query.states:
        options = {
            str(number): {"text": state, "color": colour, "index": index}
            for index, (state, colour, number) in enumerate(_STATES)
        }
        coloured = {"custom.cellOptions": {"type": "color-background"}}
        return {"mappings": [{"type": "value", "options": options}], **coloured}
    properties: dict[str, Any] = {"unit": query.unit}
    if query.thresholds:
        properties["thresholds"] = _steps(query.thresholds)
        properties["custom.cellOptions"] = {"type": "color-text"}
        properties["color"] = {"mode": "thresholds"}
    return properties


def _override(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _options(panel: Panel) -> dict[str, Any]:
    values = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "timeseries":
        legend = {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        }
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "stat":
        return {
            "reduceOptions": values,
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value_and_name",
            "orientation": "vertical",
        }
    if panel.kind == "bargauge":
        return {
            "reduceOptions": values,
            "displayMode": "basic",
            "orientation": "horizontal",
            "valueMode": "color",
        }
    order = [{"displayName": panel.sort, "desc": not panel.ascending}] if panel.sort else []
    return {"showHeader": True, "cellHeight": "sm", "sortBy": order}


def _table_form(panel: Panel) -> list[dict[str, Any]]:
    values = (
        ["Value"]
        if len(panel.queries) == 1
        else [f"Value #{chr(ord('A') + i)}" for i in range(len(panel.queries))]
    )
    names = dict(zip(values, (query.column for query in panel.queries), strict=True))
    # Labels first; the labels of single kinds of rows come between them and the values.
    order = [*_BASE_LABELS, "queue", "certificate", "server", "source", *values]
    return [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": names,
            },
        },
    ]
