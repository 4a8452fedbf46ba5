"""What the dashboard holds, before it is written for Grafana."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["timeseries", "stat", "bargauge", "table"]


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL with variables of Grafana.
        legend: how its series are called, with `{{label}}` in place of labels.
        instant: only the present value.
        column: of a table: heading of its values.
        unit: of a table: unit of its values, as Grafana names it.
        thresholds: of a table: colour by the value from which on it is used.
        states: of a table: values are numbers that stand for verdicts.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    column: str = ""
    unit: str = "short"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    states: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: its heading.
        about: what it shows, one or two sentences.
        kind: how it shows it.
        queries: what it shows.
        unit: unit of the values, as Grafana names it.
        width: columns of 24.
        height: rows of Grafana's grid.
        thresholds: colour by the value from which on it is used.
        stacked: series lie upon each other.
        states: series are verdicts and get their colours.
        sort: of a table: heading of the column it is sorted by.
        ascending: of a table: the least first.
    """

    title: str
    about: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    thresholds: Mapping[str, float] = field(default_factory=dict)
    stacked: bool = False
    states: bool = False
    sort: str = ""
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that can be folded away together.

    Attributes:
        title: its heading.
        panels: in reading order.
    """

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard.

    Attributes:
        uid: identifies it in Grafana.
        title: its heading.
        rows: from top to bottom; only the first is unfolded.
    """

    uid: str
    title: str
    rows: tuple[Row, ...]
