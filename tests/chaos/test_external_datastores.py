"""External datastores on the sandbox: proved before servers start, dumped, loaded; stopped anywhere and repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k3k_core.datastores import sql
from k3k_core.datastores.inventory import compare, inventory
from k3k_core.errors import NotReadyError, UsageError
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.databases import dump_external, restore_external
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import CONFIG_MAP, JOB, POD, SECRET, STATEFUL_SET
from k3k_core.sandbox import Sandbox
from k3k_core.values import LoadedValues, load_values
from tests.support.stopping import objects_of, secrets_of, stopped_everywhere

IDENTITY = ControlPlaneId("tenants", "dev")
REACHABLE = "postgres://k3s:secret-password@db.example.org:5432/dev"
MYSQL = "mysql://k3s:secret-password@tcp(db.example.org:3306)/dev"
ELSEWHERE = "mysql://k3s:secret-password@tcp(db.invalid:3306)/dev"


def _values(endpoint: str = REACHABLE, image: str = "") -> LoadedValues:
    preflight = {"preflight": {"image": image}} if image else {}
    external = {"endpoint": endpoint, **preflight}
    return load_values(json.dumps({"datastore": {"kind": "external", "external": external}}))


@pytest.fixture
async def host(kubeconfig: Path) -> AsyncIterator[Host]:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


def _left_over(sandbox: Sandbox) -> set[str]:
    """What a task leaves while it runs: its Job, its pod, its Secret."""
    names = {item["metadata"]["name"] for kind in (JOB, POD, SECRET) for item in sandbox.store.list(kind)}
    return {name for name in names if any(word in name for word in ("preflight", "-dump", "-load"))}


async def test_servers_start_once_the_datastore_has_been_proved(sandbox: Sandbox, host: Host) -> None:
    steps: list[Step] = []
    await create(host, CreateRequest(IDENTITY, _values()), steps.append)
    said = [step.message for step in steps if step.name == "preflight"]
    assert said[-1] == "postgres at db.example.org:5432/dev can be used"
    assert _left_over(sandbox) == set()


async def test_no_server_starts_on_a_datastore_that_cannot_be_reached(sandbox: Sandbox, host: Host) -> None:
    with pytest.raises(NotReadyError) as caught:
        await create(host, CreateRequest(IDENTITY, _values(ELSEWHERE)))
    assert "could not translate host name" in caught.value.message
    assert "secret-password" not in f"{caught.value.message}{caught.value.hint}"
    assert sandbox.store.list(STATEFUL_SET, IDENTITY.namespace) == []
    assert _left_over(sandbox) == set()


async def test_an_image_that_cannot_be_pulled_is_only_a_warning(host: Host) -> None:
    steps: list[Step] = []
    values = _values(image="docker.io/rancher/k3s:v1.99.0-k3s1")
    await create(host, CreateRequest(IDENTITY, values), steps.append)
    (warning,) = [step for step in steps if step.name == "preflight" and step.state == "warning"]
    assert "the image docker.io/rancher/k3s:v1.99.0-k3s1 cannot be pulled" in warning.message


async def test_a_second_control_plane_on_the_same_database_is_warned_about(host: Host) -> None:
    await create(host, CreateRequest(IDENTITY, _values()))
    steps: list[Step] = []
    other = CreateRequest(ControlPlaneId("tenants", "other"), _values(), wait=False)
    await create(host, other, steps.append)
    (warning,) = [step for step in steps if step.name == "preflight" and step.state == "warning"]
    assert "Every control plane needs a database of its own" in warning.message


async def test_a_create_that_is_repeated_proves_nothing_again(host: Host) -> None:
    await create(host, CreateRequest(IDENTITY, _values()))
    steps: list[Step] = []
    await create(host, CreateRequest(IDENTITY, _values()), steps.append)
    assert [step for step in steps if step.name == "preflight"] == []


async def test_another_datastore_is_proved_before_the_servers_are_led_to_it(
    sandbox: Sandbox, host: Host
) -> None:
    await host.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": IDENTITY.namespace}})
    for name, endpoint in (("good", REACHABLE), ("bad", ELSEWHERE)):
        meta, data = {"name": name, "namespace": IDENTITY.namespace}, {"endpoint": endpoint}
        await host.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
    values = load_values("datastore: {kind: external, external: {secret_name: good}}")
    await create(host, CreateRequest(IDENTITY, values))
    servers = sandbox.store.get(STATEFUL_SET, IDENTITY.namespace, IDENTITY.server)
    request = UpgradeRequest(IDENTITY, assignments=("datastore.external.secret_name=bad",), backup="skip")
    with pytest.raises(NotReadyError, match="could not translate host name"):
        await upgrade(host, request)
    assert sandbox.store.get(STATEFUL_SET, IDENTITY.namespace, IDENTITY.server) == servers
    await upgrade(
        host, UpgradeRequest(IDENTITY, assignments=("datastore.external.secret_name=good",), backup="skip")
    )


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_a_create_that_is_stopped_anywhere_leaves_nothing_of_the_preflight(
    sandbox: Sandbox, kubeconfig: Path, answered: bool
) -> None:
    def identity(spare: int) -> ControlPlaneId:
        return ControlPlaneId("tenants", f"dev{spare}")

    async def verb(host: Host, spare: int) -> None:
        values = _values(f"postgres://k3s:secret-password@db.example.org/dev{spare}")
        await create(host, CreateRequest(identity(spare), values))

    async def check(_host: Host, spare: int) -> None:
        assert _left_over(sandbox) == set(), spare
        assert ("StatefulSet", identity(spare).server) in objects_of(sandbox, identity(spare))

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=7)


@pytest.mark.parametrize(
    "endpoint", [REACHABLE, ELSEWHERE.replace("invalid", "example.org")], ids=["postgres", "mysql"]
)
async def test_a_dump_brings_back_what_was_deleted_since(
    sandbox: Sandbox, host: Host, tmp_path: Path, endpoint: str
) -> None:
    await create(host, CreateRequest(IDENTITY, _values(endpoint)))
    async with open_control_plane(host, IDENTITY) as own:
        meta = {"name": "kept", "namespace": "default"}
        await own.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}})
    path = tmp_path / "dump.sql"
    await dump_external(host, IDENTITY, path)
    before = inventory(sql.read_rows(path))
    async with open_control_plane(host, IDENTITY) as own:
        await own.delete(CONFIG_MAP, "default", "kept")
    await stop_pods(host, IDENTITY, COMPONENT_SERVER)
    await restore_external(host, IDENTITY, path)
    await start_pods(host, IDENTITY, COMPONENT_SERVER, 1)
    async with open_control_plane(host, IDENTITY) as own:
        assert (await own.get(CONFIG_MAP, "default", "kept"))["data"] == {"a": "1"}
    again = tmp_path / "again.sql"
    await dump_external(host, IDENTITY, again)
    assert compare(before, inventory(sql.read_rows(again)), but={"endpointslices", "endpoints"}) == ()
    assert path.stat().st_mode & 0o077 == 0
    assert _left_over(sandbox) == set()


async def test_a_dump_that_is_stopped_anywhere_and_repeated_is_whole(
    sandbox: Sandbox, kubeconfig: Path, host: Host, tmp_path: Path
) -> None:
    await create(host, CreateRequest(IDENTITY, _values()))
    secrets = secrets_of(sandbox, IDENTITY)

    async def verb(host: Host, spare: int) -> None:
        await dump_external(host, IDENTITY, tmp_path / f"{spare}.sql")

    async def check(_host: Host, spare: int) -> None:
        assert sql.read_rows(tmp_path / f"{spare}.sql")
        assert _left_over(sandbox) == set()
        assert secrets_of(sandbox, IDENTITY) == secrets

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=False, every=5)


async def test_what_has_no_external_database_is_told_so(host: Host, tmp_path: Path) -> None:
    await create(host, CreateRequest(IDENTITY, load_values("{}")))
    with pytest.raises(UsageError, match="has no external datastore, but sqlite"):
        await dump_external(host, IDENTITY, tmp_path / "dump.sql")
