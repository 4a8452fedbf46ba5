"""Stores of backups: the same promises in a folder and in a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k3k_core.backups.manifest import Summary
from k3k_core.backups.naming import BackupName
from k3k_core.backups.stores import Store
from k3k_core.backups.stores.directory import DirectoryStore
from k3k_core.backups.stores.s3 import S3Place, S3Store, parse_s3_url
from k3k_core.errors import K3kError, NotFoundError, UsageError
from k3k_core.names import ControlPlaneId
from tests.support.s3 import ACCESS_KEY, BUCKET, S3, SECRET_KEY, running_s3

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ONE = ControlPlaneId("team", "one")


def summary(content: bytes, at: datetime = NOW) -> Summary:
    digest = hashlib.sha256(content).hexdigest()
    return Summary(
        BackupName(ONE, at), len(content), digest, "v1.36.2+k3s1", "sqlite", "online", 3, ("age1x",)
    )


@pytest.fixture
async def storage() -> AsyncIterator[S3]:
    async with running_s3() as running:
        yield running


def s3_store(storage: S3, *, key: str = ACCESS_KEY) -> S3Store:
    place = S3Place(BUCKET, "k3k/of-mine", storage.url, "us-east-1", key, SECRET_KEY)
    return S3Store(place)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, storage: S3) -> Store:
    """A store of either kind, empty."""
    return DirectoryStore(tmp_path / "store") if request.param == "folder" else s3_store(storage)


Put = Callable[..., Awaitable[Summary]]


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Put:
    async def stored(content: bytes, at: datetime = NOW) -> Summary:
        path = tmp_path / "archive"
        path.write_bytes(content)
        said = summary(content, at)
        await store.put(path, said)
        return said

    return stored


async def test_an_empty_store_has_no_backups(store: Store) -> None:
    assert await store.summaries() == []


async def test_what_was_put_is_listed_newest_first_and_given_back(
    store: Store, put: Put, tmp_path: Path
) -> None:
    old = await put(b"old", NOW - timedelta(days=1))
    new = await put(b"new" * 4_000_000)
    assert await store.summaries() == [new, old]
    await store.get(new.name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"new" * 4_000_000
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o600


async def test_what_was_removed_is_gone(store: Store, put: Put, tmp_path: Path) -> None:
    said = await put(b"content")
    assert await store.remove(said.name)
    assert not await store.remove(said.name)
    assert await store.summaries() == []
    with pytest.raises(NotFoundError, match="There is no backup"):
        await store.get(said.name, tmp_path / "back")


async def test_a_backup_whose_summary_never_came_is_not_listed_and_goes_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    young = BackupName(ONE, datetime.now(UTC).replace(microsecond=0))
    old = BackupName(ONE, NOW - timedelta(days=400))
    for name in (young.archive, old.archive, f"{old.archive}.part"):
        (folder / name).write_bytes(b"half")
    (folder / "notes.txt").write_text("not a backup")
    store = DirectoryStore(folder)
    assert await store.summaries() == []
    assert await store.remove_partial() == 2
    assert sorted(path.name for path in folder.iterdir()) == sorted(["notes.txt", young.archive])


async def test_what_was_cut_off_in_a_bucket_goes_after_a_day(storage: S3) -> None:
    old = BackupName(ONE, NOW - timedelta(days=400))
    storage.objects[f"k3k/of-mine/{old.archive}"] = b"half"
    store = s3_store(storage)
    assert await store.summaries() == []
    assert await store.remove_partial() == 1
    assert storage.objects == {}


async def test_a_damaged_summary_hides_its_backup_only(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    archive = tmp_path / "archive"
    archive.write_bytes(b"content")
    whole = summary(b"content")
    await store.put(archive, whole)
    other = BackupName(ONE, NOW - timedelta(days=2))
    (tmp_path / other.archive).write_bytes(b"content")
    (tmp_path / other.summary).write_text("{")
    assert await store.summaries() == [whole]


async def test_files_in_a_folder_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "new")
    archive = tmp_path / "archive"
    archive.write_bytes(b"content")
    await store.put(archive, summary(b"content"))
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert (modes, (tmp_path / "new").stat().st_mode & 0o777) == ({0o600}, 0o700)


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    archive = tmp_path / "archive"
    archive.write_bytes(b"content")
    with pytest.raises(K3kError, match=r"folder of backups .*file cannot be used"):
        await DirectoryStore(tmp_path / "file").put(archive, summary(b"content"))


async def test_a_folder_is_looked_at_before_anything_is_copied_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(K3kError, match=r"folder of backups .*file/below cannot be used"):
        await DirectoryStore(tmp_path / "file" / "below").check()
    await DirectoryStore(tmp_path / "new" / "below").check()
    assert (tmp_path / "new" / "below").is_dir()


async def test_a_bucket_that_refuses_the_credentials_says_where_they_are_from(storage: S3) -> None:
    with pytest.raises(K3kError, match="refuses these credentials") as caught:
        await s3_store(storage, key="another").summaries()
    assert "backup.s3.secret_name" in caught.value.hint
    assert SECRET_KEY not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("url", ["s3://", "https://bucket/x", "bucket"])
def test_what_is_no_place_in_s3_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no place in S3"):
        parse_s3_url(url)


def test_the_place_in_s3_is_bucket_and_prefix() -> None:
    assert parse_s3_url("s3://bucket/a/b/") == ("bucket", "a/b")
