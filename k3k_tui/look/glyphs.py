"""Signs: one set for terminals with Unicode, one for those with ASCII alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k3k_core.telemetry.judgement import Verdict


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of one set, each one cell wide.

    Attributes:
        verdicts: sign of each verdict.
        sparkline: from the lowest to the highest; none fills its cell, or lines above each other would be a wall.
        bar: full and empty part of a bar.
        ellipsis: stands for what was cut off.
        ascending: beside the heading of the column that orders.
        descending: the same, turned round.
        marked: before a marked row.
        unmarked: before one that is not.
        stale: before what may be out of date.
        separator: between the parts of a line.
    """

    verdicts: Mapping[Verdict, str] = field(default_factory=dict)
    sparkline: str = "▁▂▃▄▅▆▇"
    bar: tuple[str, str] = ("█", "░")
    ellipsis: str = "…"
    ascending: str = "▲"
    descending: str = "▼"
    marked: str = "◆"
    unmarked: str = " "
    stale: str = "~"
    separator: str = "·"


UNICODE = Glyphs(
    verdicts={
        "Healthy": "●",
        "Degraded": "▲",
        "Down": "✖",
        "Progressing": "◐",
        "Paused": "‖",
        "Expired": "◌",
        "Unknown": "?",
    }
)
ASCII = Glyphs(
    verdicts={
        "Healthy": "+",
        "Degraded": "!",
        "Down": "X",
        "Progressing": "~",
        "Paused": "=",
        "Expired": "-",
        "Unknown": "?",
    },
    sparkline="_.-=*#",
    bar=("#", "."),
    ellipsis="~",
    ascending="^",
    descending="v",
    marked="*",
    separator="|",
)
