"""The columns of the fleet, and which of them a width has room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from k3k_tui.text import Align

# Cells between two columns.
GAP: Final = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: stable name, for configuration and commands.
        title: its heading.
        width: cells it takes; of one that grows, the least.
        align: where its cells' text goes.
        grow: share of the room that is left over; 0 for none.
        most: cells it never grows beyond; 0 for no limit.
        summary: what it shows, for the chooser and the help.
    """

    name: str
    title: str
    width: int
    align: Align = "left"
    grow: int = 0
    most: int = 0
    summary: str = ""


_ALL: Final = (
    Column("verdict", "VERDICT", 13, summary="State in one word; the age of what is out of date"),
    Column("name", "NAME", 12, grow=4, most=52, summary="Name of the control plane"),
    Column("host", "HOST", 8, grow=2, most=40, summary="Context of its host cluster"),
    Column("namespace", "NAMESPACE", 9, grow=2, most=40, summary="Namespace on its host"),
    Column("system", "SYSTEM", 6, summary="System that made it"),
    Column("version", "VERSION", 11, grow=1, most=14, summary="Version of k3s"),
    Column("servers", "SRV", 5, "right", summary="Servers ready and wanted"),
    Column("datastore", "STORE", 8, summary="Kind of its datastore"),
    Column("datastore-latency", "DB P99", 6, "right", summary="99th percentile of requests to the datastore"),
    Column("p50", "P50", 6, "right", summary="Median of API requests, of reads or writes, what is slower"),
    Column("p99", "P99", 6, "right", summary="99th percentile of API requests, of reads or writes"),
    Column("latency", "LATENCY", 10, summary="Course of the 99th percentile of API requests, 30 minutes"),
    Column("errors", "ERR", 6, "right", summary="Share of API requests answered with 5xx"),
    Column("rate", "REQ/S", 6, "right", summary="API requests a second"),
    Column("queue", "QUEUE", 5, "right", summary="Depth of the work queue that needs attention first"),
    Column("queue-name", "WORST QUEUE", 14, grow=1, most=40, summary="Name of that queue"),
    Column("certificates", "CERT", 5, "right", summary="Days until the first certificate ends"),
    Column("memory", "MEMORY", 7, "right", summary="Memory of all its servers"),
    Column("cpu", "CPU", 5, "right", summary="Cores its servers use"),
    Column("size", "DB SIZE", 7, "right", summary="Size of its data"),
    Column("burn", "BURN", 5, "right", summary="Speed at which the error budget went in the last hour"),
    Column("age", "AGE", 5, "right", summary="Since when it has been there"),
    Column("ttl", "TTL", 5, "right", summary="Time it has left to live"),
    Column("since", "SINCE", 5, "right", summary="For how long it has had its verdict"),
    Column("seen", "SEEN", 5, "right", summary="Age of what was measured"),
    Column("way", "WAY", 8, grow=1, most=14, summary="How its servers are reached"),
    Column("endpoint", "ENDPOINT", 12, grow=2, most=48, summary="Address of its API"),
    Column("reason", "REASON", 16, grow=6, summary="Why it has its verdict"),
)
# What tells rows apart, and the share of the width that it may need.
NAMING: Final[Mapping[str, float]] = MappingProxyType({"name": 0.3, "namespace": 0.15})
_NO_NEEDS: Final[Mapping[str, int]] = MappingProxyType({})
COLUMNS: Final[Mapping[str, Column]] = {column.name: column for column in _ALL}

# What a width has room for is given in this order; columns stand as in the list above.
_BY_IMPORTANCE: Final = (
    "verdict",
    "name",
    "namespace",
    "servers",
    "p99",
    "host",
    "errors",
    "certificates",
    "queue",
    "age",
    "version",
    "latency",
    "ttl",
    "datastore-latency",
    "p50",
    "datastore",
    "rate",
    "reason",
    "system",
    "queue-name",
    "memory",
    "size",
    "since",
    "seen",
    "way",
    "endpoint",
    "cpu",
    "burn",
)


def columns_for(
    width: int,
    *,
    wide: bool = False,
    chosen: Sequence[str] = (),
    hosts: int = 2,
    group: str = "",
    needs: Mapping[str, int] = _NO_NEEDS,
) -> tuple[Column, ...]:
    """Return the columns to show, their widths such that they and the gaps between them fill the screen.

    Args:
        width: cells there are.
        wide: show all of them, however wide that becomes.
        chosen: names of the columns to show in their order, however wide; unknown ones are passed over.
        hosts: how many hosts there are; with one, its name says nothing and is left out.
        group: what rows are grouped by; what stands in their heading is left out, too.
        needs: cells that the longest text of a column takes, by its name; of those by which rows are told apart
            (`NAMING`) as much is given as the width allows, before columns of less importance.
    """
    columns = {name: _widened(column, needs.get(name, 0), width) for name, column in COLUMNS.items()}
    picked = [columns[name] for name in dict.fromkeys(chosen) if name in columns]
    if not picked:
        told = {group} if hosts > 1 else {group, "host"}
        known = [column for column in columns.values() if column.name not in told]
        picked = known if wide else _that_fit(known, width)
    return _grown(picked, width)


def total_width(columns: Sequence[Column]) -> int:
    """Return the cells that columns and the gaps between them take.

    Args:
        columns: in any order.
    """
    return sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0)


def _widened(column: Column, need: int, width: int) -> Column:
    """Give a column what its longest text needs, but no more than its share of the width."""
    most = int(NAMING.get(column.name, 0.0) * width)
    return replace(column, width=min(need, most)) if column.width < min(need, most) else column


def _that_fit(known: Sequence[Column], width: int) -> list[Column]:
    """Take the most important ones that there is room for."""
    widths = {column.name: column.width for column in known}
    taken: set[str] = set()
    left = width + GAP
    for name in _BY_IMPORTANCE:
        if name not in widths:
            continue
        left -= widths[name] + GAP
        if left < 0 and taken:
            break
        taken.add(name)
    return [column for column in known if column.name in taken]


def _grown(columns: Sequence[Column], width: int) -> tuple[Column, ...]:
    """Share out what is left over; nothing is left but where all have reached what they may have."""
    widths = [column.width for column in columns]
    left = width - total_width(columns)
    while left > 0:
        growing = [
            index
            for index, column in enumerate(columns)
            if column.grow and (not column.most or widths[index] < column.most)
        ]
        if not growing:
            break
        shares = sum(columns[index].grow for index in growing)
        before = left
        for index in growing:
            column = columns[index]
            more = min(before * column.grow // shares, left)
            if column.most:
                more = min(more, column.most - widths[index])
            widths[index] += more
            left -= more
        if left == before:
            widths[growing[0]] += 1
            left -= 1
    return tuple(replace(column, width=given) for column, given in zip(columns, widths, strict=True))
