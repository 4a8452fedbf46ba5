"""Hosts that answer late, wrongly or not at all while a verb runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from k3k_core.errors import ConflictError, ForbiddenError, HostError, NotFoundError, NotReadyError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.progress import Step
from k3k_core.names import ControlPlaneId
from k3k_core.resources import CONFIG_MAP, NETWORK_POLICY, SECRET, STATEFUL_SET
from k3k_core.sandbox.api.faults import Fault, Hook, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox")


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def every(nth: int, fault: Fault) -> Hook:
    """Make every nth request fail."""
    seen = 0

    def hook(_request: Request) -> Fault | None:
        nonlocal seen
        seen += 1
        return fault if seen % nth == 0 else None

    return hook


def only(wanted: Callable[[Request], bool], fault: Fault) -> Hook:
    return lambda request: fault if wanted(request) else None


def inject(host: HostUnderTest, hook: Hook) -> None:
    assert host.sandbox is not None
    host.sandbox.faults.append(hook)


BUSY = Fault(
    status=429, headers={"Retry-After": "0"}, body=status(429, "TooManyRequests", "too many requests")
)


@pytest.mark.parametrize(
    "fault",
    [BUSY, Fault(status=503, body="starting"), Fault(delay=0.2), Fault(drop="before")],
    ids=["429", "503", "slow", "dropped"],
)
async def test_passing_trouble_with_every_third_request_delays_a_create_and_no_more(
    host: HostUnderTest, api: Host, fault: Fault
) -> None:
    inject(host, every(3, fault))
    identity = ControlPlaneId(host.namespace, "one")
    request = CreateRequest(identity, load_values(""), timeout=60)
    made = await create(api, request)
    assert made.ready
    await delete(api, DeleteRequest(identity, timeout=60))


async def test_a_refused_object_is_named_with_what_to_do(host: HostUnderTest, api: Host) -> None:
    message = 'networkpolicies.networking.k8s.io "one-k3k" is forbidden: User "x" cannot patch resource'
    inject(
        host,
        only(
            lambda request: request.info.plural == "networkpolicies",
            Fault(status=403, body=status(403, "Forbidden", message)),
        ),
    )
    with pytest.raises(ForbiddenError) as caught:
        await create(api, CreateRequest(ControlPlaneId(host.namespace, "one"), load_values("")))
    assert "one-k3k" in caught.value.message
    assert caught.value.hint


async def test_a_field_that_somebody_else_owns_is_a_conflict_that_names_the_owner(
    host: HostUnderTest, api: Host
) -> None:
    identity = ControlPlaneId(host.namespace, "one")
    request = CreateRequest(identity, load_values(""))
    await create(api, request)
    edited = await host.kubectl(
        "-n", host.namespace, "label", "networkpolicy", "one-k3k", "--overwrite",
        "--field-manager=gardener", "app.kubernetes.io/part-of=other",
    )  # fmt: skip
    edited.checked()
    with pytest.raises(ConflictError) as caught:
        await create(api, request)
    assert caught.value.managers == ("gardener",)
    assert "gardener" in caught.value.message

    await create(api, CreateRequest(identity, load_values(""), force_conflicts=True))
    live = await api.get(NETWORK_POLICY, host.namespace, "one-k3k")
    assert live["metadata"]["labels"]["app.kubernetes.io/part-of"] == "k3k"


async def test_an_internal_error_of_the_host_is_one_clear_error(host: HostUnderTest, api: Host) -> None:
    inject(
        host,
        only(
            lambda request: request.info.plural == "statefulsets",
            Fault(status=500, body=status(500, "InternalError", "etcd is on fire")),
        ),
    )
    with pytest.raises(HostError, match="etcd is on fire"):
        await create(api, CreateRequest(ControlPlaneId(host.namespace, "one"), load_values("")))


async def test_an_image_that_cannot_be_pulled_is_told_while_waiting_and_in_the_end(
    host: HostUnderTest, api: Host
) -> None:
    told: list[Step] = []
    values = load_values("", overrides=["version=v1.99.0+k3s1"])
    with pytest.raises(NotReadyError) as caught:
        await create(
            api, CreateRequest(ControlPlaneId(host.namespace, "one"), values, timeout=3), told.append
        )
    assert "one-k3k-server-0" in caught.value.message
    assert "Image" in caught.value.message
    assert any(step.state == "warning" and "Image" in step.message for step in told)
    assert "describe" in caught.value.hint


async def test_a_delete_that_a_finalizer_holds_is_bounded_and_says_what_is_left(
    host: HostUnderTest, api: Host
) -> None:
    identity = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(identity, load_values("")))
    patch = {"metadata": {"finalizers": ["example.org/hold"]}}
    await api.patch(CONFIG_MAP, host.namespace, "one-k3k-config", patch)
    with pytest.raises(NotReadyError, match="ConfigMap/one-k3k-config"):
        await delete(api, DeleteRequest(identity, timeout=1))
    await api.patch(CONFIG_MAP, host.namespace, "one-k3k-config", {"metadata": {"finalizers": None}})
    # Nothing holds it now: the host may be done before the second delete looks.
    with suppress(NotFoundError):
        await delete(api, DeleteRequest(identity, timeout=30))
    assert (await api.list(CONFIG_MAP, host.namespace, labels="k3k.ayedo.de/control-plane")).items == []


async def test_a_name_that_is_taken_by_another_secret_is_left_alone(host: HostUnderTest, api: Host) -> None:
    (await host.kubectl("create", "namespace", host.namespace)).checked()
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "one-k3k", "namespace": host.namespace},
        "stringData": {"theirs": "yes"},
    }
    await api.create(theirs)
    identity = ControlPlaneId(host.namespace, "one")
    with pytest.raises(ConflictError, match="was not made by k3k"):
        await create(api, CreateRequest(identity, load_values("")))
    with pytest.raises(ConflictError, match="nothing was deleted"):
        await delete(api, DeleteRequest(identity))
    assert "theirs" in (await api.get(SECRET, host.namespace, "one-k3k"))["data"]


async def test_a_create_without_waiting_is_finished_by_the_host(host: HostUnderTest, api: Host) -> None:
    identity = ControlPlaneId(host.namespace, "one")
    made = await create(api, CreateRequest(identity, load_values(""), wait=False))
    assert not made.ready
    again = await create(api, CreateRequest(identity, load_values("")))
    assert again.ready
    live = await api.get(STATEFUL_SET, host.namespace, "one-k3k-server")
    assert live["metadata"]["generation"] == 1
