"""What somebody chose to see of the fleet: it survives navigation and is one entry of the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

Grouping = Literal["", "host", "namespace", "system", "version"]


@dataclass(frozen=True, slots=True)
class ViewState:
    """Filter, order, groups, marks and cursor of the fleet screen.

    Attributes:
        filter: as it was typed; see `k3k_tui.view.query`.
        sort: name of the column that orders the rows; empty for the worst verdict first.
        descending: whether the order is turned round.
        group: what rows are grouped by; empty for no groups.
        faults_only: show only what is not well.
        wide: show every column and scroll sideways.
        columns: columns chosen by the user; empty lets the width choose.
        cursor: the row under the cursor.
        marked: rows marked for an action on several.
    """

    filter: str = ""
    sort: str = ""
    descending: bool = False
    group: Grouping = ""
    faults_only: bool = False
    wide: bool = False
    columns: tuple[str, ...] = ()
    cursor: FleetKey | None = None
    marked: frozenset[FleetKey] = frozenset()
