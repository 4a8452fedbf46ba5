"""A draft read before it is done, and as a file of its own."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import pytest

from k3k_core.host import HostOptions
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.render import render
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.review import counts, lines, summary, without_secrets
from k3k_tui.forms.model.saving import command, file_text

DRAFT = Draft("prod", "team", "shop", text="servers: 3\ndatastore:\n  kind: etcd\n")


def read(draft: Draft) -> str:
    return " ".join(summary(draft, load_values(draft.text, preset=draft.preset or None)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 server of k3s v1.36.2+k3s1, with sqlite on volumes of 5Gi if the host has volumes."),
        ("persistence: {enabled: true}", "with sqlite on volumes of 5Gi."),
        ("persistence: {enabled: false}", "its data is gone with its pod"),
        (
            "servers: 3\ndatastore: {kind: etcd, etcd: {members: 3}}",
            "a dedicated etcd of 3 members on volumes of 8Gi",
        ),
        ("datastore: {kind: external, external: {secret_name: db}}", "with an external datastore"),
        ("", "Reached through a load balancer. It never expires."),
        ("loadbalancer: {ip: 203.0.113.7}\nttl: 8h", "a load balancer at 203.0.113.7. It expires 8h after"),
        ("loadbalancer: {enabled: false}", "from inside the host only"),
        ("loadbalancer: {enabled: false}\nservice: {type: NodePort}", "on a port of every node"),
        (
            "loadbalancer: {enabled: false}\nservice: {type: NodePort, node_port: 30643}",
            "on port 30643 of every node",
        ),
    ],
)
def test_the_summary_says_what_it_will_be(text: str, said: str) -> None:
    assert said in read(Draft("prod", "team", "shop", text=text))


def test_the_summary_says_where_it_goes_and_shows_no_control_characters() -> None:
    assert read(DRAFT).startswith("Control plane shop in namespace team of host prod.")
    assert "\x1b" not in read(Draft("a\x1b[2J", "team", "shop"))


def test_new_objects_are_shown_in_full_without_any_secret() -> None:
    values = load_values("k3s: {token: hunter2-hunter2}\n")
    manifests = render(ControlPlaneId("team", "shop"), values, secrets="inline", now=datetime.now(UTC))
    diffs = [ObjectDiff(f"{item['kind']}/{item['metadata']['name']}", "create") for item in manifests]
    shown = "\n".join("".join(cell.text for cell in line) for line in lines(diffs, manifests))
    assert "+ StatefulSet/shop-k3k-server" in shown
    assert "+   kind: StatefulSet" in shown
    assert "hunter2" not in shown
    assert "PRIVATE KEY" not in shown
    assert "Bearer" not in shown


def test_changes_are_shown_field_by_field() -> None:
    diff = ObjectDiff(
        "StatefulSet/a", "change", (FieldChange("spec.replicas", "1", "3"), FieldChange("x", "", "2"))
    )
    roles = [(line[0].text, line[0].role) for line in lines([diff])]
    assert roles == [
        ("~ StatefulSet/a", "warn"),
        ("    spec.replicas", "text"),
        ("-     1", "remove"),
        ("+     3", "add"),
        ("    x", "text"),
        ("+     2", "add"),
    ]


def test_hostile_text_in_a_difference_is_spelled_out() -> None:
    diff = ObjectDiff("ConfigMap/\x1b[31m", "change", (FieldChange("a\x07", "\x1b]0;x\x07", "[red]b[/]"),))
    shown = "".join(cell.text for line in lines([diff]) for cell in line)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]b[/]" in shown


def test_objects_are_counted_by_what_happens_to_them() -> None:
    diffs = [ObjectDiff("a/a", "create"), ObjectDiff("b/b", "create"), ObjectDiff("c/c", "remove")]
    assert counts(diffs) == "3 objects, 2 new, 1 gone"
    assert counts(diffs[:2]) == "2 new objects"
    assert counts(diffs[2:]) == "1 gone object"
    assert counts(()) == "no objects"


def test_what_a_secret_holds_is_hidden_and_what_it_is_called_is_not() -> None:
    manifest = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"key": "c2VjcmV0"}}
    assert without_secrets(manifest)["data"] == {"key": "(hidden)"}
    assert manifest["data"] == {"key": "c2VjcmV0"}


def test_a_saved_file_loads_to_the_same_values_and_says_how_to_use_it() -> None:
    text = file_text(DRAFT, secrets=False, path="my shop.yaml")
    assert load_values(text) == load_values(DRAFT.text)
    assert "#   k3k create shop -n team --context prod -f 'my shop.yaml'" in text


def test_secrets_are_saved_only_if_one_says_so() -> None:
    draft = Draft("prod", "team", "shop", secrets={"k3s.token": "hunter2-hunter2"})
    without, with_them = (file_text(draft, secrets=choice, path="f") for choice in (False, True))
    assert "hunter2" not in without
    assert "# Left out, because they are secret: k3s.token." in without
    assert load_values(with_them).values.k3s.token == "hunter2-hunter2"


def test_comments_are_saved_too() -> None:
    assert "# why" in file_text(Draft(text="servers: 1  # why\n"), secrets=False, path="f")


def test_the_command_makes_the_same_control_plane() -> None:
    draft = Draft(
        "prod",
        "team",
        "shop",
        "dev",
        "k3s:\n  tls_sans: [a, b]\n  kubeconfig: {mode: '0644'}\nttl: null\n",
        {},
    )
    words = shlex.split(command(draft))
    assert words[:9] == ["k3k", "create", "shop", "-n", "team", "--context", "prod", "--preset", "dev"]
    assignments = [text for flag, text in zip(words[9::2], words[10::2], strict=True) if flag == "--set"]
    assert load_values("", preset="dev", overrides=assignments) == load_values(draft.text, preset="dev")


def test_a_command_never_holds_a_secret() -> None:
    assert command(Draft("p", "n", "a", secrets={"k3s.token": "hunter2"})).endswith("-f FILE")


def test_the_command_leads_to_the_host_as_it_was_reached() -> None:
    host = HostOptions(kubeconfig="my hosts.yaml", context="eu")
    assert (
        command(Draft("prod", "n", "a"), host)
        == "k3k create a -n n --context eu --kubeconfig 'my hosts.yaml'"
    )
    assert command(Draft("prod", "n", "a"), HostOptions()) == "k3k create a -n n"
