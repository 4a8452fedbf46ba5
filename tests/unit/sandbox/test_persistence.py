"""What a sandbox keeps on disk, and what it makes of damaged files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from k3k_core.errors import K3kError
from k3k_core.resources import CONFIG_MAP
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.persistence import HOST, Image, Journal, read_image

pytestmark = pytest.mark.looptime


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "ns"}, "data": data}


def reopened(directory: Path) -> Store:
    store = Store()
    read_image(directory).fill(store, HOST)
    return store


def names(store: Store) -> list[str]:
    return [obj["metadata"]["name"] for obj in store.list(CONFIG_MAP)]


async def test_objects_come_back_with_their_versions(tmp_path: Path) -> None:
    store = Store()
    journal = Journal(tmp_path, Image())
    journal.follow(store, HOST)
    store.create(CONFIG_MAP, config_map("kept", a="1"))
    store.create(CONFIG_MAP, config_map("gone"))
    store.delete(CONFIG_MAP, "ns", "gone")
    journal.close()
    again = reopened(tmp_path)
    assert again.list(CONFIG_MAP) == store.list(CONFIG_MAP)
    assert again.version == store.version


async def test_changes_reach_the_disk_within_a_second_without_any_goodbye(tmp_path: Path) -> None:
    store = Store()
    journal = Journal(tmp_path, Image())
    journal.follow(store, HOST)
    store.create(CONFIG_MAP, config_map("kept"))
    await asyncio.sleep(1)
    assert names(reopened(tmp_path)) == ["kept"]
    journal.close()


async def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    store = Store()
    journal = Journal(tmp_path, Image())
    journal.follow(store, HOST)
    store.create(CONFIG_MAP, config_map("kept"))
    journal.close()
    with (tmp_path / "state.jsonl").open("ab") as file:
        file.write(b'{"do":"put","store":"","gro')
    assert names(reopened(tmp_path)) == ["kept"]


@pytest.mark.parametrize(
    "damage", [b"not json\n", b"[]\n", b'{"do":"put"}\n', b'{"do":"facts","facts":{}}\n']
)
async def test_other_damage_is_an_error_that_names_the_file_and_the_line(
    tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "state.jsonl").write_bytes(damage)
    with pytest.raises(K3kError, match=r"state\.jsonl is damaged at line 1") as raised:
        read_image(tmp_path)
    assert "Restore" in raised.value.hint


async def test_embedded_clusters_come_back_with_their_certificates(tmp_path: Path) -> None:
    datastore = Datastore("claim/uid/k3s", files={"server-ca.crt": "PEM"})
    journal = Journal(tmp_path, Image())
    journal.track(datastore)
    datastore.check_token("token")
    datastore.store.create(CONFIG_MAP, config_map("inside"))
    journal.close()
    image = read_image(tmp_path)
    assert image.datastores[datastore.key] == datastore.facts()
    store = Store()
    image.fill(store, datastore.key)
    assert names(store) == ["inside"]


async def test_a_dropped_cluster_leaves_nothing(tmp_path: Path) -> None:
    datastore = Datastore("claim/uid/k3s")
    journal = Journal(tmp_path, Image())
    journal.track(datastore)
    datastore.store.create(CONFIG_MAP, config_map("inside"))
    journal.flush()
    journal.drop(datastore)
    journal.close()
    assert read_image(tmp_path).datastores == {}
    assert "inside" not in (tmp_path / "state.jsonl").read_text()


async def test_a_journal_that_grows_too_long_is_made_compact(tmp_path: Path) -> None:
    store = Store()
    journal = Journal(tmp_path, Image(), limit=10_000)
    journal.follow(store, HOST)
    store.create(CONFIG_MAP, config_map("kept", a="0"))
    for number in range(200):
        store.update(CONFIG_MAP, config_map("kept", a=str(number)))
        journal.flush()
    assert (tmp_path / "state.jsonl").stat().st_size < 20_000
    assert reopened(tmp_path).list(CONFIG_MAP) == store.list(CONFIG_MAP)
    journal.close()


async def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    Journal(tmp_path / "data", Image()).close()
    assert (tmp_path / "data" / "state.jsonl").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


async def test_a_file_that_cannot_be_written_is_told_and_ends_the_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, Image())

    def full(_lines: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_write", full)
    journal.note(port=1)
    journal.flush()

    assert journal.failed.is_set()
    assert "No space left on device" in journal.problem().message
    assert "state.jsonl" in journal.problem().message
    journal.close()
