"""What the host's objects say of a control plane on the overview: servers, ways to the API, conditions, volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from k3k_tui.screens.control_plane.sheet import SheetView, amount, name
from k3k_tui.text import clean, fit
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, line_width, section, table, wrap

if TYPE_CHECKING:
    from k3k_core.lifecycle.description import Description, Endpoint

# Servers that are shown.
_MOST: Final = 100


def server_lines(view: SheetView, columns: int) -> list[Line]:
    """Return a line for each server: what its probe says, and what its pod says.

    Args:
        view: what there is to show.
        columns: cells of a line.
    """
    signals, description = view.signals, view.description.value
    health = {one.server: one for one in signals.servers} if signals is not None else {}
    process = {one.server: one for one in signals.processes} if signals is not None else {}
    pods = {pod.name: pod for pod in description.servers} if description is not None else {}
    rows: list[Sequence[Cell]] = []
    for server in list(dict.fromkeys((*health, *pods)))[:_MOST]:
        probed, pod, seen = health.get(server), pods.get(server), process.get(server)
        ready = probed.ready if probed is not None else pod is not None and pod.ready
        rows.append(
            (
                name(server),
                Cell("yes", "good") if ready else Cell("no", "bad"),
                amount(probed.round_trip if probed is not None else None, "seconds"),
                amount(seen.memory_bytes if seen is not None else None, "bytes"),
                Cell("-", "muted")
                if pod is None
                else Cell(str(pod.restarts), "warn" if pod.restarts else "text"),
                name(
                    _state(
                        probed.failing if probed else (),
                        probed.error if probed else "",
                        pod.phase if pod else "",
                    )
                ),
            )
        )
    return table(
        ("SERVER", "READY", "ANSWERS IN", "MEMORY", "RESTARTS", "STATE"),
        rows,
        columns,
        right=frozenset({2, 3, 4}),
    )


def _state(failing: Sequence[str], error: str, phase: str) -> str:
    if error:
        return error
    return f"failing: {', '.join(check[:60] for check in failing[:8])}" if failing else phase


def described_lines(description: Description, columns: int) -> list[Line]:
    """Return the sections about who reaches the API, conditions and volumes.

    Args:
        description: what the host's objects say.
        columns: cells of a line.
    """
    hidden = ", ".join(description.hidden)
    return [
        *section(
            "Who reaches the API how",
            [line for item in description.endpoints for line in _way_in(item, columns)],
        ),
        *section(
            "Conditions",
            table(
                ("TYPE", "STATUS", "MESSAGE"),
                [
                    (
                        name(item.type),
                        Cell(clean(item.status), "good" if item.status == "True" else "warn"),
                        name(item.message),
                    )
                    for item in description.conditions
                ],
                columns,
            ),
        ),
        *section(
            "Volumes",
            table(
                ("NAME", "PHASE", "SIZE", "CLASS"),
                [
                    (name(item.name), name(item.phase), name(item.size), name(item.storage_class))
                    for item in description.volumes
                ],
                columns,
                flexible=0,
            ),
        ),
        *section(
            "Not shown, because this identity may not list them", wrap(hidden, columns) if hidden else []
        ),
    ]


def _way_in(endpoint: Endpoint, columns: int) -> list[Line]:
    """Return one way to reach the API: its address whole, and for whom it is beside or below it."""
    head = (Cell(fit(endpoint.kind, 14), "muted"), name(endpoint.url, "accent"))
    who = name(endpoint.reach)
    if line_width((*head, Cell("  "), who)) <= columns:
        return [(*head, Cell("  "), who)]
    return [head, *wrap(endpoint.reach, columns, indent=" " * 14)]
