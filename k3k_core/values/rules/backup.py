"""Backups: where to, for whom, when, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.rules.rule import Finding, Given, error, rule, warning

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@rule("backup")
def _a_schedule_needs_all_it_takes(values: Values, _: Given) -> Iterator[Finding]:
    backup = values.backup
    if not backup.schedule:
        return
    if backup.image is None:
        yield error(
            "backup.image",
            "is not given, and a schedule runs k3k in the host",
            "name an image with k3k in it; `Containerfile` makes one",
        )
    if not backup.recipients:
        yield error(
            "backup.recipients",
            "is empty: nobody could open what a schedule takes",
            "add your public key, which `k3k backup key` prints",
        )
    if not (backup.s3.bucket or backup.volume.enabled):
        yield error(
            "backup.schedule",
            "has nowhere to put its backups",
            "set `backup.s3.bucket` or `backup.volume.enabled`",
        )


@rule("backup")
def _backups_go_to_one_place(values: Values, _: Given) -> Iterator[Finding]:
    if values.backup.s3.bucket and values.backup.volume.enabled:
        yield error(
            "backup.volume.enabled", "is true, and backups go to `backup.s3.bucket`", "keep one of the two"
        )


@rule("backup")
def _something_is_kept(values: Values, _: Given) -> Iterator[Finding]:
    retention = values.backup.retention
    if retention.keep == 0 and retention.keep_for is None:
        yield error(
            "backup.retention.keep",
            "is 0, and `keep_for` is not given: one backup alone would be kept",
            "set `backup.retention.keep_for`, or a number",
        )


@rule("backup", "persistence", "datastore.kind")
def _a_volume_is_not_another_place(values: Values, given: Given) -> Iterator[Finding]:
    if values.backup.volume.enabled and not given.has("backup.volume.storage_class"):
        yield warning(
            "backup.volume",
            "is in the same host as the control plane, and may be lost with it",
            "use `backup.s3`, or name a storage class that is elsewhere",
        )
