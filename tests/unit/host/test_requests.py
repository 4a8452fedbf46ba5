"""Requests as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k3k_core.errors import UsageError
from k3k_core.host import requests
from k3k_core.resources import NAMESPACE, SECRET, STATEFUL_SET

MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "a", "namespace": "n"},
    "stringData": {"password": "hunter2"},
}


def test_create_posts_to_the_collection() -> None:
    request = requests.create(MANIFEST, dry_run=False)

    assert (request.method, request.path) == ("POST", "/api/v1/namespaces/n/secrets?fieldManager=k3k")
    assert json.loads(request.body or b"") == MANIFEST


def test_create_is_not_repeatable() -> None:
    assert not requests.create(MANIFEST, dry_run=False).repeatable


def test_apply_is_a_patch_of_its_own_type() -> None:
    request = requests.apply(MANIFEST, force=False, dry_run=False)

    assert (request.method, request.path, request.content_type, request.repeatable) == (
        "PATCH",
        "/api/v1/namespaces/n/secrets/a?fieldManager=k3k",
        "application/apply-patch+yaml",
        True,
    )


def test_apply_can_be_forced_and_tried() -> None:
    request = requests.apply(MANIFEST, force=True, dry_run=True)

    assert request.path == "/api/v1/namespaces/n/secrets/a?fieldManager=k3k&dryRun=All&force=true"


def test_replace_puts_the_object() -> None:
    request = requests.replace(MANIFEST, dry_run=True)

    assert (request.method, request.path) == (
        "PUT",
        "/api/v1/namespaces/n/secrets/a?fieldManager=k3k&dryRun=All",
    )


def test_patch_is_a_merge_patch() -> None:
    request = requests.patch(STATEFUL_SET, "n", "a", {"spec": None}, subresource="scale", dry_run=False)

    assert (request.path, request.content_type, request.body) == (
        "/apis/apps/v1/namespaces/n/statefulsets/a/scale?fieldManager=k3k",
        "application/merge-patch+json",
        b'{"spec":null}',
    )


def test_delete_can_be_bound_to_a_uid() -> None:
    request = requests.delete(SECRET, "n", "a", propagation="Foreground", uid="u-1")

    assert json.loads(request.body or b"") == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u-1"},
    }


@pytest.mark.parametrize("labels", ["", "  "])
def test_deleting_everything_is_refused(labels: str) -> None:
    with pytest.raises(UsageError, match="Refusing to delete all secrets"):
        requests.delete_collection(SECRET, "n", labels=labels, propagation="Background")


def test_a_list_asks_for_pages_selectors_and_compression() -> None:
    request = requests.list_page(
        SECRET, None, labels="a=b,c", fields="type=x", metadata_only=False, page_size=5, token="t/1"
    )

    assert (
        request.path
        == "/api/v1/secrets?labelSelector=a%3Db%2Cc&fieldSelector=type%3Dx&limit=5&continue=t%2F1"
    )
    assert request.compressed


def test_metadata_alone_is_asked_for_by_accept() -> None:
    request = requests.list_page(SECRET, "n", labels="", fields="", metadata_only=True, page_size=5, token="")

    assert "as=PartialObjectMetadataList" in request.accept
    assert request.accept.endswith(",application/json")


def test_a_watch_asks_for_bookmarks_and_its_end() -> None:
    request = requests.watch(
        NAMESPACE, None, labels="", fields="", resource_version="7", metadata_only=False, timeout=0.2
    )

    assert request.path == (
        "/api/v1/namespaces?watch=true&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=7"
    )


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../secrets/b", "a%2fb"])
def test_a_name_cannot_lead_to_another_path(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        requests.get(SECRET, "n", name)


def test_odd_characters_of_a_name_are_encoded() -> None:
    assert requests.get(SECRET, "n", "a?b#c").path == "/api/v1/namespaces/n/secrets/a%3Fb%23c"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({**MANIFEST, "kind": "Gizmo"}, "k3k does not deal with objects of type v1 Gizmo"),
        ({**MANIFEST, "metadata": {"name": "a"}}, "needs metadata.namespace"),
        ({**MANIFEST, "metadata": {"namespace": "n"}}, "needs metadata.name"),
        ({"metadata": None}, "does not deal with"),
    ],
)
def test_a_manifest_that_cannot_be_placed_is_refused(manifest: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        requests.create(manifest, dry_run=False)


def test_a_namespaced_object_needs_a_namespace() -> None:
    with pytest.raises(UsageError, match="Secret a needs a namespace"):
        requests.get(SECRET, None, "a")


def test_a_request_does_not_show_its_body() -> None:
    assert "hunter2" not in repr(requests.create(MANIFEST, dry_run=False))


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (requests.Subject("get", SECRET, "n", "a"), "Secret a in namespace n"),
        (requests.Subject("list", SECRET, "n"), "secrets in namespace n"),
        (requests.Subject("list", SECRET), "secrets in all namespaces"),
        (requests.Subject("get", NAMESPACE, None, "n"), "Namespace n"),
        (requests.Subject("list", NAMESPACE), "namespaces"),
    ],
)
def test_subjects_in_words(subject: requests.Subject, words: str) -> None:
    assert str(subject) == words
