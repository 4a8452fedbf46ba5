"""What an upgrade would do, and what it has done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli.diff_output import differing, object_lines
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.output import fields, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError

if TYPE_CHECKING:
    from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan


def plan_lines(session: Session, plan: UpgradePlan, *, objects: bool) -> list[str]:
    """Return the lines that tell a person what an upgrade would do.

    Args:
        session: of the verb.
        plan: the plan.
        objects: with every field of every object that changes.
    """
    lines = [escape(_head(plan))]
    if plan.changes:
        lines.append("Values:")
        lines += [
            f"  {escape(each.path)}: {escape(each.before) or '(none)'} -> {escape(each.after) or '(none)'}"
            for each in plan.changes
        ]
    if objects and differing(plan.objects):
        lines.append("Objects:")
        lines += [f"  {line}" for each in differing(plan.objects) for line in object_lines(session, each)]
    if plan.steps:
        lines.append("What happens:")
        lines += [f"  {number}. {escape(step)}" for number, step in enumerate(plan.steps, 1)]
    return lines


def write_plan(session: Session, plan: UpgradePlan, *, verb: str = "upgrade") -> None:
    """Write a plan: what would happen on standard output, warnings on standard error.

    Args:
        session: of the verb.
        plan: the plan.
        verb: "upgrade" or "rollback".
    """
    console, output = session.console, session.settings.output
    if output in {"json", "yaml"}:
        write_document(console, {"schema": f"k3k.{verb}-plan/v1", **plan.to_dict()}, output)
    elif output == "name":
        console.data("\n".join(escape(each.subject) for each in differing(plan.objects)))
    else:
        console.data("\n".join(plan_lines(session, plan, objects=True)))
    for warning in plan.warnings:
        console.warn(str(warning))


def agreed_to(session: Session, plan: UpgradePlan, *, question: str = "Upgrade it?") -> None:
    """Show a plan to a person and have them agree to it.

    Args:
        session: of the verb.
        plan: the plan.
        question: what they are asked.

    Raises:
        K3kError: they do not agree.
    """
    console = session.console
    console.note("\n".join(plan_lines(session, plan, objects=False)))
    for warning in plan.warnings:
        console.warn(str(warning))
    if plan.loses_data:
        name = plan.id.name
        agreed = console.ask(f"Type the name {name!r} to upgrade it and lose its data: ") == name
    else:
        agreed = console.ask(f"{question} [y/N] ").lower() in {"y", "yes"}
    if not agreed:
        raise K3kError("Nothing was changed.")


def write_upgraded(session: Session, upgraded: Upgraded, *, verb: str = "upgrade") -> None:
    """Write what an upgrade has done.

    Args:
        session: of the verb.
        upgraded: the control plane as it is now.
        verb: "upgrade" or "rollback".
    """
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(upgraded.id))
    elif output != "table":
        write_document(console, _to_dict(upgraded, verb), output)
    elif not console.quiet:
        console.data(escape(_sentence(upgraded, verb)))
        facts = [("Endpoint", upgraded.endpoint), ("Revision", str(upgraded.revision))]
        console.data(fields(console.out, facts, indent=2))


def _head(plan: UpgradePlan) -> str:
    versions = plan.from_version
    if plan.to_version != plan.from_version:
        versions = f"{plan.from_version} -> {plan.to_version}"
    if plan.refused:
        return f"{plan.id}: {versions}, refused"
    if plan.nothing_to_do:
        return f"{plan.id}: {versions}, nothing to do"
    revision = f"revision {plan.revision}"
    if plan.next_revision != plan.revision:
        revision = f"revision {plan.revision} -> {plan.next_revision}"
    goes_on = ", going on with what was begun" if plan.resumes else ""
    return f"{plan.id}: {versions}, {revision}, {plan.strategy}{goes_on}"


def _sentence(upgraded: Upgraded, verb: str) -> str:
    took = format_elapsed(upgraded.elapsed)
    state = f"ready after {took}" if upgraded.ready else f"its servers were not waited for ({took})"
    what = f"is at {upgraded.version}"
    if upgraded.from_version != upgraded.version:
        done = "rolled back" if verb == "rollback" else "upgraded"
        what = f"{done} from {upgraded.from_version} to {upgraded.version}"
    elif upgraded.changed:
        what = f"changed, at {upgraded.version}"
    return f"Control plane {upgraded.id} {what}, {state}"


def _to_dict(upgraded: Upgraded, verb: str) -> dict[str, Any]:
    return {
        "schema": f"k3k.{verb}/v1",
        "namespace": upgraded.id.namespace,
        "name": upgraded.id.name,
        "fromVersion": upgraded.from_version,
        "version": upgraded.version,
        "revision": upgraded.revision,
        "endpoint": upgraded.endpoint,
        "changed": upgraded.changed,
        "ready": upgraded.ready,
        "elapsedSeconds": round(upgraded.elapsed, 3),
    }
