"""Actions of the jobs screen."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "jobs.cancel",
        "Cancel",
        "End the job; what it has done stays, and it can be repeated.",
        "jobs",
        "screen.cancel_job",
        footer=True,
    ),
    Action(
        "jobs.retry",
        "Again",
        "Do the work of a job that ended once more.",
        "jobs",
        "screen.retry_job",
        "changes",
        footer=True,
    ),
    Action(
        "jobs.copy-command",
        "Copy command",
        "Copy the k3k command that does the same.",
        "jobs",
        "screen.copy_command",
        footer=True,
    ),
    Action(
        "jobs.target",
        "Control plane",
        "Go to the control plane the job works on.",
        "jobs",
        "screen.open_target",
        footer=True,
    ),
    Action(
        "jobs.forget", "Forget ended", "Take the jobs that ended off the list.", "jobs", "screen.forget_jobs"
    ),
)
