"""`k3k backup restore` and `verify`: fetch, open, plan, ask, work, tell."""

from __future__ import annotations

import shlex
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.backups.naming import ARCHIVE_SUFFIX, BackupName
from k3k_core.cli import planned
from k3k_core.cli.connect import host_options, run
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.output import fields, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.backup_verify import Verified
    from k3k_core.lifecycle.restore import Restored
    from k3k_core.lifecycle.restore_source import SourceRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for.

    Attributes:
        of: the control plane the backup was taken of.
        id: the one it is restored to.
        backup: name or time of the backup; None for the newest.
        place: where it is; None for what the values say.
        key_file: holds the key; None for the user's own.
        keep_values: keep the values there are.
        overrides: `path=value` texts.
        timeout: seconds.
    """

    of: ControlPlaneId
    id: ControlPlaneId
    backup: str | None
    place: str | None
    key_file: Path | None
    keep_values: bool
    overrides: tuple[str, ...]
    timeout: float

    def command(self, backup: BackupName) -> str:
        """Return what goes on after an interruption, without the program's name.

        Args:
            backup: the one that was chosen; a newer one may come meanwhile.
        """
        of_a_file = bool(self.place) and str(self.place).endswith(ARCHIVE_SUFFIX)
        words = ["backup", "restore", self.of.name, *([] if of_a_file else [str(backup)])]
        words += ["-n", self.of.namespace]
        words += ["--from", self.place] if self.place else []
        words += ["--as", str(self.id)] if self.id != self.of else []
        words += ["--key-file", str(self.key_file)] if self.key_file else []
        words += ["--keep-values"] if self.keep_values else []
        # Values may hold a secret; the note on the root must not.
        words += [f"--set={each.partition('=')[0]}=..." for each in self.overrides]
        return shlex.join(words)


def restore(session: Session, asked: Asked, *, yes: bool, dry_run: bool) -> None:
    """Restore a backup as asked.

    Args:
        session: of the verb.
        asked: the command line.
        yes: whether nobody is to be asked.
        dry_run: whether the plan is all that is wanted.
    """
    restored = run(_restore(session, asked, yes=yes, dry_run=dry_run))
    if restored is not None:
        _tell(session, restored)


async def _restore(session: Session, asked: Asked, *, yes: bool, dry_run: bool) -> Restored | None:
    from k3k_core.cli.progress import reporting
    from k3k_core.host import open_host
    from k3k_core.lifecycle.restore import restore as carry_out
    from k3k_core.lifecycle.restore_plan import plan_of
    from k3k_core.lifecycle.restore_situation import RestoreRequest, look
    from k3k_core.lifecycle.restore_source import SourceRequest, fetched_backup, opened_backup

    wanted = SourceRequest(asked.of, asked.backup, asked.place, asked.key_file)
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(open_host(host_options(session)))
        async with reporting(session.console) as progress:
            fetched = await stack.enter_async_context(fetched_backup(host, wanted, progress))
        source = await stack.enter_async_context(opened_backup(fetched, asked.key_file))
        request = RestoreRequest(
            asked.id,
            keep_values=asked.keep_values,
            overrides=asked.overrides,
            timeout=asked.timeout,
            command=asked.command(source.manifest.name),
        )
        plan = plan_of(request, source, await look(host, request, source))
        if not planned.agreed_to(session, plan, yes=yes, dry_run=dry_run, question="Restore it?"):
            return None
        async with reporting(session.console) as progress:
            return await carry_out(host, request, source, progress)


def verify(session: Session, wanted: SourceRequest, *, quick: bool, timeout: float, dry_run: bool) -> None:
    """Verify a backup.

    Args:
        session: of the verb.
        wanted: which.
        quick: whether only the archive is checked.
        timeout: seconds.
        dry_run: whether the plan is all that is wanted.
    """
    verified = run(_verify(session, wanted, quick=quick, timeout=timeout, dry_run=dry_run))
    if verified is not None:
        _tell_verified(session, verified)


async def _verify(
    session: Session, wanted: SourceRequest, *, quick: bool, timeout: float, dry_run: bool
) -> Verified | None:
    from k3k_core.cli.progress import reporting
    from k3k_core.host import open_host
    from k3k_core.lifecycle.backup_verify import plan_verify
    from k3k_core.lifecycle.backup_verify import verify as carry_out
    from k3k_core.lifecycle.restore_source import fetched_backup, opened_backup

    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(open_host(host_options(session)))
        async with reporting(session.console) as progress:
            fetched = await stack.enter_async_context(fetched_backup(host, wanted, progress))
        source = await stack.enter_async_context(opened_backup(fetched, wanted.key_file))
        plan = plan_verify(source, quick=quick)
        if not planned.agreed_to(session, plan, yes=True, dry_run=dry_run, question="", ask=False):
            return None
        async with reporting(session.console) as progress:
            return await carry_out(host, source, progress, quick=quick, timeout=timeout)


def _tell_verified(session: Session, verified: Verified) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(verified.backup)
    elif output != "table":
        document = {
            "schema": "k3k.backup-verify/v1",
            "backup": verified.backup,
            "objects": verified.objects,
            "restored": verified.restored,
            "kinds": [
                {"kind": each.kind, "count": each.count, "changed": each.changed, "missing": each.missing}
                for each in verified.kinds
            ],
            "elapsedSeconds": round(verified.elapsed, 3),
        }
        write_document(console, document, output)
    elif not console.quiet:
        what = "can be restored" if verified.restored else "is unharmed"
        took = format_elapsed(verified.elapsed)
        console.data(escape(f"Backup {verified.backup} {what}: {verified.objects} objects ({took})"))
        headings = ("KIND", "OBJECTS", "CHANGED BY K3S") if verified.restored else ("KIND", "OBJECTS")
        rows = [
            [each.kind, str(each.count), *([str(each.changed)] if verified.restored else [])]
            for each in verified.kinds
        ]
        if rows and console.verbose:
            console.data(table(console.out, headings, rows))


def _tell(session: Session, restored: Restored) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(restored.id))
    elif output != "table":
        document = {
            "schema": "k3k.restore/v1",
            "namespace": restored.id.namespace,
            "name": restored.id.name,
            "backup": restored.backup,
            "version": restored.version,
            "revision": restored.revision,
            "endpoint": restored.endpoint,
            "objects": restored.objects,
            "inPlace": restored.in_place,
            "elapsedSeconds": round(restored.elapsed, 3),
        }
        write_document(console, document, output)
    elif not console.quiet:
        took = format_elapsed(restored.elapsed)
        console.data(escape(f"Control plane {restored.id} restored, ready after {took}"))
        rows = [
            ("Backup", restored.backup),
            ("Version", restored.version),
            ("Objects", str(restored.objects)),
            ("Endpoint", restored.endpoint),
        ]
        console.data(fields(console.out, rows, indent=2))
