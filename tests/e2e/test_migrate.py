"""Moving what a control plane stores, through the command on a host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.names import ControlPlaneId
from k3k_core.resources import CONFIG_MAP
from k3k_core.values import load_values
from tests.support.hosts import HostUnderTest

PLAN = Path(__file__).parent / "plans" / "migrate.txt"


async def _made(host: HostUnderTest, api: Host) -> ControlPlaneId:
    one = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(one, load_values("")))
    async with open_control_plane(api, one) as own:
        meta = {"name": "note", "namespace": "default"}
        await own.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"kept": "yes"}})
    return one


async def test_a_control_plane_is_moved_to_an_etcd_and_back_by_its_name(
    host: HostUnderTest, api: Host
) -> None:
    one = await _made(host, api)
    moved = json.loads(
        (await host.k3k("migrate", "one", "-n", one.namespace, "--to", "etcd", "--yes", "-o", "json"))
        .checked()
        .out
    )
    assert (moved["schema"], moved["datastore"], moved["revision"]) == ("k3k.migrate/v1", "etcd", 2)
    rows = json.loads((await host.k3k("list", "-n", one.namespace, "-o", "json")).checked().out)["items"]
    assert [row["datastore"] for row in rows] == ["etcd"]
    (await host.k3k("migrate", "one", "-n", one.namespace, "--back", "--yes")).checked()
    async with open_control_plane(api, one) as own:
        assert (await own.get(CONFIG_MAP, "default", "note"))["data"] == {"kept": "yes"}
    nothing = (await host.k3k("migrate", "one", "-n", one.namespace, "--confirm", "--yes")).checked()
    assert "there is no move to confirm" in nothing.err


async def test_the_plan_of_a_move_is_as_it_is_written_down(host: HostUnderTest, api: Host) -> None:
    one = await _made(host, api)
    run = await host.k3k("migrate", "one", "-n", one.namespace, "--to", "etcd", "--members", "3", "--dry-run")
    assert run.checked().out.replace(one.namespace, "NAMESPACE") == PLAN.read_text()
    assert "the API does not answer while the data is copied" in run.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--yes",), "One of --to, --back and --confirm is needed"),
        (("--to", "etcd"), "has to be confirmed, and there is no terminal to ask on"),
    ],
    ids=["nothing", "not confirmed"],
)
async def test_what_makes_no_sense_is_wrong_use(
    host: HostUnderTest, api: Host, arguments: tuple[str, ...], said: str
) -> None:
    if arguments == ("--to", "etcd"):
        await _made(host, api)
    run = await host.k3k("migrate", "one", "-n", host.namespace, *arguments)
    assert run.code == 2
    assert said in run.err
