"""What holds for every object of every control plane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from k3k_core.errors import UsageError
from k3k_core.manifests import Blueprint, render, render_applied, render_secrets, secret_data
from k3k_core.names import MAX_NAME_LENGTH, ControlPlaneId, validate_name
from tests.support.blueprints import (
    AYEDO_VALUES,
    ETCD_VALUES,
    EXTERNAL_VALUES,
    OWNER,
    PROBE_TOKEN,
    blueprint,
)
from tests.support.goldens import cases

VARIANTS = ("", AYEDO_VALUES, ETCD_VALUES, EXTERNAL_VALUES)


def subjects(items: tuple[dict[str, Any], ...]) -> list[str]:
    return [f"{item['kind']}/{item['metadata']['name']}" for item in items]


def secrets_of(source: Blueprint) -> set[str]:
    """Every text that must not be seen: keys, tokens, the DSN and its password."""
    tokens = source.tokens
    keys = {text.strip() for name, text in source.pki.to_secret_data().items() if name.endswith(".key")}
    if source.etcd_pki:
        keys |= {
            text.strip() for name, text in source.etcd_pki.to_secret_data().items() if name.endswith(".key")
        }
    password = {"secret-password", "secret-user"} if tokens.datastore_endpoint else set()
    return {
        *keys,
        *password,
        tokens.server,
        tokens.agent,
        tokens.monitor,
        tokens.node_password,
        source.admin_kubeconfig.strip(),
    }


@pytest.mark.parametrize("text", VARIANTS)
def test_rendering_twice_gives_the_same(text: str) -> None:
    assert render(blueprint(text)) == render(blueprint(text))


@pytest.mark.parametrize("text", VARIANTS)
def test_no_part_is_shared_so_that_each_can_be_changed(text: str) -> None:
    assert "&id" not in yaml.safe_dump_all(render(blueprint(text)))


@pytest.mark.parametrize("text", VARIANTS)
def test_no_secret_appears_outside_secrets(text: str) -> None:
    source = blueprint(text)
    open_objects = json.dumps([item for item in render(source) if item["kind"] != "Secret"])
    assert {secret for secret in secrets_of(source) if secret in open_objects} == set()


def test_the_probe_token_appears_in_probes_only() -> None:
    found = [path for item in render(blueprint()) for path in _paths(item, PROBE_TOKEN)]
    assert {path.rpartition("spec.containers.")[2] for path in found} == {
        f"0.{probe}.httpGet.httpHeaders.0.value"
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
    }


@pytest.mark.parametrize("text", VARIANTS)
def test_values_are_stored_without_their_secrets(text: str) -> None:
    source = blueprint(text)
    stored = [
        secret_data(item)["values.yaml"]
        for item in render(source)
        if item["kind"] == "Secret" and item["type"] != "Opaque"
    ]
    assert len(stored) == 2
    assert {secret for secret in secrets_of(source) for values in stored if secret in values} == set()


@pytest.mark.parametrize("text", VARIANTS)
def test_a_blueprint_shows_no_secret(text: str) -> None:
    source = blueprint(text)
    assert {secret for secret in secrets_of(source) if secret in repr(source)} == set()
    assert PROBE_TOKEN not in repr(source)


@pytest.mark.parametrize("name", cases())
def test_every_object_is_labelled(name: str) -> None:
    for item in render(cases()[name]):
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "k3k"
        assert labels["k3k.ayedo.de/control-plane"] == "dev"
        assert labels["app.kubernetes.io/instance"] == "dev"
        assert item["metadata"]["namespace"] == "team"


@pytest.mark.parametrize("name", cases())
def test_every_object_but_the_root_is_owned_by_the_root(name: str) -> None:
    root, *rest = render(cases()[name])
    assert "ownerReferences" not in root["metadata"]
    for item in rest:
        assert item["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "name": "dev-k3k",
                "uid": OWNER.uid,
                "controller": False,
                "blockOwnerDeletion": True,
            }
        ]


def test_without_an_owner_nothing_is_owned() -> None:
    assert all("ownerReferences" not in item["metadata"] for item in render(blueprint(owner=None)))


@pytest.mark.parametrize("name", cases())
def test_no_two_objects_have_the_same_name(name: str) -> None:
    found = subjects(render(cases()[name]))
    assert len(found) == len(set(found))


def test_the_root_comes_first_and_the_servers_last() -> None:
    found = subjects(render(blueprint(ETCD_VALUES)))
    assert found[:2] == ["Secret/dev-k3k", "Service/dev-k3k"]
    assert found[-1] == "StatefulSet/dev-k3k-server"
    assert found.index("StatefulSet/dev-k3k-etcd") < found.index("StatefulSet/dev-k3k-server")


def test_all_is_root_and_front_and_secrets_and_what_is_applied() -> None:
    source = blueprint(ETCD_VALUES)
    assert render(source)[2:] == (*render_secrets(source), *render_applied(source))
    assert {item["kind"] for item in render_applied(source)} & {"Secret"} == set()


def test_a_small_control_plane_has_no_budget_and_no_etcd() -> None:
    assert subjects(render_applied(blueprint())) == [
        "ServiceAccount/dev-k3k",
        "ConfigMap/dev-k3k-config",
        "Service/dev-k3k-servers",
        "NetworkPolicy/dev-k3k",
        "StatefulSet/dev-k3k-server",
    ]


def test_without_a_network_policy_there_is_none() -> None:
    found = subjects(render(blueprint(f"{ETCD_VALUES}network_policy: {{enabled: false}}\n")))
    assert not [subject for subject in found if subject.startswith("NetworkPolicy/")]


@pytest.mark.parametrize("text", VARIANTS)
def test_the_longest_name_fits_everywhere(text: str) -> None:
    name = "a" * MAX_NAME_LENGTH
    for item in render(blueprint(text, name=validate_name(name))):
        metadata = item["metadata"]
        assert all(len(value) <= 63 for value in metadata["labels"].values())
        limit = {"Service": 63, "StatefulSet": 52}.get(item["kind"], 253)
        assert len(metadata["name"]) <= limit


@pytest.mark.parametrize("name", ["a", "dev", "k3k", "tenant-1", "a" * MAX_NAME_LENGTH])
def test_usable_names(name: str) -> None:
    assert validate_name(name) == name


@pytest.mark.parametrize("name", ["", "Dev", "1dev", "dev-", "-dev", "dev.a", "dev_a", "dév", "dev\n"])
def test_unusable_names(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a control plane") as caught:
        validate_name(name)
    assert caught.value.hint


def test_a_name_that_is_too_long_says_how_long_it_may_be() -> None:
    with pytest.raises(UsageError, match=f"{MAX_NAME_LENGTH + 1} characters") as caught:
        validate_name("a" * (MAX_NAME_LENGTH + 1))
    assert str(MAX_NAME_LENGTH) in caught.value.hint


def test_names_of_two_control_planes_never_meet() -> None:
    names = ("dev", "dev-k3k", "dev-k3k-server", "k3k", "dev-k3k-etcd")
    found = [
        f"{identity.namespace}/{name}"
        for identity in (ControlPlaneId("team", name) for name in names)
        for name in {
            identity.root,
            identity.pki,
            identity.tokens,
            identity.kubeconfig,
            identity.config,
            identity.servers_service,
            identity.server,
            identity.etcd,
            identity.etcd_pki,
            identity.revision(1),
        }
    ]
    assert len(found) == len(set(found))


def _paths(node: Any, text: str, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _paths(value, text, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _paths(value, text, f"{path}.{number}")
    elif isinstance(node, str) and text in node:
        yield path
