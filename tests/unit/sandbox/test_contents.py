"""What simulated control planes store, in the form real ones do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from k3k_core.datastores.inventory import compare, inventory
from k3k_core.datastores.kine import read_rows
from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError
from k3k_core.resources import CONFIG_MAP, EVENT, NAMESPACE, NODE, POD, SERVICE, Resource
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.k3s.contents import (
    DATABASE,
    DatastoreFiles,
    adopt,
    database_of,
    fill,
    fill_from_database,
    rows_of,
)
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores
from k3k_core.sandbox.node.process import StartError
from k3k_core.sandbox.node.volumes import Volumes
from k3k_core.sandbox.volume_folder import VolumeFolder

WIDGET = Resource("stable.example.com", "v1", "widgets", "Widget")
CRD = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
INGRESS = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")


def _put(datastore: Datastore, resource: Resource, name: str, **fields: Any) -> None:
    meta = {"name": name, **({"namespace": "team"} if resource.namespaced else {})}
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **fields}
    datastore.store.create(resource, obj)


def _filled(key: str = "claim/one/k3s") -> Datastore:
    datastore = Datastore(key, files={"server-ca.crt": "PEM"}, populated=True)
    datastore.check_token("secret")
    _put(datastore, NAMESPACE, "team")
    _put(datastore, CONFIG_MAP, "a", data={"x": "ü"})
    _put(datastore, SERVICE, "front")
    _put(datastore, NODE, "one")
    _put(datastore, EVENT, "happened")
    _put(datastore, WIDGET, "w")
    _put(datastore, CRD, "widgets.stable.example.com")
    _put(datastore, INGRESS, "door")
    return datastore


def test_rows_have_the_keys_of_the_api_server() -> None:
    keys = [row.key for row in rows_of(_filled())]
    assert keys[0].startswith("/bootstrap/")
    assert keys[1:] == [
        "/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.stable.example.com",
        "/registry/configmaps/team/a",
        "/registry/events/team/happened",
        "/registry/ingress/team/door",
        "/registry/minions/one",
        "/registry/namespaces/team",
        "/registry/services/specs/team/front",
        "/registry/stable.example.com/widgets/team/w",
    ]


def test_a_row_carries_its_revision_and_an_event_ends_by_itself() -> None:
    rows = {row.key: row for row in rows_of(_filled())}
    row = rows["/registry/configmaps/team/a"]
    assert b"resourceVersion" not in row.value
    assert row.revision == 3
    assert (row.lease, rows["/registry/events/team/happened"].lease) == (0, 3600)


def test_another_datastore_is_filled_with_the_same_objects() -> None:
    first, second = _filled(), Datastore("claim/two/k3s")
    _put(second, CONFIG_MAP, "not-kept")
    fill(second, rows_of(first))
    assert compare(inventory(rows_of(first)), inventory(rows_of(second))) == ()
    assert second.files == {"server-ca.crt": "PEM"}
    assert second.store.list(CONFIG_MAP) == first.store.list(CONFIG_MAP)
    assert second.store.version >= 9


def test_a_filled_datastore_wants_the_token_it_was_encrypted_with() -> None:
    second = Datastore("claim/two/k3s")
    fill(second, rows_of(_filled()))
    second.check_token("secret")
    with pytest.raises(StartError, match="encrypted with different token"):
        second.check_token("another")


def test_who_follows_a_datastore_learns_what_a_restore_changed() -> None:
    datastore = _filled()
    rows = rows_of(datastore)
    _put(datastore, CONFIG_MAP, "later")
    with datastore.store.subscribe(CONFIG_MAP) as changes:
        fill(datastore, rows)
        seen = []
        while (change := changes.pop()) is not None:
            seen.append((change.type, change.object["metadata"]["name"]))
    assert seen == [("DELETED", "later"), ("MODIFIED", "a")]


def test_the_database_is_a_real_file_of_kine(tmp_path: Path) -> None:
    path, datastore = tmp_path / "state.db", _filled()
    path.write_bytes(database_of(datastore))
    assert compare(inventory(read_rows(path)), inventory(rows_of(datastore))) == ()


def test_a_datastore_is_filled_from_a_database() -> None:
    first, second = _filled(), Datastore("claim/two/k3s")
    fill_from_database(second, database_of(first))
    assert compare(inventory(rows_of(first)), inventory(rows_of(second))) == ()


def test_a_database_that_is_none_is_refused() -> None:
    with pytest.raises(K3kError):
        fill_from_database(Datastore("claim/two/k3s"), b"not a database")


def test_files_of_a_server_are_on_its_volume() -> None:
    datastores = Datastores()
    datastores.restore(_filled())
    volumes = Volumes(DatastoreFiles(datastores))
    assert volumes.names("claim/one") == [DATABASE, "server/tls/server-ca.crt"]
    assert volumes.read("claim/one", "server/tls/server-ca.crt") == b"PEM"
    content = volumes.read("claim/one", DATABASE)
    assert content is not None
    assert content.startswith(b"SQLite format 3")


def test_without_its_database_a_server_starts_anew() -> None:
    datastores = Datastores()
    datastores.restore(_filled())
    volumes = Volumes(DatastoreFiles(datastores))
    assert volumes.remove("claim/one", DATABASE)
    assert not volumes.remove("claim/one", DATABASE)
    assert (datastores.open("claim/one/k3s").populated, volumes.read("claim/one", DATABASE)) == (False, None)


def test_a_server_takes_over_what_was_put_on_its_volume() -> None:
    datastores = Datastores()
    volumes = Volumes(DatastoreFiles(datastores))
    volumes.write("claim/two", DATABASE, database_of(_filled()))
    volumes.write("claim/two", "server/tls/client-ca.crt", b"OTHER")
    second = datastores.open("claim/two/k3s")
    adopt(volumes, "claim/two", second)
    assert [obj["metadata"]["name"] for obj in second.store.list(POD)] == []
    assert [obj["metadata"]["name"] for obj in second.store.list(CONFIG_MAP)] == ["a"]
    assert second.files == {"server-ca.crt": "PEM", "client-ca.crt": "OTHER"}
    assert volumes.stored("claim/two", DATABASE) is None


def test_rows_of_no_kind_that_is_known_are_left_out() -> None:
    datastore = Datastore("claim/one/k3s")
    fill(datastore, [Row("compact_rev_key", b"", 7, 7)])
    assert (rows_of(datastore), datastore.store.version, datastore.populated) == ([], 7, False)


# On disk


def test_files_on_volumes_outlive_the_sandbox(tmp_path: Path) -> None:
    first = Volumes(None, VolumeFolder(tmp_path).put)
    first.write("claim/one", "backups/a b.bin", b"\0\1")
    first.write("claim/one", "gone", b"x")
    first.remove("claim/one", "gone")
    first.write("pod/uid/work", "x", b"x")
    first.drop("pod/uid/")
    again = Volumes(None, None, VolumeFolder(tmp_path).load())
    assert again.names("claim/one") == ["backups/a b.bin"]
    assert again.read("claim/one", "backups/a b.bin") == b"\0\1"
    assert again.names("pod/uid/work") == []
    assert (tmp_path / "volumes" / "claim%2Fone").stat().st_mode & 0o77 == 0


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    Volumes(None, VolumeFolder(tmp_path / "data").put).write("claim/../..", "../../evil", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(list((tmp_path / "data" / "volumes").glob("*/*"))) == 1


async def test_a_sandbox_with_a_folder_remembers_files(tmp_path: Path) -> None:
    options = SandboxOptions(data_dir=tmp_path, start_delay=0.01, now=lambda: datetime.now(UTC))
    async with Sandbox.start(options) as first:
        first.controllers.around.volumes.write("claim/one", "a", b"1")
    async with Sandbox.start(options) as second:
        assert second.controllers.around.volumes.read("claim/one", "a") == b"1"
