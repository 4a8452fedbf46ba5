"""`Host` against an API server: what it relies on holds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from k3k_core.errors import ConflictError, HostError, NotFoundError, NotReadyError
from k3k_core.host import Host, Key, Reflector, Selection, requests, wait_for
from k3k_core.host.connection import Connection, Login
from k3k_core.host.credentials import Credentials
from k3k_core.resources import CONFIG_MAP, NAMESPACE, SECRET, SERVICE, Resource
from tests.support.api_servers import ApiUnderTest


@pytest.fixture
async def host(api: ApiUnderTest) -> AsyncIterator[Host]:
    login = Login(token=api.token)
    connection = Connection(name="contract", server=api.url, authority=api.authority, login=login)
    host = Host(connection, Credentials(connection.login, plugin_timeout=10), request_timeout=30)
    try:
        yield host
    finally:
        await host.close()


@pytest.fixture
async def namespace(host: Host) -> str:
    """A namespace of the test's own."""
    name = f"host-{secrets.token_hex(4)}"
    await host.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def _config_map(namespace: str, name: str = "a", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **more}


def _names(items: list[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"] for item in items]


async def test_an_object_is_created_read_and_deleted(host: Host, namespace: str) -> None:
    created = await host.create(_config_map(namespace, data={"k": "v"}))
    assert await host.get(CONFIG_MAP, namespace, "a") == created
    assert created["metadata"]["managedFields"][0]["manager"] == "k3k"

    assert await host.delete(CONFIG_MAP, namespace, "a")
    assert not await host.delete(CONFIG_MAP, namespace, "a")
    with pytest.raises(NotFoundError, match=f"has no ConfigMap a in namespace {namespace}"):
        await host.get(CONFIG_MAP, namespace, "a")


async def test_what_exists_is_not_created_again(host: Host, namespace: str) -> None:
    await host.create(_config_map(namespace))

    with pytest.raises(ConflictError) as caught:
        await host.create(_config_map(namespace))

    assert caught.value.reason == "AlreadyExists"


async def test_nothing_is_created_in_a_missing_namespace(host: Host) -> None:
    with pytest.raises(NotFoundError, match="has no namespace nowhere"):
        await host.create(_config_map("nowhere"))


async def test_a_type_that_is_not_served_is_told_from_a_missing_object(host: Host, namespace: str) -> None:
    gadget = Resource("gadgets.test", "v1", "gadgets", "Gadget")

    with pytest.raises(NotFoundError, match=r"does not serve gadgets of gadgets\.test/v1"):
        await host.list(gadget, namespace)
    with pytest.raises(NotFoundError, match="does not serve gadgets"):
        await host.delete(gadget, namespace, "a")


async def test_a_dry_run_changes_nothing(host: Host, namespace: str) -> None:
    await host.create(_config_map(namespace), dry_run=True)
    await host.apply(_config_map(namespace, data={"k": "v"}), dry_run=True)

    assert (await host.list(CONFIG_MAP, namespace, fields="metadata.name=a")).items == []


async def test_apply_creates_and_changes(host: Host, namespace: str) -> None:
    await host.apply(_config_map(namespace, data={"k": "1", "l": "1"}))
    changed = await host.apply(_config_map(namespace, data={"k": "2"}))

    assert changed["data"] == {"k": "2"}


async def test_apply_names_the_other_manager_and_can_be_forced(host: Host, namespace: str) -> None:
    await host.apply(_config_map(namespace, data={"k": "1"}))
    own = requests.patch(CONFIG_MAP, namespace, "a", {"data": {"k": "2"}}, subresource=None, dry_run=False)
    await host._object(replace(own, path=own.path.replace("fieldManager=k3k", "fieldManager=gardener")))

    with pytest.raises(ConflictError) as caught:
        await host.apply(_config_map(namespace, data={"k": "3"}))

    assert caught.value.managers == ("gardener",)
    assert "data.k of ConfigMap a" in caught.value.message
    forced = await host.apply(_config_map(namespace, data={"k": "3"}), force=True)
    assert forced["data"] == {"k": "3"}


async def test_apply_takes_back_what_k3k_itself_has_patched(host: Host, namespace: str) -> None:
    applied = await host.apply(_config_map(namespace, data={"k": "1"}))
    assert applied["metadata"]["managedFields"][0]["operation"] == "Apply"
    # To the host an update by a merge patch is another manager's, though it bears the same name.
    patched = await host.patch(CONFIG_MAP, namespace, "a", {"data": {"k": "2"}})
    assert [each["operation"] for each in patched["metadata"]["managedFields"]] == ["Update"]
    again = await host.apply(_config_map(namespace, data={"k": "3"}))
    assert again["data"] == {"k": "3"}


async def test_a_stale_version_is_not_replaced(host: Host, namespace: str) -> None:
    first = await host.create(_config_map(namespace, data={"k": "1"}))
    second = await host.replace({**first, "data": {"k": "2"}})
    assert second["data"] == {"k": "2"}

    with pytest.raises(ConflictError) as caught:
        await host.replace({**first, "data": {"k": "3"}})

    assert caught.value.reason == "Conflict"


async def test_deletion_is_bound_to_the_uid(host: Host, namespace: str) -> None:
    created = await host.create(_config_map(namespace))

    with pytest.raises(ConflictError):
        await host.delete(CONFIG_MAP, namespace, "a", uid="another")
    assert await host.delete(CONFIG_MAP, namespace, "a", uid=created["metadata"]["uid"])


async def test_only_labelled_objects_are_deleted_together(host: Host, namespace: str) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        await host.create(_config_map(namespace, name, metadata={"labels": {"l": label}}))

    await host.delete_collection(CONFIG_MAP, namespace, labels="l=x")

    assert _names((await host.list(CONFIG_MAP, namespace, labels="l")).items) == ["c"]


async def test_a_list_is_complete_over_many_pages(host: Host, namespace: str) -> None:
    names = [f"m{number:02}" for number in range(12)]
    for name in names:
        await host.create(_config_map(namespace, name, metadata={"labels": {"mine": "yes"}}))

    listing = await host.list(CONFIG_MAP, namespace, labels="mine=yes", page_size=5)

    assert _names(listing.items) == names
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "ConfigMap")}


async def test_metadata_can_be_listed_alone(host: Host, namespace: str) -> None:
    secret = {**_config_map(namespace), "kind": "Secret", "stringData": {"password": "hunter2"}}
    await host.create(secret)

    (item,) = (await host.list(SECRET, namespace, metadata_only=True)).items

    assert item["kind"] == "PartialObjectMetadata"
    assert set(item) == {"apiVersion", "kind", "metadata"}


async def test_an_invalid_object_lists_its_causes(host: Host, namespace: str) -> None:
    service = {
        **_config_map(namespace),
        "kind": "Service",
        "spec": {"ports": [{"port": 99999, "name": "a"}, {"port": 2, "name": "a"}]},
    }

    with pytest.raises(HostError) as caught:
        await host.create(service)

    assert caught.value.status == 422
    assert "\n  spec.ports[0].port: Invalid value: 99999: must be between" in caught.value.message
    assert "\n  spec.ports[1].name: Duplicate value" in caught.value.message


async def test_the_host_says_its_version(host: Host) -> None:
    assert (await host.version()).startswith("v")


async def test_a_watch_yields_what_happens_after_the_list(host: Host, namespace: str) -> None:
    listing = await host.list(CONFIG_MAP, namespace, labels="mine=yes")
    labels = {"labels": {"mine": "yes"}}
    await host.create(_config_map(namespace, metadata=labels))
    await host.patch(CONFIG_MAP, namespace, "a", {"data": {"k": "v"}})
    await host.delete(CONFIG_MAP, namespace, "a")
    seen: list[str] = []

    async with asyncio.timeout(20):
        async for event in host.watch(
            CONFIG_MAP, namespace, labels="mine=yes", resource_version=listing.resource_version, timeout=15
        ):
            seen.append(event.type)
            if event.type == "DELETED":
                break

    assert seen == ["BOOKMARK", "ADDED", "MODIFIED", "DELETED"]


async def test_waiting_ends_when_the_object_is_as_it_should_be(host: Host, namespace: str) -> None:
    def has_data(objects: Mapping[str, dict[str, Any]]) -> str | None:
        data: dict[str, str] = objects.get("a", {}).get("data", {})
        return data.get("k")

    waiting = asyncio.create_task(
        wait_for(host, CONFIG_MAP, namespace, has_data, timeout=20, what="ConfigMap a")
    )
    await host.create(_config_map(namespace))
    await host.patch(CONFIG_MAP, namespace, "a", {"data": {"k": "v"}})

    assert await waiting == "v"


async def test_waiting_in_vain_ends_in_time(host: Host, namespace: str) -> None:
    with pytest.raises(NotReadyError, match=r"^Service a was not ready within 0.3 s\.$"):
        await wait_for(host, SERVICE, namespace, lambda _: None, timeout=0.3, what="Service a")


async def test_a_reflector_keeps_a_copy(host: Host, namespace: str) -> None:
    await host.create(_config_map(namespace, "a", metadata={"labels": {"mine": "yes"}}, data={"k": "1"}))
    reflector = Reflector(
        host,
        Selection(CONFIG_MAP, namespace, labels="mine=yes", page_size=1),
        lambda item: dict(item.get("data", {})),
    )
    running = asyncio.create_task(reflector.run())
    seen: list[tuple[str, Key]] = []

    async with asyncio.timeout(20):
        async for batch in reflector.batches():
            for change in batch.changes:
                seen.append((change.type, change.key))
                if change.type == "ADDED":
                    await host.patch(CONFIG_MAP, namespace, "a", {"data": {"k": "2"}})
                if change.type == "MODIFIED":
                    await host.delete(CONFIG_MAP, namespace, "a")
            if seen and seen[-1][0] == "DELETED":
                break
    running.cancel()
    await asyncio.wait([running])

    key = Key(namespace, "a")
    assert seen == [("ADDED", key), ("MODIFIED", key), ("DELETED", key)]


async def test_a_namespace_goes_with_its_content(host: Host, namespace: str, api: ApiUnderTest) -> None:
    if not api.controllers:
        pytest.skip("needs kube-controller-manager beside kube-apiserver")
    await host.create(_config_map(namespace))
    await host.delete(NAMESPACE, None, namespace)

    await wait_for(
        host,
        NAMESPACE,
        None,
        lambda objects: namespace not in objects or None,
        timeout=30,
        what=f"The end of namespace {namespace}",
    )


async def test_a_hundred_requests_at_once_are_all_answered(host: Host, namespace: str) -> None:
    await asyncio.gather(*(host.create(_config_map(namespace, f"m{number}")) for number in range(100)))

    found = await host.list(CONFIG_MAP, namespace, page_size=30)

    assert len([name for name in _names(found.items) if name.startswith("m")]) == 100
