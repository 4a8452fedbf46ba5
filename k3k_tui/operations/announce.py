"""Saying what came of jobs, wherever one is."""

from __future__ import annotations

from typing import Any

from textual.app import App

from k3k_core.errors import K3kError
from k3k_tui.jobs.job import Job
from k3k_tui.operations.bulk import count
from k3k_tui.services import services
from k3k_tui.widgets.toast import Severity, tell, tell_error

# Failures told one by one; of more the number is told at the end.
_MOST = 3
# Lines of a failure that a notice has room for; all of them are with the job.
_LINES = 4


def announce(app: App[Any]) -> None:
    """Say from now on what came of each job; of several at once, say it when the last one has ended.

    Args:
        app: the dashboard.
    """
    services(app).jobs.listen(Announcer(app).hear)


class Announcer:
    """Gathers the jobs that ended since the last time none was left.

    Args:
        app: the dashboard.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._ended: list[Job] = []

    def hear(self, job: Job) -> None:
        """Take notice of a change of a job.

        Args:
            job: as it is now.
        """
        if job.active or not self._app.is_running:
            return
        self._ended.append(job)
        failed = sum(each.state == "failed" for each in self._ended)
        if job.state == "failed" and failed <= _MOST:
            error = K3kError(_beginning(job.outcome), hint=job.hint)
            tell_error(self._app, error, title=f"{job.title}: {job.target}")
        if not services(self._app).jobs.active:
            self._sum_up()

    def _sum_up(self) -> None:
        ended, self._ended = self._ended, []
        by_state = {
            state: sum(job.state == state for job in ended) for state in ("done", "failed", "cancelled")
        }
        if len(ended) == 1:
            if by_state["done"]:
                tell(self._app, ended[0].outcome, title=f"{ended[0].title}: {ended[0].target}")
            return
        parts = ", ".join(f"{number} {state}" for state, number in by_state.items() if number)
        severity: Severity = "warning" if by_state["failed"] else "information"
        tell(self._app, f"{count(len(ended), 'job')} ended: {parts}.", title="Jobs", severity=severity)


def _beginning(text: str) -> str:
    lines = text.split("\n")
    rest = (
        [f"... and {count(len(lines) - _LINES, 'line')} more, with the jobs"] if len(lines) > _LINES else []
    )
    return "\n".join([*lines[:_LINES], *rest])
