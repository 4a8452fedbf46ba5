"""Upgrading control planes: the versions they may go to, what would happen, one question, then the jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import ConflictError, Issue, K3kError
from k3k_core.lifecycle.progress import Progress
from k3k_tui.operations.asking import nothing_left
from k3k_tui.operations.bulk import Intent, confirmation, count
from k3k_tui.operations.commands import command
from k3k_tui.operations.hosts import Answers, Refusal, ask, ask_all, begin, identity
from k3k_tui.operations.upgrade_lines import plan_lines, problem_lines, summary_lines
from k3k_tui.operations.versions import choose_version
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import ConfirmByName, Notice
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.upgrade import UpgradePlan, UpgradeRequest
    from k3k_core.names import ControlPlaneId
    from k3k_core.values import LoadedValues


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Ask to which version, show what would happen, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: the version; asked for when it is not named.
    """
    version = words[0] if words else await choose_version(app, targets)
    if version is None:
        return
    if len(targets) == 1:
        await start_upgrade(app, targets[0], version=version)
    else:
        await _upgrade_all(app, targets, version)


async def start_upgrade(
    app: App[Any], key: FleetKey, *, values: LoadedValues | None = None, version: str | None = None
) -> bool:
    """Show what an upgrade of one control plane would do, and begin it when that is agreed to.

    Args:
        app: the dashboard.
        key: the control plane.
        values: all values it is to have; None for those it has.
        version: k3s version, stronger than the values; None for theirs.

    Returns:
        Whether it was begun, or there was nothing to do.

    Raises:
        K3kError: the host refuses or does not answer, or there is no such control plane.
        GivenUpError: somebody would not wait for the plan.
    """
    plan = await ask(app, "Upgrade", key, lambda host, _: _plan(host, _request(key, values, version)))
    look = services(app).look
    if plan.nothing_to_do:
        tell(app, f"{key} is as asked for already.", title="Upgrade")
        return True
    title = f"Upgrade {key}"
    if plan.refused:
        await app.push_screen_wait(
            Notice(f"{title}: not possible", problem_lines(plan.problems, look.glyphs))
        )
        return False
    word = key.name if plan.loses_data else ""
    question = UpgradeQuestion(title, plan_lines(plan, look.glyphs), word=word, label="Upgrade")
    if not await app.push_screen_wait(question):
        return False
    _begin(app, key, plan, _request(key, values, version))
    return True


class UpgradeQuestion(ConfirmByName):
    """Asks whether to upgrade; there is a lot to be read first."""

    BODY_SHARE = 0.75
    DEFAULT_CSS = """
    UpgradeQuestion > #frame {
        width: 95%;
        max-width: 140;
    }
    """


async def _upgrade_all(app: App[Any], keys: Sequence[FleetKey], version: str) -> None:
    def planning(host: HostApi, of: ControlPlaneId) -> Awaitable[UpgradePlan]:
        from k3k_core.lifecycle.upgrade import UpgradeRequest

        return _plan(host, UpgradeRequest(of, version=version))

    answers = _that_may(await ask_all(app, "Upgrade", keys, planning))
    if await nothing_left(app, "Upgrade", answers):
        return
    glyphs = services(app).look.glyphs
    intents = [Intent(key, tuple(summary_lines(plan, glyphs))) for key, plan in answers.known]
    lines: list[Line] = confirmation(intents, answers.refusals, glyphs)
    title = f"Upgrade {count(len(intents))} to {version}"
    word = f"upgrade {len(intents)}" if any(plan.loses_data for _, plan in answers.known) else ""
    if await app.push_screen_wait(UpgradeQuestion(title, lines, word=word, label="Upgrade")):
        for key, plan in answers.known:
            _begin(app, key, plan, _request(key, None, version))


def _that_may(answers: Answers[UpgradePlan]) -> Answers[UpgradePlan]:
    """Count those whose plan is refused, and those with nothing to do, among the refusals."""
    stuck = {key: _refusal(plan) for key, plan in answers.known if plan.refused or plan.nothing_to_do}
    may = tuple((key, plan) for key, plan in answers.known if key not in stuck)
    not_these = tuple(Refusal(key, error) for key, error in stuck.items())
    return Answers(may, (*answers.refusals, *not_these))


def _refusal(plan: UpgradePlan) -> K3kError:
    if plan.nothing_to_do:
        return ConflictError("it is as asked for already")
    first: Issue = plan.problems[0]
    return ConflictError(first.problem, hint=first.remedy)


async def _plan(host: HostApi, request: UpgradeRequest) -> UpgradePlan:
    from k3k_core.lifecycle.upgrade import plan_upgrade

    return await plan_upgrade(host, request)


def _request(key: FleetKey, values: LoadedValues | None, version: str | None) -> UpgradeRequest:
    from k3k_core.lifecycle.upgrade import UpgradeRequest

    return UpgradeRequest(identity(key), values=values, version=version)


def _begin(app: App[Any], key: FleetKey, plan: UpgradePlan, request: UpgradeRequest) -> None:
    async def work(host: HostApi, of: ControlPlaneId, progress: Progress) -> str:
        from k3k_core.lifecycle.upgrade import upgrade

        done = await upgrade(host, request, progress)
        return f"Control plane {of} runs {done.version}, revision {done.revision}."

    same_version = plan.from_version == plan.to_version
    title = "Change values" if same_version else f"Upgrade to {plan.to_version}"
    begin(app, title, key, work, command=_same(app, key, request))


def _same(app: App[Any], key: FleetKey, request: UpgradeRequest) -> str:
    """Return the command that does the same; values that were typed here have to be saved for it first."""
    options = ["-f", f"{key.name}.yaml"] if request.values is not None else []
    if request.version is not None:
        options += ["--version", request.version, "--no-backup"]
    return command(services(app), key, "upgrade", *options, "--yes")
