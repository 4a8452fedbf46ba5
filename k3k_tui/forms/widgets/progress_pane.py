"""A job step by step, as it goes on; it goes on too when nobody looks."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from k3k_core.lifecycle.progress import StepState
from k3k_tui.jobs.job import Job
from k3k_tui.look.glyphs import Glyphs
from k3k_tui.services import services
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, wrap
from k3k_tui.widgets.cell_lines import say
from k3k_tui.widgets.text_view import Sheet

_ROLES: dict[StepState, tuple[str, Role]] = {
    "started": ("begun", "muted"),
    "done": ("done", "good"),
    "skipped": ("skipped", "muted"),
    "warning": ("look", "warn"),
}


class ProgressPane(Widget):
    """Follows one job."""

    DEFAULT_CSS = """
    ProgressPane {
        height: 1fr;
    }
    ProgressPane > Sheet {
        padding: 0 1;
    }
    """

    class Moved(Message):
        """The job went on."""

        def __init__(self, job: Job) -> None:
            super().__init__()
            self.job = job

    def __init__(self) -> None:
        super().__init__(id="progress")
        self._number: int | None = None
        self._end: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the steps."""
        yield Sheet(self._lines)

    def on_mount(self) -> None:
        """Follow the jobs."""
        self._end = services(self).jobs.listen(self._heard)

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._end is not None:
            self._end()

    @property
    def job(self) -> Job | None:
        """The job that is followed."""
        return next((job for job in services(self).jobs.all if job.id == self._number), None)

    def follow(self, number: int) -> None:
        """Follow a job.

        Args:
            number: of the job.
        """
        self._number = number
        if (job := self.job) is not None:
            self._heard(job)

    def _heard(self, job: Job) -> None:
        if job.id == self._number and self.is_mounted:
            self.query_one(Sheet).rebuild()
            self.post_message(self.Moved(job))

    def _lines(self, columns: int, _rows: int) -> list[Line]:
        job = self.job
        return [] if job is None else progress_lines(job, columns, services(self).look.glyphs)


def progress_lines(job: Job, columns: int, glyphs: Glyphs) -> list[Line]:
    """Return a job as lines: what it does, every step, and what came of it.

    Args:
        job: the job.
        columns: terminal cells there are.
        glyphs: signs the terminal has.
    """
    body: list[Line] = [say(f"{job.title} {job.target}", "title"), ()]
    ended = {step.name for step in job.steps if step.state in {"done", "skipped"}}
    for step in job.steps:
        if step.state == "started" and step.name in ended:
            continue
        word, role = _ROLES[step.state]
        first, *rest = wrap(step.message, max(columns - 22, 10))
        body.append((Cell(f"{word:<8}", role), Cell(f"{step.name:<14}", "muted"), *first))
        body += [(Cell(" " * 22), *line) for line in rest]
    body.append(())
    if job.state == "failed":
        body += [
            line
            for text in job.outcome.splitlines()
            for line in wrap(f"{glyphs.verdicts['Down']} {text}", columns, "bad")
        ]
        body += wrap(job.hint, columns, "text", indent="  ") if job.hint else []
    elif job.state == "cancelled":
        body += wrap(
            "Cancelled; what was done so far stays, and a repeat goes on from there.", columns, "warn"
        )
    elif job.state == "done":
        body += wrap(f"{glyphs.verdicts['Healthy']} {job.outcome}", columns, "good")
    else:
        body += wrap("Going on; it does so too when you leave this screen.", columns, "muted")
    if job.command:
        body += [(), say("The same on the command line:", "muted"), *wrap(job.command, columns, indent="  ")]
    return body
