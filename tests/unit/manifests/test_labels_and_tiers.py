"""Labels of the user, tiers, and the mark of protection."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.lifecycle.root_marks import renewed_metadata
from k3k_core.manifests import render, root_secret
from k3k_core.names import ANNOTATION_EXPIRES_AT, ANNOTATION_PROTECTED, LABEL_NAME, ControlPlaneId
from k3k_core.values import Values, load_values
from tests.support.blueprints import ETCD_VALUES, blueprint

ONE = ControlPlaneId("team-a", "one")


def values_of(text: str) -> Values:
    return load_values(text).values


def root_of(text: str, **annotations: str) -> dict[str, Any]:
    root = root_secret(ONE, values_of(text))
    root["metadata"]["annotations"] |= annotations
    return root


def renewed(before: str, after: str, **annotations: str) -> dict[str, Any]:
    wanted = values_of(after)
    fresh = root_secret(ONE, wanted, revision=2)
    return renewed_metadata(root_of(before, **annotations), fresh, values_of(before), wanted)


def test_every_object_and_every_pod_bears_the_labels_of_the_values() -> None:
    items = render(blueprint(ETCD_VALUES + "labels: {team: a}\n"))
    pods = [item["spec"]["template"] for item in items if item["kind"] == "StatefulSet"]
    assert len(pods) == 2
    for item in (*items, *pods):
        assert item["metadata"]["labels"]["team"] == "a", item


def test_labels_do_not_reach_what_a_stateful_set_does_not_let_change() -> None:
    plain, labelled = (
        next(item for item in render(blueprint(text)) if item["kind"] == "StatefulSet")["spec"]
        for text in ("", "labels: {team: a}\n")
    )
    for key in ("selector", "volumeClaimTemplates", "serviceName"):
        assert plain[key] == labelled[key]


@pytest.mark.parametrize(
    ("text", "cpu", "memory"),
    [
        ("", "100m", "512Mi"),
        ("tier: medium\n", "500m", "1Gi"),
        ("tier: large\nresources: {requests: {cpu: 3}}\n", "3", "4Gi"),
        ("tier: medium\nresources: {requests: {memory: null}}\n", "500m", "1Gi"),
    ],
)
def test_a_tier_gives_the_requests_that_are_not_named(text: str, cpu: str, memory: str) -> None:
    requests = values_of(text).resources.requests
    assert (requests.cpu, requests.memory) == (cpu, memory)


def test_another_tier_takes_the_place_of_the_stored_one_but_not_of_what_was_named() -> None:
    root = root_of("tier: medium\nresources: {requests: {memory: 3Gi}}\n")
    requests = load_values(manifests.stored_values(root), overrides=("tier=large",)).values.resources.requests
    assert (requests.cpu, requests.memory) == ("2", "3Gi")


def test_a_protected_control_plane_is_marked_from_its_beginning() -> None:
    assert root_of("protect: true\n")["metadata"]["annotations"][ANNOTATION_PROTECTED] == "true"
    assert ANNOTATION_PROTECTED not in root_of("")["metadata"]["annotations"]


def test_marks_that_verbs_set_outlive_other_values() -> None:
    marks = {ANNOTATION_PROTECTED: "true", ANNOTATION_EXPIRES_AT: "2026-11-23T12:00:00Z", "other": "x"}
    annotations = renewed("", "servers: 1\nk3s: {debug: true}\n", **marks)["annotations"]
    assert {key: annotations[key] for key in marks} == marks


def test_protection_that_was_taken_off_stays_off_until_its_value_changes() -> None:
    assert ANNOTATION_PROTECTED in renewed("", "protect: true\n")["annotations"]
    assert ANNOTATION_PROTECTED not in renewed("protect: true\n", "protect: false\n")["annotations"]
    off = renewed_metadata(
        root_secret(ONE, values_of("")),
        root_secret(ONE, values_of("protect: true\n")),
        values_of("protect: true\n"),
        values_of("protect: true\nservers: 1\n"),
    )
    assert ANNOTATION_PROTECTED not in off["annotations"]


def test_a_time_to_live_that_is_taken_out_of_the_values_ends() -> None:
    marks = {ANNOTATION_EXPIRES_AT: "2026-11-23T12:00:00Z"}
    assert ANNOTATION_EXPIRES_AT not in renewed("ttl: 8h\n", "", **marks)["annotations"]


def test_a_label_that_is_taken_out_of_the_values_leaves_the_root() -> None:
    labels = renewed("labels: {team: a, cost: x}\n", "labels: {team: b}\n")["labels"]
    assert (labels["team"], "cost" in labels, labels[LABEL_NAME]) == ("b", False, "k3s")
