"""The archive: encrypted, checked, and nothing of it left behind."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from k3k_core.backups.archive import Written, read_archive, write_archive
from k3k_core.backups.keys import ensure_key, read_identities
from k3k_core.backups.manifest import FORMAT, Manifest, Payload, read_manifest
from k3k_core.backups.naming import BackupName
from k3k_core.datastores.inventory import Inventory, KindSum
from k3k_core.errors import K3kError, UsageError
from k3k_core.names import ControlPlaneId

NAME = BackupName(ControlPlaneId("team", "one"), datetime(2026, 11, 23, 8, tzinfo=UTC))
PARTS = {"values.yaml": b"servers: 1\n", "secrets/tokens.json": b'{"server": "a-token-of-it"}'}
PAYLOAD = os.urandom(300_000)


def manifest() -> Manifest:
    payload = Payload("sqlite", "sqlite", "online", "datastore/state.db")
    held = Inventory({"configmaps": KindSum(2, "ab")}, 7)
    return Manifest(NAME, "uid", "host", "v1.36.2+k3s1", 3, payload, held, "k3k 1", "10.0.0.7", 0)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """An archive for the key in the folder."""
    payload = tmp_path / "payload"
    payload.write_bytes(PAYLOAD)
    recipient = ensure_key(tmp_path / "key").recipient
    return write_archive(tmp_path / "archive", manifest(), PARTS, payload, [recipient])


def opened(tmp_path: Path, name: str = "archive", key: str = "key") -> None:
    folder = tmp_path / "opened"
    folder.mkdir(exist_ok=True)
    read_archive(tmp_path / name, read_identities(tmp_path / key), folder)


def test_what_was_written_is_read_back(written: Written, tmp_path: Path) -> None:
    (tmp_path / "opened").mkdir()
    found = read_archive(tmp_path / "archive", read_identities(tmp_path / "key"), tmp_path / "opened")
    assert (found.manifest, found.parts) == (written.manifest, PARTS)
    assert found.payload.read_bytes() == PAYLOAD
    assert found.payload.stat().st_mode & 0o777 == 0o600


def test_an_archive_shows_nothing_without_the_key(written: Written, tmp_path: Path) -> None:
    content = (tmp_path / "archive").read_bytes()
    assert content.startswith(b"age-encryption.org/v1")
    for secret in (b"a-token-of-it", b"servers", b"team", b"configmaps"):
        assert secret not in content
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o600
    assert (written.size, len(written.sha256)) == (len(content), 64)


def test_any_of_the_recipients_can_open_it(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.write_bytes(PAYLOAD)
    keys = [ensure_key(tmp_path / name).recipient for name in ("mine", "yours")]
    write_archive(tmp_path / "archive", manifest(), PARTS, payload, keys)
    for name in ("mine", "yours"):
        opened(tmp_path, key=name)


def test_another_key_does_not(written: Written, tmp_path: Path) -> None:
    ensure_key(tmp_path / "other")
    with pytest.raises(K3kError, match="The key does not open the backup archive"):
        opened(tmp_path, key="other")


@pytest.mark.parametrize("kept", [40, 400, 100_000, -100, -1])
def test_one_that_was_cut_off_is_refused(written: Written, tmp_path: Path, kept: int) -> None:
    content = (tmp_path / "archive").read_bytes()
    (tmp_path / "cut").write_bytes(content[:kept])
    with pytest.raises(K3kError, match="is damaged"):
        opened(tmp_path, "cut")


@pytest.mark.parametrize("at", [0.3, 0.6, 0.999])
def test_one_that_was_changed_is_refused(written: Written, tmp_path: Path, at: float) -> None:
    content = bytearray((tmp_path / "archive").read_bytes())
    content[int(len(content) * at)] ^= 1
    (tmp_path / "changed").write_bytes(content)
    with pytest.raises(K3kError, match="is damaged"):
        opened(tmp_path, "changed")


def test_what_is_no_archive_at_all_is_called_that(tmp_path: Path) -> None:
    ensure_key(tmp_path / "key")
    (tmp_path / "other").write_bytes(b"PK\x03\x04")
    with pytest.raises(K3kError, match="is no backup of k3k"):
        opened(tmp_path, "other")


def test_a_payload_that_vanishes_leaves_no_half_archive(tmp_path: Path) -> None:
    recipient = ensure_key(tmp_path / "key").recipient
    with pytest.raises(FileNotFoundError):
        write_archive(tmp_path / "archive", manifest(), PARTS, tmp_path / "gone", [recipient])
    assert not (tmp_path / "archive").exists()


def test_a_later_format_names_who_can_read_it() -> None:
    later = manifest().to_json().replace(f'"format": {FORMAT}'.encode(), b'"format": 99')
    with pytest.raises(K3kError, match="format 99") as caught:
        read_manifest(later)
    assert "k3k 1" in caught.value.hint


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = ensure_key(tmp_path / "folder" / "key")
    again = ensure_key(tmp_path / "folder" / "key")
    assert (made.made, again.made, made.recipient) == (True, False, again.recipient)
    assert (tmp_path / "folder" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "# nothing\n", "AGE-SECRET-KEY-1QQ\n", "age1qqq\n"])
def test_a_file_without_a_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError, match="holds no usable key") as caught:
        read_identities(tmp_path / "key")
    assert "QQ" not in f"{caught.value}"


def test_a_recipient_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(b"")
    with pytest.raises(UsageError, match="no public key"):
        write_archive(tmp_path / "archive", manifest(), PARTS, tmp_path / "payload", ["age1nobody"])
