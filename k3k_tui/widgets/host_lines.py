"""The hosts as lines of a table, and everything there is to tell about one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from k3k_tui.look.glyphs import Glyphs
from k3k_tui.text import clean
from k3k_tui.view import figures
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, wrap
from k3k_tui.view.row_cells import VERDICT_ROLES
from k3k_tui.view.sort_keys import VERDICTS
from k3k_tui.widgets import lines
from k3k_tui.widgets.fleet_summary import host_word

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow, HostState
    from k3k_core.telemetry.judgement import Verdict

COLUMNS = (
    lines.TableColumn("state", "STATE", 14),
    lines.TableColumn("host", "HOST"),
    lines.TableColumn("since", "SINCE", 6, "right"),
    lines.TableColumn("control-planes", "PLANES", 6, "right"),
    lines.TableColumn("faults", "FAULTS", 6, "right"),
    lines.TableColumn("why", "WHY"),
)

Counts = Mapping[str, "Counter[Verdict]"]


def verdicts_by_host(rows: Iterable[FleetRow]) -> Counts:
    """Return how many control planes of each host have which verdict.

    Args:
        rows: of the fleet.
    """
    counts: dict[str, Counter[Verdict]] = {}
    for row in rows:
        counts.setdefault(row.control_plane.host, Counter())[row.judgement.verdict] += 1
    return counts


def host_lines(hosts: Iterable[HostState], counts: Counts, now: float, glyphs: Glyphs) -> lines.Lines:
    """Return a line for each host, those that are not well first.

    Args:
        hosts: their states.
        counts: their control planes, by verdict.
        now: seconds since 1970.
        glyphs: signs of the terminal.
    """
    ordered = sorted(hosts, key=lambda host: (not host.error, host.listed, host.name))
    return lines.Lines([_line(host, counts.get(host.name, Counter()), now, glyphs) for host in ordered])


def _line(host: HostState, verdicts: Counter[Verdict], now: float, glyphs: Glyphs) -> lines.Line:
    sign, words, role = host_word(host, glyphs)
    faults = verdicts["Down"] + verdicts["Degraded"] + verdicts["Unknown"] + verdicts["Expired"]
    return lines.Line(
        host.name,
        (
            Cell(f"{sign} {words}", role),
            Cell(host.name, "title"),
            Cell(figures.age(now - host.since), "muted"),
            Cell(str(host.control_planes) if host.listed else "-", "text" if host.listed else "muted"),
            Cell(
                str(faults) if host.listed else "-",
                "bad" if verdicts["Down"] else "warn" if faults else "muted",
            ),
            Cell(host.error, "bad"),
        ),
    )


def host_details(
    host: HostState,
    verdicts: Counter[Verdict],
    kubeconfig: str | None,
    now: float,
    columns: int,
    glyphs: Glyphs,
) -> tuple[Line, ...]:
    """Return everything that is known of one host, and what to do when it is not well.

    Args:
        host: its state.
        verdicts: of its control planes.
        kubeconfig: path of the file that names it; None for the usual places.
        now: seconds since 1970.
        columns: terminal cells there are.
        glyphs: signs of the terminal.
    """
    told: list[Line] = [_heading(host, now, glyphs)]
    if host.error:
        told += _paragraph(host.error, "bad", columns)
        told += _paragraph(host.hint, "text", columns) if host.hint else ()
        if host.listed:
            kept = "Its control planes are shown as they were then; it is tried again all the time."
            told += _paragraph(kept, "muted", columns)
    elif not host.listed:
        told += _paragraph(
            "It has been asked for its control planes and has not answered yet.", "muted", columns
        )
    told.append(_counts(verdicts, glyphs))
    source = clean(kubeconfig) if kubeconfig else "KUBECONFIG, or ~/.kube/config"
    told.append((Cell(f"   context {clean(host.name)} of {source}", "muted"),))
    return tuple(line for line in told if line)


def _heading(host: HostState, now: float, glyphs: Glyphs) -> Line:
    sign, words, role = host_word(host, glyphs)
    past = figures.age(max(0.0, now - host.since))
    return (Cell(f" {sign} {clean(host.name)}", "title"), Cell(f"  {words} for {past}", role))


def _paragraph(text: str, role: Role, columns: int) -> Sequence[Line]:
    return wrap(text, max(columns - 1, 10), role, indent="   ")


def _counts(verdicts: Counter[Verdict], glyphs: Glyphs) -> Line:
    line: list[Cell] = [Cell("   ")]
    for verdict in VERDICTS:
        if verdicts[verdict]:
            line.append(
                Cell(
                    f"{glyphs.verdicts.get(verdict, '?')} {verdicts[verdict]} {verdict}  ",
                    VERDICT_ROLES[verdict],
                )
            )
    return tuple(line) if len(line) > 1 else ()
