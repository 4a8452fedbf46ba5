"""Jobs in words: a line of the list, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from k3k_core.ages import format_age
from k3k_core.lifecycle.progress import StepState
from k3k_core.telemetry.judgement import Verdict
from k3k_tui.jobs.job import Job, JobState
from k3k_tui.look.glyphs import Glyphs
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, wrap
from k3k_tui.widgets.lines import TableColumn

COLUMNS: Final = (
    TableColumn("number", "#", 3, "right"),
    TableColumn("state", "STATE", 12),
    TableColumn("job", "JOB", 24),
    TableColumn("target", "CONTROL PLANE"),
    TableColumn("ago", "AGO", 6, "right"),
    TableColumn("took", "TOOK", 6, "right"),
)
# The sign of a verdict that means about the same, and its colour.
_STATES: Final[Mapping[JobState, tuple[Verdict, Role]]] = {
    "waiting": ("Paused", "muted"),
    "running": ("Progressing", "progressing"),
    "done": ("Healthy", "good"),
    "failed": ("Down", "bad"),
    "cancelled": ("Expired", "muted"),
}
_STEPS: Final[Mapping[StepState, tuple[str, Role]]] = {
    "started": ("  ", "text"),
    "done": ("+ ", "good"),
    "skipped": ("- ", "muted"),
    "warning": ("! ", "warn"),
}


def job_cells(job: Job, now: float, glyphs: Glyphs) -> tuple[Cell, ...]:
    """Return the line of a job in the list.

    Args:
        job: it.
        now: seconds since 1970.
        glyphs: signs to draw with.
    """
    verdict, role = _STATES[job.state]
    ended = job.ended if job.ended is not None else now
    return (
        Cell(str(job.id), "muted"),
        Cell(f"{glyphs.verdicts[verdict]} {job.state}", role),
        Cell(clean(job.title)),
        Cell(clean(job.target)),
        Cell(format_age(now - job.started), "muted"),
        Cell(format_age(ended - job.started), "text" if job.active else "muted"),
    )


def job_details(job: Job, width: int) -> list[Line]:
    """Return everything that is known of a job, its last word at the end.

    Args:
        job: it.
        width: cells of a line.
    """
    lines: list[Line] = [(Cell(clean(job.title), "title"), Cell(f"  {clean(job.target)}", "muted"))]
    if job.command:
        lines += wrap(f"$ {job.command}", width, "accent")
    lines.append(())
    for step, at in zip(job.steps, job.times, strict=True):
        lines += _step_lines(step.message, step.state, at - job.started, width)
    if job.waits_for is not None:
        lines += wrap(
            f"Waits for job {job.waits_for}, which works on the same control plane.", width, "muted"
        )
    elif job.state == "waiting":
        lines += wrap("Waits until fewer jobs run.", width, "muted")
    elif job.state == "running" and not job.steps:
        lines += wrap("Has told nothing yet.", width, "muted")
    elif not job.active:
        lines += _outcome(job, width)
    return lines


def _step_lines(message: str, state: StepState, seconds: float, width: int) -> list[Line]:
    sign, role = _STEPS[state]
    at = f"{format_age(seconds):>6} "
    indent = len(at) + len(sign)
    first, *rest = wrap(message, max(width - indent, 8), "text" if state == "done" else role)
    return [
        (Cell(at, "muted"), Cell(sign, role), *first),
        *((Cell(" " * indent), *line) for line in rest),
    ]


def _outcome(job: Job, width: int) -> list[Line]:
    role = _STATES[job.state][1]
    lines: list[Line] = [()] if job.steps else []
    for text in job.outcome.split("\n"):
        lines += wrap(text, width, role)
    for text in job.hint.split("\n") if job.hint else ():
        lines += wrap(text, width, "muted")
    return lines
