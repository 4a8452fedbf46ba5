"""Logs of one and of several servers, read once and followed."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from k3k_core.errors import ForbiddenError, HostError, K3kError, NotFoundError, UnreachableError
from k3k_core.host.api import Listing
from k3k_core.lifecycle.log_following import follow_logs
from k3k_core.lifecycle.logs import LogOptions, log_sources, pick_sources, server_logs
from k3k_core.names import LABEL_COMPONENT, LABEL_CONTROL_PLANE, LABEL_INSTANCE, ControlPlaneId

ONE = ControlPlaneId("shop", "one")
SERVER_0, SERVER_1, ETCD = "one-k3k-server-0", "one-k3k-server-1", "one-k3k-etcd-0"

pytestmark = pytest.mark.looptime


def pod(name: str, component: str = "server", *, uid: str = "", restarts: int = 0) -> dict[str, Any]:
    container = {"server": "k3s"}.get(component, component)
    return {
        "metadata": {"name": name, "uid": uid or name, "labels": {LABEL_COMPONENT: component}},
        "spec": {"containers": [{"name": container}]},
        "status": {"containerStatuses": [{"name": container, "restartCount": restarts}]},
    }


class Host:
    """Pods, and for each a script of what its log gives, one entry for each time it is asked for."""

    def __init__(self, *pods: dict[str, Any], label: str = LABEL_CONTROL_PLANE) -> None:
        self.pods = list(pods)
        self.label = label
        self.scripts: dict[str, deque[list[str | K3kError]]] = defaultdict(deque)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.open = 0
        self.failure: K3kError | None = None

    async def list(self, _resource: Any, _namespace: str, *, labels: str) -> Listing:
        if self.failure is not None:
            raise self.failure
        return Listing(self.pods if labels.startswith(f"{self.label}=") else [], "1")

    async def logs(self, _namespace: str, name: str, **options: Any) -> AsyncGenerator[str, None]:
        self.asked.append((name, options))
        self.open += 1
        try:
            for act in self.scripts[name].popleft() if self.scripts[name] else ():
                await asyncio.sleep(0.1)
                if isinstance(act, K3kError):
                    raise act
                yield act
            if options["follow"] and not self.scripts[name]:
                await asyncio.Future()
        finally:
            self.open -= 1


def host(*pods: dict[str, Any], **more: Any) -> Any:
    return Host(*pods, **more)


async def first(lines: AsyncGenerator[Any, None], count: int) -> list[tuple[str, str]]:
    """Return the first lines that come, with their servers, and end the reading."""
    found: list[tuple[str, str]] = []
    async with aclosing(lines):
        async for line in lines:
            found.append((line.source.pod, line.text))
            if len(found) == count:
                break
    return found


async def test_servers_come_before_members_of_etcd() -> None:
    sources = await log_sources(host(pod(ETCD, "etcd"), pod(SERVER_1), pod(SERVER_0, restarts=2)), ONE)
    assert [(each.pod, each.container, each.component, each.restarts) for each in sources] == [
        (SERVER_0, "k3s", "server", 2),
        (SERVER_1, "k3s", "server", 0),
        (ETCD, "etcd", "etcd", 0),
    ]


async def test_pods_of_a_release_of_the_chart_are_found_as_well() -> None:
    made_by_helm = pod("shop-0", "")
    made_by_helm["spec"]["containers"] = [{"name": "k3s"}]
    sources = await log_sources(host(made_by_helm, label=LABEL_INSTANCE), ONE)
    assert [each.pod for each in pick_sources(ONE, sources, None)] == ["shop-0"]


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        (None, [SERVER_0, SERVER_1]),
        ("1", [SERVER_1]),
        (SERVER_0, [SERVER_0]),
        (ETCD, [ETCD]),
    ],
)
async def test_a_server_is_named_by_its_number_or_its_pod(name: str | None, pods: list[str]) -> None:
    sources = await log_sources(host(pod(SERVER_0), pod(SERVER_1), pod(ETCD, "etcd")), ONE)
    assert [each.pod for each in pick_sources(ONE, sources, name)] == pods


async def test_a_server_that_does_not_exist_is_refused_with_those_that_do() -> None:
    sources = await log_sources(host(pod(SERVER_0)), ONE)
    with pytest.raises(NotFoundError) as refusal:
        pick_sources(ONE, sources, "7")
    assert SERVER_0 in refusal.value.hint


async def test_a_control_plane_without_servers_has_no_logs() -> None:
    with pytest.raises(NotFoundError, match="has no server whose log"):
        pick_sources(ONE, await log_sources(host(pod(ETCD, "etcd")), ONE), None)


async def test_logs_that_are_not_followed_come_one_after_the_other() -> None:
    double = host(pod(SERVER_0), pod(SERVER_1))
    double.scripts[SERVER_0].append(["a", "b"])
    double.scripts[SERVER_1].append(["c"])
    lines = server_logs(double, ONE, await log_sources(double, ONE), LogOptions(tail=5, since=60.0))
    assert await first(lines, 9) == [(SERVER_0, "a"), (SERVER_0, "b"), (SERVER_1, "c")]
    assert [(options["tail"], options["since"]) for _, options in double.asked] == [(5, 60.0), (5, 60.0)]


async def test_logs_that_are_followed_come_as_they_are_written() -> None:
    double = host(pod(SERVER_0), pod(SERVER_1))
    double.scripts[SERVER_0].append(["a", "b"])
    double.scripts[SERVER_1].append(["c"])
    lines = server_logs(double, ONE, await log_sources(double, ONE), LogOptions(follow=True))
    assert set(await first(lines, 2)) == {(SERVER_0, "a"), (SERVER_1, "c")}
    assert double.open == 0


async def test_one_log_that_fails_ends_all_that_are_followed_together() -> None:
    double = host(pod(SERVER_0), pod(SERVER_1))
    double.scripts[SERVER_1].append([UnreachableError("broke off")])
    lines = server_logs(double, ONE, await log_sources(double, ONE), LogOptions(follow=True))
    with pytest.raises(UnreachableError):
        await first(lines, 1)
    assert double.open == 0


async def test_following_goes_on_with_a_pod_that_was_replaced_from_its_first_line() -> None:
    double = host(pod(SERVER_0, uid="old"))
    double.scripts[SERVER_0] += [["T1 a", "T2 b"], ["T3 c"]]
    lines = follow_logs(double, ONE, None, LogOptions(tail=2))
    async with aclosing(lines):
        assert [(await anext(lines)).text for _ in range(2)] == ["a", "b"]
        double.pods = [pod(SERVER_0, uid="new")]
        assert (await anext(lines)).text == "c"
    assert [(options["tail"], options["since"]) for _, options in double.asked] == [(2, None), (None, None)]
    assert double.open == 0


async def test_following_takes_up_a_connection_that_broke_and_shows_no_line_twice() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0] += [["T1 a", "T2 b", UnreachableError("broke off")], ["T2 b", "T3 c"]]
    assert await first(follow_logs(double, ONE), 3) == [(SERVER_0, "a"), (SERVER_0, "b"), (SERVER_0, "c")]
    assert double.asked[1][1]["since"] >= 1.0


async def test_following_asks_for_the_same_part_again_when_nothing_came_before_it_broke() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0] += [[UnreachableError("broke off")], ["T1 a"]]
    assert await first(follow_logs(double, ONE, None, LogOptions(tail=0)), 1) == [(SERVER_0, "a")]
    assert [options["tail"] for _, options in double.asked] == [0, 0]


async def test_following_waits_for_a_container_that_has_not_started() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0] += [[HostError("is waiting to start", status=400)], ["T1 a"]]
    assert await first(follow_logs(double, ONE), 1) == [(SERVER_0, "a")]


async def test_following_finds_servers_that_come_later() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_1].append(["T1 late"])
    lines = follow_logs(double, ONE)
    async with aclosing(lines):
        line = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.5)
        double.pods.append(pod(SERVER_1))
        assert (await line).text == "late"


async def test_following_bears_a_moment_without_servers_but_not_a_minute() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0] += [["T1 a"], []]
    lines = follow_logs(double, ONE)
    async with aclosing(lines):
        assert (await anext(lines)).text == "a"
        double.pods = []
        with pytest.raises(NotFoundError):
            await anext(lines)


async def test_timestamps_are_shown_when_asked_for() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0].append(["T1 a"])
    assert await first(follow_logs(double, ONE, None, LogOptions(timestamps=True)), 1) == [(SERVER_0, "T1 a")]


@pytest.mark.parametrize("failure", [ForbiddenError("you may not"), UnreachableError("gone")])
async def test_a_host_that_refuses_or_is_gone_ends_the_following(failure: K3kError) -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0].append(["T1 a"])
    lines = follow_logs(double, ONE)
    async with aclosing(lines):
        await anext(lines)
        double.failure = failure
        with pytest.raises(type(failure)):
            await anext(lines)
    assert double.open == 0


async def test_a_log_that_may_not_be_read_ends_the_following() -> None:
    double = host(pod(SERVER_0))
    double.scripts[SERVER_0].append([ForbiddenError("pods/log is not for you")])
    with pytest.raises(ForbiddenError):
        await first(follow_logs(double, ONE), 1)
