"""What an upgrade would do, in lines to be read before agreeing to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from k3k_tui.look.glyphs import Glyphs
from k3k_tui.operations.bulk import LOSS
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line

if TYPE_CHECKING:
    from k3k_core.errors import Issue
    from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
    from k3k_core.lifecycle.upgrade import UpgradePlan

_STRATEGIES: Final[Mapping[str, str]] = {
    "rolling": "one server after the other; the API goes on answering",
    "recreate": "what there is only one of is replaced; the API does not answer meanwhile",
    "blue-green": "a second set of servers takes over meanwhile; the API goes on answering",
    "in-place": "no server is replaced",
    "none": "nothing to do",
}
_ACTIONS: Final[Mapping[str, tuple[str, Role]]] = {
    "create": ("+", "add"),
    "change": ("~", "text"),
    "remove": ("-", "remove"),
}


def plan_lines(plan: UpgradePlan, glyphs: Glyphs) -> list[Line]:
    """Return everything a plan says.

    Args:
        plan: of one upgrade that may go on.
        glyphs: signs to draw with.
    """
    lines = [*summary_lines(plan, glyphs)]
    lines += _section("What to know before", problem_lines(plan.warnings, glyphs))
    lines += _section(
        "What will happen",
        [(Cell(f"{number}. ", "muted"), Cell(step)) for number, step in enumerate(plan.steps, 1)],
    )
    lines += _section("Values that change", _changes(plan.changes))
    touched = [each for each in plan.objects if each.action != "none"]
    lines += _section(f"Objects that change ({len(touched)})", _objects(touched))
    return lines


def summary_lines(plan: UpgradePlan, glyphs: Glyphs) -> Iterator[Line]:
    """Yield what a plan comes to: versions, revision, and whether the API goes on answering.

    Args:
        plan: of one upgrade.
        glyphs: signs to draw with.
    """
    if plan.from_version == plan.to_version:
        versions: Line = (Cell(f"stays at {plan.to_version}", "accent"),)
    else:
        versions = (Cell(plan.from_version), Cell(" to ", "muted"), Cell(plan.to_version, "accent"))
    yield (
        *versions,
        Cell(f" {glyphs.separator} revision {plan.revision}", "muted"),
        Cell(f" to {plan.next_revision}" if plan.next_revision != plan.revision else "", "muted"),
    )
    role: Role = "warn" if plan.strategy == "recreate" else "text"
    yield (Cell(_STRATEGIES[plan.strategy], role),)
    if plan.loses_data:
        yield LOSS
    if plan.resumes:
        yield (Cell("goes on with an upgrade that has not come to its end", "info"),)


def problem_lines(issues: Iterable[Issue], glyphs: Glyphs) -> list[Line]:
    """Return what is wrong, or to be known, each with what to do about it.

    Args:
        issues: of a plan.
        glyphs: signs to draw with.
    """
    lines: list[Line] = []
    for issue in issues:
        about = Cell(f"{issue.path}: ", "title") if issue.path else Cell("")
        lines.append((Cell(f"{glyphs.separator} ", "muted"), about, Cell(issue.problem, "warn")))
        if issue.remedy:
            lines.append((Cell("  "), Cell(issue.remedy, "muted")))
    return lines


def _section(title: str, body: list[Line]) -> list[Line]:
    return [(), (Cell(title, "title"),), *body] if body else []


def _changes(changes: Iterable[FieldChange], indent: str = "") -> list[Line]:
    lines: list[Line] = []
    for change in changes:
        lines.append((Cell(f"{indent}{change.path}", "muted"),))
        if change.before:
            lines.append((Cell(f"{indent}  - {change.before}", "remove"),))
        if change.after:
            lines.append((Cell(f"{indent}  + {change.after}", "add"),))
    return lines


def _objects(objects: Iterable[ObjectDiff]) -> list[Line]:
    lines: list[Line] = []
    for each in objects:
        sign, role = _ACTIONS[each.action]
        lines.append((Cell(f"{sign} {each.subject}", role),))
        lines += _changes(each.changes, "    ")
    return lines
