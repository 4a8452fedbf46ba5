"""Kubeconfigs put into others: what is there stays, and no name is taken from another cluster."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k3k_core.errors import ConflictError, UsageError
from k3k_core.lifecycle.merging import merge_kubeconfig


def kubeconfig(
    name: str = "ci", *, authority: str = "Y2E=", server: str = "https://192.0.2.1", user: str = "admin"
) -> str:
    """A kubeconfig as k3k makes it."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}
            ],
            "users": [{"name": f"{user}@{name}", "user": {"client-key-data": "a2V5"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": f"{user}@{name}"}}],
            "current-context": name,
        }
    )


def names(text: str) -> dict[str, list[str]]:
    content: dict[str, Any] = yaml.safe_load(text)
    return {key: [entry["name"] for entry in content[key]] for key in ("clusters", "users", "contexts")}


def test_into_nothing_it_becomes_the_current_context() -> None:
    merged = merge_kubeconfig("", kubeconfig())
    assert names(merged.text) == {"clusters": ["ci"], "users": ["admin@ci"], "contexts": ["ci"]}
    content = yaml.safe_load(merged.text)
    assert (content["kind"], content["current-context"]) == ("Config", "ci")
    assert not merged.replaced


def test_what_is_there_stays_in_its_order_with_fields_k3k_does_not_know() -> None:
    there = (
        kubeconfig("work", authority="b3RoZXI=")
        + "extensions:\n- name: x\n  extension: {at: 2026-01-02T03:04:05Z}\n"
    )
    merged = merge_kubeconfig(there, kubeconfig())
    assert names(merged.text)["contexts"] == ["work", "ci"]
    content = yaml.safe_load(merged.text)
    assert content["current-context"] == "work"
    assert "2026-01-02T03:04:05Z" in merged.text


def test_merged_again_it_replaces_itself_also_at_another_address() -> None:
    first = merge_kubeconfig("", kubeconfig())
    again = merge_kubeconfig(first.text, kubeconfig(server="https://192.0.2.9"))
    assert again.replaced
    assert names(again.text) == names(first.text)
    assert "192.0.2.9" in again.text
    assert "192.0.2.1" not in again.text


def test_another_user_of_the_same_control_plane_gets_an_entry_of_its_own() -> None:
    first = merge_kubeconfig("", kubeconfig())
    both = merge_kubeconfig(first.text, kubeconfig(user="jane"))
    assert names(both.text)["users"] == ["admin@ci", "jane@ci"]


@pytest.mark.parametrize("missing", ["clusters", "contexts"])
def test_a_name_of_another_cluster_is_refused(missing: str) -> None:
    there = yaml.safe_load(kubeconfig(authority="b3RoZXI="))
    there[missing] = []
    with pytest.raises(ConflictError, match="leads elsewhere") as caught:
        merge_kubeconfig(yaml.safe_dump(there), kubeconfig(), source="~/.kube/config")
    assert "another name" in caught.value.hint


def test_under_another_name_both_have_their_place() -> None:
    merged = merge_kubeconfig(kubeconfig(authority="b3RoZXI="), kubeconfig(), context="ci@prod")
    assert names(merged.text)["contexts"] == ["ci", "ci@prod"]
    assert names(merged.text)["users"] == ["admin@ci", "admin@ci@prod"]
    assert merged.context == "ci@prod"


@pytest.mark.parametrize(
    "there",
    ["[1, 2]", "kind: Pod", "clusters: 7", "users: [x]", "a: [", "[" * 200 + "]" * 200],
)
def test_what_is_no_kubeconfig_is_refused_without_being_quoted(there: str) -> None:
    with pytest.raises(UsageError, match="nothing was written"):
        merge_kubeconfig(there, kubeconfig())


def test_a_damaged_kubeconfig_is_not_merged() -> None:
    with pytest.raises(UsageError, match="damaged"):
        merge_kubeconfig("", "kind: Config\n")


def test_lists_that_are_null_as_kubectl_writes_them_are_empty() -> None:
    merged = merge_kubeconfig("kind: Config\nclusters: null\ncontexts: null\nusers: null\n", kubeconfig())
    assert names(merged.text)["contexts"] == ["ci"]
