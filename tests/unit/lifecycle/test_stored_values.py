"""What a root Secret holds, compared with what is asked for now."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.errors import ConflictError
from k3k_core.lifecycle.claim import check_root, settled, stored_values, value_changes
from k3k_core.names import LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.values import LoadedValues, load_values
from k3k_core.versions import DEFAULT_VERSION

IDENTITY = ControlPlaneId("shop", "one")


def root(text: str = "", **metadata: Any) -> dict[str, Any]:
    manifest = manifests.root_secret(IDENTITY, load_values(text).values)
    manifest["metadata"] |= metadata
    return manifest


def asked(text: str) -> LoadedValues:
    return load_values(text)


def test_the_same_file_again_changes_nothing() -> None:
    text = "servers: 3\ndatastore: {kind: etcd}\nk3s: {token: hush, debug: true}\n"
    assert value_changes(stored_values(root(text)), asked(text)) == ()


def test_another_value_is_named_with_its_path() -> None:
    (change,) = value_changes(stored_values(root("")), asked("k3s: {debug: true}"))
    assert (change.path, change.before, change.after) == ("k3s.debug", "false", "true")


def test_leaving_a_value_out_again_is_a_change() -> None:
    (change,) = value_changes(stored_values(root("k3s: {debug: true}")), asked(""))
    assert change.path == "k3s.debug"


def test_a_version_that_is_not_asked_for_stays_as_it_was_when_the_default_moves() -> None:
    old = stored_values(root("version: v1.33.4+k3s1"))
    assert old.values.version != DEFAULT_VERSION
    assert value_changes(old, asked("")) == ()
    assert settled(old.values, asked("")).version == "v1.33.4+k3s1"


def test_another_version_that_is_asked_for_is_a_change() -> None:
    old = stored_values(root("version: v1.33.4+k3s1"))
    assert [change.path for change in value_changes(old, asked("version: v1.34.3+k3s1"))] == ["version"]


def test_volumes_that_the_host_could_not_bind_are_not_asked_for_again() -> None:
    old = stored_values(root("persistence: {enabled: false}"))
    assert value_changes(old, asked("")) == ()
    assert [change.path for change in value_changes(old, asked("persistence: {enabled: true}"))] == [
        "persistence.enabled"
    ]


@pytest.mark.parametrize("secret", ["hush-server", "hush-agent", "hush-dsn"])
def test_no_secret_is_stored_in_the_root(secret: str) -> None:
    text = (
        "k3s: {token: hush-server, agent_token: hush-agent}\n"
        "datastore: {kind: external, external: {endpoint: 'postgres://u:hush-dsn@db:5432/k'}}\n"
    )
    stored = "".join(base64.b64decode(value).decode() for value in root(text)["data"].values())
    assert secret not in stored
    assert value_changes(stored_values(root(text)), asked(text)) == ()


def test_a_root_that_is_being_deleted_is_refused() -> None:
    with pytest.raises(ConflictError, match="is being deleted"):
        check_root(IDENTITY, root(deletionTimestamp="2026-11-22T12:00:00Z"))


def test_a_secret_of_another_type_is_refused() -> None:
    with pytest.raises(ConflictError, match="was not made by k3k"):
        check_root(IDENTITY, {**root(), "type": "Opaque"})


def test_a_secret_of_helm_is_refused_as_such() -> None:
    theirs = {**root(labels={LABEL_MANAGED_BY: "Helm"}), "type": "Opaque"}
    with pytest.raises(ConflictError, match="Helm release"):
        check_root(IDENTITY, theirs)
