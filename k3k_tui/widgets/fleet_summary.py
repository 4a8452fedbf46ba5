"""The fleet in a few lines: verdicts, figures with their course, hosts and what to do about those not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from k3k_tui.look.glyphs import Glyphs
from k3k_tui.text import clean, width
from k3k_tui.view import figures
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, line_width, wrap
from k3k_tui.view.row_cells import VERDICT_ROLES
from k3k_tui.view.sort_keys import VERDICTS
from k3k_tui.view.totals import FleetCourse, SeriesName, Totals

if TYPE_CHECKING:
    from k3k_core.fleet import HostState

_GAP = Cell("  ")
# Cells of a course: the least that says something, and the most that is not a waste.
_SHORTEST, _LONGEST = 6, 40
# Cells of a figure.
_FIGURE = 6
# Terminals below this height have room for one host that is not well, in two lines.
_LOW = 30
_MOST_HOSTS = 4
# Lines of the screen that are neither rows nor sentences about hosts.
_BESIDE = 12


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """What the header tells of.

    Attributes:
        totals: figures over all control planes.
        course: of these figures.
        hosts: state of every host.
        now: seconds since 1970.
        error: why there is no fleet at all; empty while there is one.
        hint: what to do about that.
        hosts_key: what opens the hosts screen.
    """

    totals: Totals
    course: FleetCourse
    hosts: Sequence[HostState]
    now: float
    error: str = ""
    hint: str = ""
    hosts_key: str = ":hosts"


def summary_lines(facts: FleetFacts, columns: int, height: int, glyphs: Glyphs) -> tuple[Line, ...]:
    """Return the header of the fleet screen.

    Args:
        facts: what it tells of.
        columns: terminal cells there are.
        height: lines of the terminal.
        glyphs: signs of the terminal.
    """
    lines = [_verdicts(facts.totals, glyphs), _figures(facts, columns, glyphs)]
    if facts.error:
        lines += _wrapped(f"{facts.error} {facts.hint}".strip(), "", columns, 3)
    return tuple(lines) + _hosts(facts, columns, height, glyphs)


def _verdicts(totals: Totals, glyphs: Glyphs) -> Line:
    line = [Cell(f" {totals.rows} control plane{'' if totals.rows == 1 else 's'}", "title")]
    for verdict in VERDICTS:
        count = totals.verdicts.get(verdict, 0)
        if count:
            text = f"{glyphs.verdicts.get(verdict, '?')} {count} {verdict}"
            line += [_GAP, Cell(text, VERDICT_ROLES.get(verdict, "unknown"))]
    if totals.stale:
        line += [_GAP, Cell(f"{glyphs.stale} {totals.stale} out of date", "muted")]
    return tuple(line)


def _figures(facts: FleetFacts, columns: int, glyphs: Glyphs) -> Line:
    """Draw each figure, and its course where there is room: the first ones first, all of them alike."""
    totals = facts.totals
    shown: Mapping[SeriesName, tuple[str, str]] = {
        "rate": ("REQ/S", figures.count(totals.rate) or "-"),
        "p99": ("P99", figures.seconds(totals.p99) or "-"),
        "errors": ("ERR", figures.share(totals.errors) or "-"),
        "faults": ("FAULTS", str(totals.faults)),
    }
    servers = (Cell("SERVERS ", "muted"), Cell(f"{totals.servers_ready}/{totals.servers_wanted}"))
    written = sum(width(title) + 1 + _FIGURE + width(_GAP.text) for title, _ in shown.values())
    room = columns - 1 - written - line_width(servers)
    drawn = min(len(shown), room // (_SHORTEST + 1))
    points = min(room // drawn - 1, _LONGEST) if drawn > 0 else 0
    line: list[Cell] = [Cell(" ")]
    for place, (name, (title, value)) in enumerate(shown.items()):
        line.append(Cell(f"{title} ", "muted"))
        if place < drawn:
            values = facts.course.last(name, points)
            course = figures.sparkline(values, glyphs.sparkline, top=figures.calm_top(values))
            line.append(Cell(f"{course} ", "accent"))
        # Values come and go in width; what follows them is to stay where it is.
        line += [Cell(f"{value:<{_FIGURE}}"), _GAP]
    return (*line, *servers)


def _hosts(facts: FleetFacts, columns: int, height: int, glyphs: Glyphs) -> tuple[Line, ...]:
    if not facts.hosts:
        return ()
    ordered = sorted(facts.hosts, key=lambda host: (not host.error, host.connected, host.name))
    troubled = [host for host in ordered if host.error]
    line: list[Cell] = [Cell(" HOSTS", "muted")]
    for place, host in enumerate(ordered):
        cell = host_cell(host, glyphs)
        rest = len(ordered) - place
        if line_width((*line, cell)) + 12 > columns and rest > 1:
            line.append(Cell(f"  and {rest} more", "muted"))
            break
        line += [Cell("  "), cell]
    told = 1 if height < _LOW else _MOST_HOSTS
    # A table that does not fill the screen leaves room for whole sentences.
    spare = max(0, height - _BESIDE - facts.totals.shown)
    details: list[Line] = []
    for host in troubled[:told]:
        trouble = host_trouble(host, facts.now, columns, lines=2 + spare)
        spare -= max(0, len(trouble) - 2)
        details += trouble
    left = len(troubled) - told
    if left > 0:
        more = f"   {left} more host{'' if left == 1 else 's'} in trouble. All hosts: {facts.hosts_key}"
        details.append((Cell(more, "muted"),))
    return (tuple(line), *details)


def host_cell(host: HostState, glyphs: Glyphs) -> Cell:
    """Return a host in a word or two.

    Args:
        host: its state.
        glyphs: signs of the terminal.
    """
    name = clean(host.name)
    sign, words, role = host_word(host, glyphs)
    if role == "good":
        return Cell(f"{sign} {name} {host.control_planes}", role)
    return Cell(f"{sign} {name} {words}", role)


def host_word(host: HostState, glyphs: Glyphs) -> tuple[str, str, Role]:
    """Return how a host is: a sign, a word or two, and what they mean.

    Args:
        host: its state.
        glyphs: signs of the terminal.
    """
    if host.error:
        words = "refused" if host.forbidden else "out of date" if host.listed else "not reached"
        return glyphs.verdicts.get("Down", "X"), words, "bad"
    if not host.listed:
        return glyphs.verdicts.get("Progressing", "~"), "connecting", "progressing"
    if not host.connected:
        return glyphs.stale, "reconnecting", "warn"
    return glyphs.verdicts.get("Healthy", "+"), "connected", "good"


def host_trouble(host: HostState, now: float, columns: int, *, lines: int) -> list[Line]:
    """Return why a host is not well, for how long, and what to do about it.

    Args:
        host: its state, with an error.
        now: seconds since 1970.
        columns: terminal cells there are.
        lines: how many there may be.
    """
    past = figures.age(max(0.0, now - host.since))
    return _wrapped(f"{host.error} {host.hint}".strip(), f"{clean(host.name)} for {past}: ", columns, lines)


def _wrapped(text: str, lead: str, columns: int, lines: int) -> list[Line]:
    """Break a sentence into so many lines at most; the last one is cut where it is drawn."""
    wrapped = wrap(lead + text, columns - 1, "bad", indent="   ")
    kept = wrapped[:lines]
    if len(wrapped) > lines:
        rest = " ".join(cell.text for line in wrapped[lines - 1 :] for cell in line[1:])
        kept[-1] = (Cell("   "), Cell(rest, "bad"))
    return kept
