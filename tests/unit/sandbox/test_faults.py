"""Faults of simulated servers: how they are named, counted, and switched by people."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from k3k_core.errors import K3kError
from k3k_core.resources import NAMESPACE, POD, SECRET, STATEFUL_SET
from k3k_core.sandbox.controllers.pods import is_ready
from k3k_core.sandbox.fault_annotations import FaultAnnotations
from k3k_core.sandbox.fault_board import FaultBoard, PodFaults, Spells
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION, FAULTS, parse_faults
from k3k_core.sandbox.k3s.exposition.effects import EFFECTS, WEATHER, Count, Effect
from k3k_core.sandbox.k3s.exposition.kinds import etcd_template, server_template
from k3k_core.sandbox.scenario import Scenario
from tests.support.k3s_node import K3sNode, k3s_node
from tests.support.k3s_pods import PROBE_TOKEN, server_pod
from tests.support.running_sandbox import RunningSandbox, running_sandbox, typed
from tests.support.sandbox_documentation import DOCUMENT, with_table

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROBE = {"authorization": f"Bearer {PROBE_TOKEN}"}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# Names


def test_faults_are_read_with_their_arguments() -> None:
    assert parse_faults(" queue-stuck, check-failing:etcd,,certificates-expiring") == {
        "queue-stuck",
        "check-failing:etcd",
        "certificates-expiring:9",
    }
    assert parse_faults("") == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("queue-stuk", "queue-stuck"),
        ("nonsense-altogether", "There are"),
        ("down:now", "takes no argument"),
        ("check-failing", "needs to be told CHECK"),
        ("check-failing:etc", "mean etcd?"),
        ("check-failing:nonsense/nowhere/at-all", "readyz?verbose"),
        ("certificates-expiring:soon", "in days"),
        ("certificates-expiring:inf", "in days"),
    ],
)
def test_a_fault_that_cannot_be_understood_is_refused_with_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(K3kError) as caught:
        parse_faults(text)
    assert words in f"{caught.value} {caught.value.hint}"


def test_every_effect_belongs_to_a_fault_and_finds_its_series() -> None:
    assert set(EFFECTS) <= set(FAULTS)
    touched = set(server_template("v1.36.2+k3s1", "sql").touches) | set(etcd_template(0, 3).touches)
    assert touched == {*EFFECTS, *WEATHER}


@pytest.mark.parametrize("version", ["v1.21.3+k3s1", "v1.33.4+k3s1"])
def test_older_servers_show_what_their_pages_can_show(version: str) -> None:
    touched = set(server_template(version, "sqlite").touches)
    later = {"kine-errors", "pool-exhausted"}
    if version.startswith("v1.21"):
        later |= {name for name, effects in EFFECTS.items() if all(map(_is_made, effects))}
        later |= {"datastore-errors", "datastore-failing", "api-terminating"}
    assert {name for name in EFFECTS if FAULTS[name].of == "k3s"} - touched <= later


def _is_made(effect: Effect) -> bool:
    return isinstance(effect, Count) and effect.make


# Spells


def test_exposure_adds_up_the_spells_within_a_time() -> None:
    spells = Spells()
    for begin, end in ((10, 20), (30, 40)):
        spells.on("down", begin)
        spells.on("down", begin + 1)
        spells.off("down", end)
        spells.off("down", end + 1)
    assert spells.exposure("down", 0, 100) == 20
    assert spells.exposure("down", 15, 35) == 10
    assert spells.exposure("other", 0, 100) == 0
    assert (spells.since("down", 35), spells.since("down", 40)) == (30, None)
    assert (spells.changed(25), spells.changed(5)) == (20, 0)


def test_a_spell_that_goes_on_counts_until_now() -> None:
    spells = Spells()
    spells.on("down", 10)
    assert spells.exposure("down", 0, 25) == 15
    assert spells.during("down", 0, 25) == [(10, 25)]


def test_a_fault_is_on_while_anything_asks_for_it() -> None:
    board = FaultBoard(Scenario(conditions={"ns/*": "unready"}), lambda: at(0))
    faults = board.of("ns", "dev-0")
    faults.switch_on("unready", "queue-stuck", at=at(10))
    board.annotate("ns", "dev-0", {"queue-stuck"})
    faults.switch_off(at=at(20))
    assert faults.active == {"unready", "queue-stuck"}
    board.annotate("ns", "dev-0", ())
    assert faults.active == {"unready"}


def test_listeners_hear_of_changes_and_of_nothing_else() -> None:
    faults, heard = PodFaults(lambda: at(0)), list[int]()
    close = faults.listen("me", lambda: heard.append(1))
    faults.switch_on("down")
    faults.switch_on("down")
    faults.switch_off("queue-stuck")
    faults.switch_off("down")
    close()
    faults.switch_on("down")
    assert heard == [1, 1]


# Servers


async def _until_ready_is(node: K3sNode, wanted: bool) -> None:
    with node.loop.store.subscribe(POD) as changes:
        while is_ready(node.loop.get(POD, "dev-0")) is not wanted:
            await changes.next()


@pytest.mark.parametrize("fault", ["down", "unready", "hanging", "kubelet-disagrees", "check-failing:log"])
async def test_the_host_sees_at_once_that_a_server_fails_and_that_it_recovers(fault: str) -> None:
    async with k3s_node() as node:
        await node.loop.put(POD, server_pod())
        await node.until_ready("dev-0")
        node.board.of("ns", "dev-0").switch_on(fault)
        await _until_ready_is(node, False)
        node.board.of("ns", "dev-0").switch_off(fault)
        await _until_ready_is(node, True)


@pytest.mark.parametrize("fault", ["down", "unreachable"])
async def test_nothing_listens_while_a_server_is_down(fault: str) -> None:
    async with k3s_node() as node:
        await node.loop.put(POD, server_pod())
        await node.until_ready("dev-0")
        faults = node.board.of("ns", "dev-0")
        faults.switch_on(fault)
        with pytest.raises(httpx.ConnectError):
            await node.get("dev-0", "/ping")
        faults.switch_off(fault)
        assert (await node.get("dev-0", "/ping")).text == "pong"


async def test_a_hanging_server_answers_once_it_recovers() -> None:
    async with k3s_node() as node:
        await node.loop.put(POD, server_pod())
        await node.until_ready("dev-0")
        faults = node.board.of("ns", "dev-0")
        faults.switch_on("hanging")
        asking = asyncio.create_task(node.get("dev-0", "/ping"))
        done, _ = await asyncio.wait((asking,), timeout=0.3)
        assert not done
        faults.switch_off("hanging")
        assert (await asking).text == "pong"


async def test_an_expired_certificate_is_shown_until_the_fault_ends() -> None:
    async with k3s_node() as node:
        await node.loop.put(POD, server_pod())
        await node.until_ready("dev-0")
        faults = node.board.of("ns", "dev-0")
        faults.switch_on("serving-certificate-expired")
        with pytest.raises(httpx.ConnectError, match="expired"):
            await node.get("dev-0", "/ping")
        faults.switch_off()
        assert (await node.get("dev-0", "/ping")).text == "pong"


# etcd


def etcd_pod(name: str, members: int = 3) -> dict[str, object]:
    """A member as the manifests have it, as far as the sandbox looks."""
    cluster = ",".join(f"dev-etcd-{number}=https://dev-etcd-{number}:2380" for number in range(members))
    command = ["etcd", f"--initial-cluster={cluster}", "--listen-metrics-urls=http://0.0.0.0:2381"]
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "subdomain": "dev-etcd",
            "containers": [
                {
                    "name": "etcd",
                    "image": "quay.io/coreos/etcd:v3.6.8",
                    "command": command,
                    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 2381}},
                }
            ],
        },
        "status": {"phase": "Pending"},
    }


async def ask_member(node: K3sNode, pod: str, path: str) -> httpx.Response:
    address = node.loop.get(POD, pod)["status"]["podIP"]
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://{address}:2381{path}")


async def test_a_member_answers_health_and_metrics_without_tls() -> None:
    async with k3s_node() as node:
        for number in (0, 1):
            await node.loop.put(POD, etcd_pod(f"dev-etcd-{number}"))
            await node.until_ready(f"dev-etcd-{number}")
        assert (await ask_member(node, "dev-etcd-0", "/health")).json() == {"health": "true", "reason": ""}
        assert (await ask_member(node, "dev-etcd-0", "/nowhere")).status_code == 404
        leader, follower = [
            (await ask_member(node, f"dev-etcd-{number}", "/metrics")).text for number in (0, 1)
        ]
        assert "\netcd_server_is_leader 1\n" in leader
        assert "\netcd_server_is_leader 0\n" in follower
        assert leader.count("etcd_network_peer_round_trip_time_seconds_count") == 2


async def test_a_member_without_a_leader_is_not_ready_and_says_so() -> None:
    async with k3s_node() as node:
        await node.loop.put(POD, etcd_pod("dev-etcd-0"))
        await node.until_ready("dev-etcd-0")
        node.board.of("ns", "dev-etcd-0").switch_on("etcd-no-leader")
        health = await ask_member(node, "dev-etcd-0", "/health")
        assert (health.status_code, health.json()["reason"]) == (503, "RAFT NO LEADER")
        assert "\netcd_server_has_leader 0\n" in (await ask_member(node, "dev-etcd-0", "/metrics")).text
        assert not is_ready(node.loop.get(POD, "dev-etcd-0"))


async def test_only_the_last_member_is_down_when_one_is() -> None:
    async with k3s_node() as node:
        for number in (0, 2):
            await node.loop.put(POD, etcd_pod(f"dev-etcd-{number}"))
            await node.until_ready(f"dev-etcd-{number}")
            node.board.of("ns", f"dev-etcd-{number}").switch_on("etcd-member-down")
        assert (await ask_member(node, "dev-etcd-0", "/health")).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await ask_member(node, "dev-etcd-2", "/health")


# Annotations


async def _annotate(running: RunningSandbox, path: str, value: str | None) -> None:
    answer = await running.client.patch(
        path,
        json={"metadata": {"annotations": {FAULT_ANNOTATION: value}}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200, answer.text
    await running.sandbox.manager.settled()


LABELS = {"app": "web", "k3k.ayedo.de/control-plane": "dev"}


def stateful_set() -> dict[str, object]:
    spec = {"containers": [{"name": "web", "image": "docker.io/library/nginx:1"}]}
    return typed(
        "StatefulSet",
        {
            "metadata": {"name": "web", "namespace": "ns"},
            "spec": {
                "serviceName": "web",
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": LABELS}, "spec": spec},
            },
        },
        "apps/v1",
    )


async def test_annotations_of_all_that_stands_above_a_pod_count() -> None:
    async with running_sandbox() as running:
        root = typed("Secret", {"metadata": {"name": "dev-k3k", "namespace": "ns", "labels": LABELS}})
        await running.put(root, stateful_set())
        await running.until(POD, "web-0", lambda pod: pod)
        faults = running.sandbox.faults_of("ns", "web-0")
        places = {
            "/api/v1/namespaces/ns": "down",
            "/api/v1/namespaces/ns/secrets/dev-k3k": "queue-stuck",
            "/apis/apps/v1/namespaces/ns/statefulsets/web": "overloaded",
            "/api/v1/namespaces/ns/pods/web-0": "api-slow, check-failing:etcd",
        }
        for path, value in places.items():
            await _annotate(running, path, value)
        assert faults.active == {"down", "queue-stuck", "overloaded", "api-slow", "check-failing:etcd"}
        for path in places:
            await _annotate(running, path, None)
        assert faults.active == frozenset()


async def test_an_annotation_nobody_understands_is_told_in_an_event() -> None:
    async with running_sandbox() as running:
        await running.put(stateful_set())
        await running.until(POD, "web-0", lambda pod: pod)
        await _annotate(running, "/apis/apps/v1/namespaces/ns/statefulsets/web", "queue-stuk")
        events = (await running.client.get("/api/v1/namespaces/ns/events")).json()["items"]
        (told,) = [event for event in events if event["reason"] == "UnknownFault"]
        assert "queue-stuck" in told["message"]
        assert told["involvedObject"]["kind"] == "StatefulSet"
        assert running.sandbox.faults_of("ns", "web-0").active == frozenset()


def test_annotations_are_looked_for_where_they_count() -> None:
    assert set(FaultAnnotations.watches) == {NAMESPACE, SECRET, STATEFUL_SET, POD}


def test_the_documentation_lists_every_fault() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == with_table(text), "run python -m tests.support.sandbox_documentation"
