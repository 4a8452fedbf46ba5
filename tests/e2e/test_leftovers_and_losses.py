"""What is left of earlier control planes, and what others take away from a running one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from k3k_core.errors import ConflictError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.readiness import wait_until_ready
from k3k_core.names import ANNOTATION_KEPT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    PERSISTENT_VOLUME_CLAIM,
    SECRET,
    SERVICE,
    STATEFUL_SET,
)
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="a real cluster may have no storage class")

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
def one(host: HostUnderTest) -> ControlPlaneId:
    return ControlPlaneId(host.namespace, "one")


@pytest.fixture
def make(api: Host, one: ControlPlaneId) -> Make:
    async def made(*overrides: str, wait: bool = True) -> Any:
        return await create(api, CreateRequest(one, load_values("", overrides=overrides), wait=wait))

    return made


async def names(api: Host, identity: ControlPlaneId) -> set[str]:
    """Return "Kind/name" of all that bears a control plane's label."""
    kinds = (SECRET, CONFIG_MAP, SERVICE, STATEFUL_SET, PERSISTENT_VOLUME_CLAIM)
    found = set()
    for kind in kinds:
        listing = await api.list(kind, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}")
        found |= {f"{kind.kind}/{item['metadata']['name']}" for item in listing.items}
    return found


async def lose_root(host: HostUnderTest, api: Host, identity: ControlPlaneId) -> None:
    """Delete the root as somebody without k3k would, and wait until the host has collected the rest."""
    (await host.kubectl("-n", identity.namespace, "delete", "secret", identity.root)).checked()
    wait = ("-n", identity.namespace, "wait", "--for=delete", "--timeout=20s")
    for thing in (f"secret/{identity.pki}", f"secret/{identity.tokens}", f"pod/{identity.server}-0"):
        await host.kubectl(*wait, thing)


async def test_volumes_without_their_credentials_are_not_used_again(
    host: HostUnderTest, api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make()
    await lose_root(host, api, one)

    with pytest.raises(ConflictError, match=f"{one.pki}") as refused:
        await make()
    assert "k3k delete one" in refused.value.hint
    assert await names(api, one) == {f"PersistentVolumeClaim/data-{one.server}-0"}

    await delete(api, DeleteRequest(one))
    assert (await make()).ready


@pytest.mark.parametrize("lost", ["pki", "tokens"])
async def test_credentials_that_were_deleted_are_not_replaced_by_others(
    host: HostUnderTest, api: Host, one: ControlPlaneId, make: Make, lost: str
) -> None:
    await make()
    name = getattr(one, lost)
    await api.delete(SECRET, one.namespace, name)

    with pytest.raises(ConflictError, match=f"{name} .* was deleted"):
        await make()
    assert f"Secret/{name}" not in await names(api, one)


async def test_values_that_do_not_fit_what_was_kept_are_refused_before_the_name_is_taken(
    api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make()
    await delete(api, DeleteRequest(one, keep_data=True))
    kept = await names(api, one)

    with pytest.raises(ConflictError, match=r"k3s\.token"):
        await make("k3s.token=another-token-than-before")
    assert await names(api, one) == kept
    assert (await make()).ready


async def test_volumes_of_another_number_of_etcd_members_are_refused(
    api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make("datastore.kind=etcd", "datastore.etcd.members=3")
    await delete(api, DeleteRequest(one, keep_data=True))

    with pytest.raises(ConflictError, match="3 etcd members"):
        await make("datastore.kind=etcd")


async def test_kept_credentials_are_taken_over_also_when_the_first_try_stopped_before(
    api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make()
    await delete(api, DeleteRequest(one, keep_data=True))
    # What a create leaves that is killed right after it has claimed the name.
    await make(wait=False)
    for name in (one.pki, one.tokens):
        untaken = {"metadata": {"ownerReferences": [], "annotations": {ANNOTATION_KEPT: "true"}}}
        await api.patch(SECRET, one.namespace, name, untaken)

    await make()
    for name in (one.pki, one.tokens):
        metadata = (await api.get(SECRET, one.namespace, name))["metadata"]
        assert [owner["name"] for owner in metadata["ownerReferences"]] == [one.root]
        assert ANNOTATION_KEPT not in metadata.get("annotations", {})


async def apply_rendered(host: HostUnderTest, api: Host, identity: ControlPlaneId) -> None:
    rendered = await host.k3k("render", identity.name, "-n", identity.namespace, "--secrets", "inline")
    manifests = rendered.checked().out
    (await host.kubectl("apply", "--server-side", "-f", "-", stdin=manifests)).checked()
    await wait_until_ready(api, identity, servers=1, timeout=60, progress=lambda _: None)


async def test_a_control_plane_applied_from_manifests_is_deleted_whole(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    await apply_rendered(host, api, one)

    await delete(api, DeleteRequest(one, timeout=30))
    assert await names(api, one) == set()


async def test_what_is_left_of_one_applied_from_manifests_is_deleted_without_its_root(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    await apply_rendered(host, api, one)
    await api.delete(SECRET, one.namespace, one.root)

    await delete(api, DeleteRequest(one, timeout=30))
    for last in (f"pod/{one.server}-0", f"pvc/data-{one.server}-0"):
        # An older kubectl fails for what is gone already.
        await host.kubectl("-n", one.namespace, "wait", "--for=delete", last, "--timeout=30s")
    assert await names(api, one) == set()


async def test_keeping_the_data_of_one_applied_from_manifests_keeps_data_and_credentials(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    await apply_rendered(host, api, one)

    await delete(api, DeleteRequest(one, keep_data=True, timeout=30))
    assert await names(api, one) == {
        f"PersistentVolumeClaim/data-{one.server}-0",
        f"Secret/{one.pki}",
        f"Secret/{one.tokens}",
    }


async def test_an_object_that_somebody_else_labelled_alike_is_left_alone(
    api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make()
    copied = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "notes",
            "namespace": one.namespace,
            "labels": {LABEL_CONTROL_PLANE: one.name},
        },
    }
    await api.create(copied)

    await delete(api, DeleteRequest(one))
    assert await names(api, one) == {"ConfigMap/notes"}


async def test_damaged_authorities_are_told_without_an_internal_error(
    host: HostUnderTest, api: Host, one: ControlPlaneId, make: Make
) -> None:
    await make()
    garbage = {"data": {"client-ca.crt": "Z2FyYmFnZQ==", "client-ca.key": "Z2FyYmFnZQ=="}}
    await api.patch(SECRET, one.namespace, one.pki, garbage)

    described = await host.k3k("describe", "one", "-n", one.namespace)
    assert f"damaged: {one.pki}" in described.checked().out
    for verb in (("create", "one"), ("kubeconfig", "one", "--user", "u")):
        ended = await host.k3k(*verb, "-n", one.namespace)
        assert (ended.code, "internal error" in ended.err) == (1, False), ended.err
        assert "backup" in ended.err


async def test_a_create_whose_control_plane_is_deleted_while_it_waits_ends_at_once(
    api: Host, one: ControlPlaneId
) -> None:
    waiting = asyncio.Event()

    def progress(step: Step) -> None:
        if (step.name, step.state) == ("ready", "warning"):
            waiting.set()

    never_released = load_values("", overrides=["version=v1.99.0+k3s1"])
    creating = asyncio.create_task(create(api, CreateRequest(one, never_released), progress))
    await waiting.wait()
    await delete(api, DeleteRequest(one))
    with pytest.raises(ConflictError, match="was deleted while"):
        await creating


async def test_a_control_plane_applied_from_manifests_is_left_to_who_applied_it(host: HostUnderTest) -> None:
    render = ("render", "one", "-n", host.namespace, "--secrets", "inline")
    rendered = (await host.k3k(*render)).checked().out
    (await host.kubectl("apply", "--server-side", "-f", "-", stdin=rendered)).checked()
    refused = await host.k3k("create", "one", "-n", host.namespace)
    assert refused.code == 4
    assert "applied from manifests, by kubectl" in refused.err
    (await host.k3k("create", "one", "-n", host.namespace, "--force-conflicts")).checked()
