"""Events: counted up, remembered over a restart, gone after an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from k3k_core.resources import EVENT, NAMESPACE
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.events import EventRecorder


class Clock:
    """A wall clock a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    made = Store(now=clock)
    made.create(NAMESPACE, {"kind": "Namespace", "metadata": {"name": "ns"}})
    return made


def pod(name: str = "web") -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}"},
        "spec": {"nodeName": "sandbox-node"},
    }


def test_the_same_thing_again_is_counted(store: Store, clock: Clock) -> None:
    recorder = EventRecorder(store)
    for _ in range(3):
        recorder.warning(pod(), "Unhealthy", "no", component="kubelet", field="spec.containers{main}")
        clock.time += timedelta(seconds=10)
    (event,) = store.list(EVENT)
    assert (event["count"], event["type"]) == (3, "Warning")
    assert (event["firstTimestamp"], event["lastTimestamp"]) == (
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:20Z",
    )
    assert event["source"] == {"component": "kubelet", "host": "sandbox-node"}
    assert event["involvedObject"]["fieldPath"] == "spec.containers{main}"


def test_another_message_is_another_event(store: Store) -> None:
    recorder = EventRecorder(store)
    for message in ("one", "two"):
        recorder.normal(pod(), "Pulled", message, component="kubelet")
    assert len(store.list(EVENT)) == 2


def test_a_new_recorder_goes_on_counting(store: Store) -> None:
    for _ in range(2):
        EventRecorder(store).normal(pod(), "Pulled", "image", component="kubelet", field="spec.containers{a}")
    (event,) = store.list(EVENT)
    assert event["count"] == 2


def test_events_are_gone_after_an_hour(store: Store, clock: Clock) -> None:
    recorder = EventRecorder(store)
    recorder.normal(pod("old"), "Pulled", "image", component="kubelet")
    clock.time += timedelta(minutes=61)
    recorder.normal(pod("new"), "Pulled", "image", component="kubelet")
    assert [event["involvedObject"]["name"] for event in store.list(EVENT)] == ["new"]


def test_nothing_is_written_into_a_namespace_that_ends(store: Store) -> None:
    store.mark_deleted(NAMESPACE, None, "ns", grace=0)
    EventRecorder(store).normal(pod(), "Killing", "Stopping container main", component="kubelet")
    assert store.list(EVENT) == []
