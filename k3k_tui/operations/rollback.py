"""Going back to an earlier revision: which one, what that would change, then the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import ConflictError, UsageError
from k3k_core.lifecycle.progress import Progress
from k3k_tui.operations.commands import command
from k3k_tui.operations.hosts import ask, begin, identity
from k3k_tui.operations.planned import plan_lines
from k3k_tui.operations.upgrade import UpgradeQuestion
from k3k_tui.operations.upgrade_lines import plan_lines as upgrade_lines
from k3k_tui.operations.upgrade_lines import problem_lines
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import Choice, Choose, Notice

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.rollback import RollbackRequest
    from k3k_core.lifecycle.upgrade import UpgradePlan
    from k3k_core.names import ControlPlaneId


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Ask to which revision, show what would happen, and begin.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: the number of the revision; asked for when it is not named.
    """
    from k3k_core.lifecycle.rollback import RollbackRequest, plan_rollback
    from k3k_core.lifecycle.upgrade_plan import UpgradePlan

    key = targets[0]
    number = _number(words[0]) if words else await _choose(app, key)
    if number is None:
        return
    request = RollbackRequest(identity(key), to=number)
    plan: UpgradePlan | Plan = await ask(app, "Roll back", key, lambda host, _: plan_rollback(host, request))
    glyphs = services(app).look.glyphs
    if plan.problems:
        lines = problem_lines(plan.problems, glyphs)
        await app.push_screen_wait(Notice(f"Roll back {key}: not possible", lines))
        return
    if plan.nothing_to_do:
        raise ConflictError(f"{key} has the values of revision {number} already.")
    lines = (
        upgrade_lines(plan, glyphs) if isinstance(plan, UpgradePlan) else list(plan_lines(plan, steps=True))
    )
    await _confirm(app, key, request, lines, loses_data=plan.loses_data)


async def _confirm(
    app: App[Any], key: FleetKey, request: RollbackRequest, lines: list[Line], *, loses_data: bool
) -> None:
    async def work(host: HostApi, of: ControlPlaneId, progress: Progress) -> str:
        from k3k_core.lifecycle.rollback import rollback

        done = await rollback(host, request, progress)
        return f"Control plane {of} runs {done.version}, revision {done.revision}."

    title = f"Roll back {key} to revision {request.to}"
    question = UpgradeQuestion(title, lines, word=key.name if loses_data else "", label="Roll back")
    if await app.push_screen_wait(question):
        same = command(services(app), key, "rollback", "--to", str(request.to), "--yes")
        begin(app, f"Roll back to revision {request.to}", key, work, command=same)


async def _choose(app: App[Any], key: FleetKey) -> int | None:
    """Ask for one of the revisions that are kept, the newest first."""
    from k3k_core.lifecycle.revisions import revisions

    found = await ask(app, "Roll back", key, revisions)
    earlier = [each for each in found if not each.current]
    if not earlier:
        raise ConflictError(f"{key} has no earlier revision.", hint="Every change of its values makes one.")
    choices = [
        Choice(
            each.number,
            f"revision {each.number}",
            f"{each.version}" + (f", {each.at:%Y-%m-%d %H:%M} UTC" if each.at else ""),
        )
        for each in earlier
    ]
    return await app.push_screen_wait(Choose(f"Roll back {key}", choices))


def _number(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no revision.", hint="Name its number, as in `k3k history`.")
    return int(text)
