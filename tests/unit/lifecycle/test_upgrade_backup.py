"""Whether another version may come without a backup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from k3k_core.discovery.control_plane import format_time
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.lifecycle.upgrade_backup import backup_before, missing_backup
from k3k_core.names import ANNOTATION_BACKED_UP_AT, ControlPlaneId
from k3k_core.values import load_values

ONE = ControlPlaneId("shop", "one")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OLD, NEW = "v1.35.8+k3s1", "v1.36.4+k3s1"
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudjxy5hs9g0c9n"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("K3K_BACKUP_KEY_FILE", str(tmp_path / "backup.key"))


def standing(*overrides: str, wanted: str = NEW, age: timedelta | None = None) -> Standing:
    annotations = {} if age is None else {ANNOTATION_BACKED_UP_AT: format_time(NOW - age)}
    found: Any = SimpleNamespace(
        root={"metadata": {"name": ONE.root, "annotations": annotations}},
        stored=load_values("", overrides=(f"version={OLD}", *overrides)),
        wanted=load_values("", overrides=(f"version={wanted}", *overrides)).values,
    )
    return cast("Standing", found)


REQUIRED = UpgradeRequest(ONE, backup="required")


def test_where_the_version_stays_none_is_needed() -> None:
    assert backup_before(REQUIRED, standing(wanted=OLD), NOW) == "unneeded"


@pytest.mark.parametrize(("hours", "expected"), [(1, "fresh"), (24, "fresh"), (25, "missing")])
def test_one_of_the_last_day_will_do(hours: int, expected: str) -> None:
    assert backup_before(REQUIRED, standing(age=timedelta(hours=hours)), NOW) == expected


@pytest.mark.parametrize(
    "overrides",
    [
        (f"backup.recipients=[{RECIPIENT}]",),
        ("backup.s3.bucket=backups",),
        ("backup.volume.enabled=true",),
    ],
)
def test_where_the_values_say_how_one_is_taken(overrides: tuple[str, ...]) -> None:
    assert backup_before(REQUIRED, standing(*overrides), NOW) == "take"


def test_who_has_a_key_for_backups_gets_one_taken(tmp_path: Path) -> None:
    (tmp_path / "backup.key").write_text("AGE-SECRET-KEY-...\n")
    assert backup_before(REQUIRED, standing(), NOW) == "take"


def test_asked_for_it_is_taken_also_beside_a_fresh_one() -> None:
    request = UpgradeRequest(ONE, backup="create")
    assert backup_before(request, standing(age=timedelta(hours=1)), NOW) == "take"


def test_asked_not_to_nobody_takes_one() -> None:
    assert backup_before(UpgradeRequest(ONE, backup="skip"), standing(), NOW) == "skip"


def test_without_one_both_ways_on_are_named() -> None:
    issue = missing_backup(ONE, standing(age=timedelta(days=3)).root, NOW)
    assert "the newest backup is 3d old" in issue.problem
    assert "k3k backup create one -n shop" in issue.remedy
    assert "--no-backup" in issue.remedy
