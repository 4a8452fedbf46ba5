"""The two lines on top of the screen: what it is about, and what there is to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_tui.screens.control_plane.sheet import WIDE, SheetView, name
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, fit_line
from k3k_tui.view.row_cells import VERDICT_ROLES

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow


def header_lines(view: SheetView, columns: int) -> tuple[Line, Line]:
    """Return the two lines.

    Args:
        view: what there is to show.
        columns: cells of a line.
    """
    key, row = view.subject.key, view.subject.row
    known = (Cell("?", "unknown"), Cell(" Unknown", "unknown")) if row is None else _verdict(view, row)
    title = (*known, Cell("  "), name(key.name, "title"))
    # The line above says where it is, too.
    where = (Cell(f"  {clean(key.namespace)} on {clean(key.host)}", "muted"),) if columns >= WIDE else ()
    first = (*title, *where, *(_facts(view, row) if row is not None else ()))
    ellipsis = view.glyphs.ellipsis
    return fit_line(first, columns, ellipsis), fit_line(_notice(view), columns, ellipsis)


def _verdict(view: SheetView, row: FleetRow) -> Line:
    verdict = row.judgement.verdict
    role = VERDICT_ROLES.get(verdict, "unknown")
    if view.subject.trouble[0]:
        role = "muted"
    return (Cell(view.glyphs.verdicts.get(verdict, "?"), role), Cell(f" {verdict}", role))


def _facts(view: SheetView, row: FleetRow) -> Line:
    plane = row.control_plane
    facts = [
        Cell(clean(plane.version), "text"),
        Cell(
            f"{plane.servers_ready}/{plane.servers_wanted} servers",
            "text" if plane.servers_ready >= plane.servers_wanted else "warn",
        ),
        Cell(clean(plane.datastore), "text"),
    ]
    if plane.created_at is not None:
        facts.append(Cell(f"age {format_age(view.now - plane.created_at.timestamp())}", "muted"))
    if plane.expires_at is not None:
        left = plane.expires_at.timestamp() - view.now
        facts.append(Cell(f"ends in {format_age(left)}" if left > 0 else "time is over", "expired"))
    if plane.protected:
        facts.append(Cell("protected", "info"))
    if plane.read_only:
        facts.append(Cell(f"made by {plane.made_by}: only shown", "info"))
    separator = Cell(f" {view.glyphs.separator} ", "muted")
    return (Cell("  "), *(part for fact in facts if fact.text for part in (fact, separator)))[:-1]


def _notice(view: SheetView) -> Line:
    """Return the most pressing thing: that this is out of date, or why the verdict is what it is."""
    subject = view.subject
    error, hint, since = subject.trouble
    age = format_age(view.now - since) if since is not None else ""
    if subject.gone_since is not None:
        return (
            Cell(f"Deleted {age} ago. ", "bad"),
            Cell("What was known of it then is still shown; escape leaves.", "muted"),
        )
    if error:
        advice = (Cell(f" {clean(hint)}"),) if hint else ()
        return Cell(f"{view.glyphs.stale} {age} old: ", "warn"), Cell(clean(error), "bad"), *advice
    row = subject.row
    if row is None:
        return (Cell("Waiting for the host to tell of it ...", "muted"),)
    since_then = format_age(view.now - row.judgement.since)
    if row.reason:
        return Cell(f"for {since_then}: ", "muted"), Cell(clean(row.reason))
    return (Cell(f"for {since_then}", "muted"),)
