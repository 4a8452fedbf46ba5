"""`k3k prune`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from k3k_core.ages import format_age
from k3k_core.cli import bulk, options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import default_namespace
from k3k_core.cli.option import option
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import Style
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.bulk import BulkResult
    from k3k_core.lifecycle.delete import Deleted
    from k3k_core.lifecycle.prune import Ending, PruneRequest
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")
_WORDS: dict[str, tuple[str, Style | None]] = {
    "delete": ("would be deleted", "bad"),
    "protected": ("stays: protected", None),
    "waits": ("stays for now", None),
    "soon": ("ends soon", "warn"),
}
_SCHEDULE = "*/15 * * * *"


@verb(
    "prune",
    details="Deletes what has outlived its time to live (`--ttl`, `k3k ttl`) with all its data; what is protected "
    "stays, and so do volumes with backups. What ends within --warn is told about. With --manifest it prints a CronJob "
    "that does this in the host, with the identity and the rights it needs.",
    examples=(
        Example("What would go, everywhere", "k3k prune -A --dry-run"),
        Example("Without asking, a day after the end", "k3k prune -n team-a --older-than 1d --yes"),
        Example(
            "Every quarter of an hour, by the host itself",
            "k3k prune -n team-a --manifest --image registry.example.org/k3k:1 | kubectl apply -f -",
        ),
    ),
    common=(
        options.output_option(*FORMATS),
        options.all_namespaces_option,
        *options.host_options(),
        options.general_options,
    ),
    outputs=FORMATS,
)
@option("-l", "--selector", metavar="SELECTOR", help="Only those with these labels, as in `kubectl get -l`.")
@option(
    "--older-than",
    type=options.Duration(),
    metavar="DURATION",
    help="Only those whose time to live ended at least so long ago.",
)
@option(
    "--warn",
    type=options.Duration(),
    default=3600.0,
    metavar="DURATION",
    help="Tell about those that end within this time (default 1h).",
)
@option("-y", "--yes", is_flag=True, help="Do not ask.")
@option("--dry-run", is_flag=True, help="Delete nothing: show what would go, what stays, and what ends soon.")
@option(
    "--max-parallel",
    type=click.IntRange(1, 100),
    default=5,
    metavar="N",
    help="So many at a time (default 5).",
)
@option(
    "--stop-after-failures",
    type=click.IntRange(min=1),
    metavar="N",
    help="Begin no other once N have failed.",
)
@option(
    "--timeout",
    type=options.Duration(),
    default=120.0,
    metavar="DURATION",
    help="Longest wait for the end of each (default 2m).",
)
@option("--manifest", is_flag=True, help="Print a CronJob that prunes, as YAML.", section="In the host")
@option("--image", metavar="IMAGE", help="Image with k3k in it, for --manifest.", section="In the host")
@option(
    "--schedule",
    default=_SCHEDULE,
    metavar="CRON",
    help=f"When, as in a CronJob, in UTC (default {_SCHEDULE}).",
    section="In the host",
)
def command(
    session: Session,
    selector: str | None,
    older_than: float | None,
    warn: float,
    yes: bool,
    dry_run: bool,
    max_parallel: int,
    stop_after_failures: int | None,
    timeout: float,
    manifest: bool,
    image: str | None,
    schedule: str,
) -> None:
    """Delete control planes whose time to live is over."""
    from k3k_core.lifecycle.prune import PruneRequest, plan_prune, prune

    if manifest:
        _write_manifest(session, image, schedule, _arguments(selector, older_than))
        return
    if image is not None:
        raise UsageError("--image goes with --manifest.")
    namespace = None if session.settings.all_namespaces else default_namespace(session)
    request = PruneRequest(namespace, selector or "", older_than or 0.0, warn)
    now = datetime.now(UTC)
    endings = on_host(session, lambda host: plan_prune(host, request, now=now))
    if dry_run:
        _write_plan(session, endings, now)
        return
    _warn(session, endings, now)
    going = [each.id for each in endings if each.fate == "delete"]
    if not going:
        _nothing(session, request)
        return
    bulk.agree_to_many(session, going, "prune", yes=yes, detail="they are deleted with all their data.")

    async def work(host: HostApi) -> BulkResult[ControlPlaneId, Deleted]:
        from k3k_core.cli.progress import reporting

        async with reporting(session.console) as report:
            return await prune(
                host,
                request,
                endings,
                now=now,
                max_parallel=max_parallel,
                stop_after_failures=stop_after_failures,
                timeout=timeout,
                progress=bulk.teller(report),
            )

    result = on_host(session, work)
    bulk.write_results(session, "prune", result, to_dict=_document, detail=_detail)


def _arguments(selector: str | None, older_than: float | None) -> list[str]:
    """Return the options that a CronJob is to be given too."""
    found = ["--selector", selector] if selector else []
    return [*found, *(["--older-than", f"{older_than:g}s"] if older_than else [])]


def _write_manifest(session: Session, image: str | None, schedule: str, arguments: Sequence[str]) -> None:
    from k3k_core.cli.manifest_output import write_manifests
    from k3k_core.manifests.prune import PruneJob, prune_manifests

    if not image:
        raise UsageError(
            "--manifest needs --image: an image with k3k in it.",
            hint="Containerfile makes one; push it to a registry of yours.",
        )
    everywhere = bool(session.settings.all_namespaces)
    job = PruneJob(default_namespace(session), image, schedule, everywhere, arguments)
    write_manifests(session, prune_manifests(job))


def _write_plan(session: Session, endings: Sequence[Ending], now: datetime) -> None:
    console, output = session.console, session.settings.output
    if output in {"json", "yaml"}:
        document = {"schema": "k3k.prune-plan/v1", "controlPlanes": [each.to_dict() for each in endings]}
        write_document(console, document, output)
    elif output == "name":
        console.data("".join(f"{each.id}\n" for each in endings if each.fate == "delete"))
    elif endings:
        rows = [_row(each, now) for each in endings]
        console.data(table(console.out, ("NAMESPACE", "NAME", "ENDED", "WHAT"), rows))
    else:
        console.note("No control plane has outlived its time to live.")


def _row(ending: Ending, now: datetime) -> list[Cell | str]:
    left = (ending.expires_at - now).total_seconds()
    word, style = _WORDS[ending.fate]
    when = f"in {format_age(left)}" if left > 0 else f"{format_age(-left)} ago"
    return [ending.id.namespace, ending.id.name, when, Cell(word, style)]


def _warn(session: Session, endings: Sequence[Ending], now: datetime) -> None:
    for each in endings:
        if each.fate == "soon":
            left = format_age((each.expires_at - now).total_seconds())
            session.console.warn(
                f"{each.id} ends in {left}; `k3k ttl {each.id.name} +1h -n {each.id.namespace}` gives it longer."
            )
        elif each.fate == "protected":
            session.console.note(f"{each.id} has outlived its time to live and is protected.")


def _nothing(session: Session, request: PruneRequest) -> None:
    where = f"in namespace {request.namespace}" if request.namespace is not None else "in any namespace"
    if session.settings.output in {"json", "yaml"}:
        document = {"schema": "k3k.prune-many/v1", "stopped": False, "elapsedSeconds": 0.0, "results": []}
        write_document(session.console, document, session.settings.output)
    session.console.note(f"Nothing to delete {where}.")


def _document(deleted: Deleted) -> dict[str, Any]:
    return {"kept": list(deleted.kept)}


def _detail(deleted: Deleted) -> str:
    return f"deleted; kept: {', '.join(deleted.kept)}" if deleted.kept else "deleted"
