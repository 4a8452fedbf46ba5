"""The jobs screen: what runs in the background and what has run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.scalar import Scalar
from textual.screen import Screen

from k3k_tui.actions.registry import bindings
from k3k_tui.jobs.job import Job
from k3k_tui.operations.copy import copy_text
from k3k_tui.places import JobsPlace, Place
from k3k_tui.services import services
from k3k_tui.view.lines import Line, wrap
from k3k_tui.widgets import line_table
from k3k_tui.widgets.breadcrumbs import Breadcrumbs
from k3k_tui.widgets.job_lines import COLUMNS, job_cells, job_details
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.line_table import LineTable
from k3k_tui.widgets.text_view import Sheet

_NONE_YET = (
    "Nothing has been done yet. What you do to control planes runs here: it goes on whatever screen is open, "
    "and can be cancelled and repeated."
)


class JobsScreen(Screen[None]):
    """Every job, and everything that is known of the one under the cursor.

    Args:
        place: which job is shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("jobs")
    DEFAULT_CSS = """
    JobsScreen #details {
        height: 1fr;
        border-top: solid $primary;
        padding: 0 1;
    }
    """

    def __init__(self, place: JobsPlace) -> None:
        super().__init__()
        self.place: Place = place
        self._stop: Callable[[], None] | None = None
        self._stale = False

    def compose(self) -> ComposeResult:
        """Lay out the list and the details."""
        yield Breadcrumbs()
        yield LineTable()
        yield Sheet(self._details, id="details")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the jobs, and follow them."""
        known = services(self)
        self._stop = known.jobs.listen(self._hear)
        self.query_one(LineTable).focus()
        self._show()
        self._go_to(self.place)
        self.set_interval(known.profile.tick, self._tick)

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._stop is not None:
            self._stop()

    def on_resize(self) -> None:
        """Share the room anew."""
        if self._stop is not None:
            self._show()

    def on_screen_resume(self) -> None:
        """Catch up."""
        if self._stop is not None:
            self._show()

    def visit(self, place: Place) -> None:
        """Show another job.

        Args:
            place: which one.
        """
        self.place = place
        self._go_to(place)

    @property
    def job(self) -> Job | None:
        """The job under the cursor."""
        number = self.query_one(LineTable).cursor
        return services(self).jobs.get(number) if isinstance(number, int) else None

    def _go_to(self, place: Place) -> None:
        if isinstance(place, JobsPlace) and place.selected is not None:
            self.query_one(LineTable).go_to(place.selected)

    def _hear(self, _job: Job) -> None:
        self._stale = True

    def _tick(self) -> None:
        if self.is_current and (self._stale or services(self).jobs.active):
            self._show()

    def _show(self) -> None:
        """Draw what is different."""
        self._stale = False
        known = services(self)
        now, glyphs = known.clock(), known.look.glyphs
        lines = [line_table.Line(job.id, job_cells(job, now, glyphs)) for job in known.jobs.all]
        table = self.query_one(LineTable)
        table.show(COLUMNS, line_table.Lines(lines))
        self._share(table, len(lines))
        self._show_details()

    def _share(self, table: LineTable, jobs: int) -> None:
        """Give the list the room it needs, at most a part of the screen: the rest is for what happens."""
        height = min(jobs + 1, max(self.size.height * 2 // 5, 4))
        if table.styles.height != Scalar.from_number(height):
            table.styles.height = height

    def _show_details(self) -> None:
        sheet = self.query_one("#details", Sheet)
        at_end = sheet.scroll_offset.y >= sheet.max_scroll_y
        sheet.rebuild()
        if at_end:
            sheet.scroll_end(animate=False)
        self.refresh_bindings()

    def _details(self, width: int, _height: int) -> Sequence[Line]:
        job = self.job
        return wrap(_NONE_YET, width, "muted") if job is None else job_details(job, width)

    @on(LineTable.Highlighted)
    def _cursor_moved(self) -> None:
        job = self.job
        if job is not None and isinstance(self.place, JobsPlace):
            self.place = replace(self.place, selected=job.id)
        self._show_details()

    @on(LineTable.Selected)
    async def _chosen(self) -> None:
        await self.action_open_target()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave out what makes no sense for the job under the cursor."""
        if not self.is_mounted:
            return True
        job = self.job
        match action:
            case "cancel_job":
                return job is not None and job.active
            case "retry_job":
                return job is not None and not job.active
            case "copy_command":
                return job is not None and bool(job.command)
            case "forget_jobs":
                return any(not each.active for each in services(self).jobs.all)
            case "open_target":
                return job is not None
        return True

    def action_cancel_job(self) -> None:
        """End the job under the cursor."""
        if self.job is not None:
            services(self).jobs.cancel(self.job.id)

    def action_retry_job(self) -> None:
        """Do it once more, and go to the new one."""
        if self.job is not None:
            number = services(self).jobs.retry(self.job.id)
            self._show()
            self.query_one(LineTable).go_to(number)

    def action_copy_command(self) -> None:
        """Copy the command that does the same."""
        if self.job is not None and self.job.command:
            copy_text(self.app, self.job.command)

    def action_forget_jobs(self) -> None:
        """Take those that ended off the list."""
        services(self).jobs.forget()
        self._show()

    async def action_open_target(self) -> None:
        """Go to the control plane the job works on."""
        if self.job is not None:
            await self.app.run_action(("app", "open_tab", ("overview", self.job.target)))
