"""Refusals in words: each Status becomes the right error, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k3k_core.errors import (
    ConflictError,
    ForbiddenError,
    HostError,
    K3kError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from k3k_core.host import requests
from k3k_core.host.connection import Connection
from k3k_core.host.refusals import Answer, retry_after
from k3k_core.host.requests import Request
from k3k_core.host.statuses import to_error
from k3k_core.resources import CONFIG_MAP, NAMESPACE, SECRET, STATEFUL_SET

HOST = Connection(name="test", server="https://host:6443")
WHERE = "Host test (https://host:6443)"


def _manifest(kind: str = "ConfigMap") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "n"}}


GET = requests.get(CONFIG_MAP, "n", "a")
CREATE = requests.create(_manifest(), dry_run=False)
APPLY = requests.apply(_manifest(), force=False, dry_run=False)
CREATE_SECRET = requests.create(_manifest("Secret"), dry_run=False)


def _answer(code: int, reason: str = "", message: str = "", **details: Any) -> Answer:
    status = {"kind": "Status", "message": message, "reason": reason, "details": details, "code": code}
    return Answer(code, "application/json", json.dumps(status).encode())


def _error(request: Request, code: int, reason: str = "", message: str = "", **details: Any) -> K3kError:
    return to_error(HOST, request, _answer(code, reason, message, **details))


def test_credentials_that_are_not_accepted() -> None:
    error = _error(GET, 401, "Unauthorized", "Unauthorized")

    assert isinstance(error, UnauthorizedError)
    assert error.message == f"{WHERE} does not accept these credentials (get ConfigMap a in namespace n)."


def test_a_missing_permission_names_who_and_how_to_test_it() -> None:
    message = (
        'statefulsets.apps is forbidden: User "system:serviceaccount:t2:viewer" cannot list resource '
        '"statefulsets" in API group "apps" in the namespace "n"'
    )
    request = requests.list_page(STATEFUL_SET, "n", labels="", fields="", metadata_only=False, page_size=5)

    error = _error(request, 403, "Forbidden", message, kind="statefulsets")

    assert isinstance(error, ForbiddenError)
    assert error.message == (
        f"{WHERE}: system:serviceaccount:t2:viewer may not list statefulsets in namespace n."
    )
    assert "`kubectl auth can-i list statefulsets.apps -n n --context test`" in error.hint


def test_a_missing_permission_for_all_namespaces() -> None:
    request = requests.list_page(SECRET, None, labels="", fields="", metadata_only=False, page_size=5)

    error = _error(request, 403, "Forbidden", 'secrets is forbidden: User "u" cannot list resource "secrets"')

    assert "can-i list secrets --all-namespaces" in error.hint


def test_an_admission_policy_is_quoted_instead() -> None:
    message = 'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'

    error = _error(CREATE, 403, "Forbidden", message)

    assert isinstance(error, ForbiddenError)
    assert error.message == f"{WHERE} refused to create ConfigMap a in namespace n: {message}."
    assert "can-i" not in error.hint


def test_a_namespace_that_is_being_deleted_is_a_conflict() -> None:
    cause = {"reason": "NamespaceTerminating", "message": "namespace n is being terminated"}

    error = _error(CREATE, 403, "Forbidden", "unable to create new content", causes=[cause])

    assert isinstance(error, ConflictError)
    assert error.reason == "NamespaceTerminating"
    assert "namespace n is being deleted" in error.message


def test_a_missing_object() -> None:
    error = _error(GET, 404, "NotFound", 'configmaps "a" not found', name="a", kind="configmaps")

    assert isinstance(error, NotFoundError)
    assert error.message == f"{WHERE} has no ConfigMap a in namespace n."


def test_a_missing_namespace() -> None:
    error = _error(CREATE, 404, "NotFound", 'namespaces "n" not found', name="n", kind="namespaces")

    assert isinstance(error, NotFoundError)
    assert error.message == f"{WHERE} has no namespace n."


def test_a_missing_namespace_that_was_asked_for_is_the_object() -> None:
    request = requests.get(NAMESPACE, None, "n")

    error = _error(request, 404, "NotFound", 'namespaces "n" not found', name="n", kind="namespaces")

    assert error.message == f"{WHERE} has no Namespace n."


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, "text/plain", b"404 page not found\n"),
        _answer(404, "NotFound", "the server could not find the requested resource"),
    ],
)
def test_a_type_the_host_does_not_serve(answer: Answer) -> None:
    error = to_error(HOST, GET, answer)

    assert isinstance(error, NotFoundError)
    assert error.message == f"{WHERE} does not serve configmaps of v1."


def test_an_object_that_exists_already() -> None:
    error = _error(CREATE, 409, "AlreadyExists", 'configmaps "a" already exists', name="a", kind="configmaps")

    assert isinstance(error, ConflictError)
    assert (error.reason, error.message) == (
        "AlreadyExists",
        f"{WHERE} already has ConfigMap a in namespace n.",
    )


def test_contested_fields_name_the_other_managers() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "helm"', "field": ".data.a"},
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-edit" using v1 at 2026-01-01T00:00:00Z',
            "field": ".data.b",
        },
        {"reason": "FieldManagerConflict", "message": 'conflict with "helm"', "field": ".data.c"},
    ]

    error = _error(APPLY, 409, "Conflict", "Apply failed with 3 conflicts", causes=causes)

    assert isinstance(error, ConflictError)
    assert (error.managers, error.reason) == (("helm", "kubectl-edit"), "Conflict")
    assert error.message == (
        f"{WHERE}: data.a, data.b, data.c of ConfigMap a in namespace n is managed by helm, kubectl-edit."
    )
    assert "--force-conflicts" in error.hint


def test_an_object_that_changed_meanwhile() -> None:
    error = _error(
        requests.replace(_manifest(), dry_run=False),
        409,
        "Conflict",
        'Operation cannot be fulfilled on configmaps "a": the object has been modified',
        name="a",
    )

    assert isinstance(error, ConflictError)
    assert (error.reason, error.managers) == ("Conflict", ())
    assert "repeat the command" in error.hint


def test_an_invalid_object_lists_every_cause_on_its_own_line() -> None:
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: "UP": must be lower case',
            "field": "metadata.name",
        },
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.size"},
    ]

    error = _error(CREATE, 422, "Invalid", "whatever", causes=causes)

    assert isinstance(error, HostError)
    assert (error.status, error.reason) == (422, "Invalid")
    assert error.message == (
        f"{WHERE} does not accept ConfigMap a in namespace n:\n"
        '  metadata.name: Invalid value: "UP": must be lower case\n'
        "  spec.size: Required value"
    )


def test_an_invalid_object_without_causes_quotes_the_message() -> None:
    error = _error(CREATE, 422, "Invalid", 'ConfigMap "a" is invalid: no.')

    assert error.message.endswith('ConfigMap "a" is invalid: no.')


@pytest.mark.parametrize("code", [400, 422])
@pytest.mark.parametrize(
    "echo",
    [
        'Invalid value: "hunter2": must be something',
        "Invalid value: hunter2: must be something",
        'Invalid value: "hun\\"ter: hunter2": must be something',
        "Duplicate value: map[password:hunter2: a]: must be something",
        'json parse error: invalid character ({"data":{"password":"hunter2"',
        'Invalid value: "hunter2',
    ],
)
def test_what_is_in_a_secret_is_not_repeated(code: int, echo: str) -> None:
    cause = {"reason": "FieldValueInvalid", "message": echo, "field": "data[password]"}

    in_message = _error(CREATE_SECRET, code, "Invalid", f'Secret "a" is invalid: data[password]: {echo}')
    in_cause = _error(CREATE_SECRET, code, "Invalid", echo, causes=[cause])

    for error in (in_message, in_cause):
        assert "hunter2" not in str(error) + error.hint
        assert "Secret a in namespace n" in error.message


def test_a_huge_message_is_cut() -> None:
    error = _error(CREATE, 500, "InternalError", "x" * 100_000)

    assert len(error.message) < 1000


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, HostError),
        (405, HostError),
        (413, HostError),
        (415, HostError),
        (429, HostError),
        (500, HostError),
    ],
)
def test_other_refusals_keep_their_status(code: int, kind: type[HostError]) -> None:
    error = _error(CREATE, code, "Why", "no")

    assert isinstance(error, kind)
    assert (error.status, error.reason) == (code, "Why")


def test_a_host_that_is_starting_is_unreachable() -> None:
    error = _error(GET, 503, "ServiceUnavailable", "apiserver is shutting down")

    assert isinstance(error, UnreachableError)
    assert "apiserver is shutting down" in error.message


@pytest.mark.parametrize(
    ("code", "kind"), [(401, UnauthorizedError), (403, ForbiddenError), (413, HostError), (429, HostError)]
)
def test_proxies_speak_no_status_objects(code: int, kind: type[K3kError]) -> None:
    error = to_error(HOST, GET, Answer(code, "text/html", b"<html>hunter2</html>"))

    assert isinstance(error, kind)
    assert "hunter2" not in error.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"Status","details":[],"message":5,"reason":null,"code":500}',
        b'{"kind":"Status","details":{"causes":{"a":1}},"code":500}',
        b'{"kind":"Status","details":{"causes":[1,"x",{"message":3}]},"code":500}',
    ],
)
def test_a_malformed_status_is_still_an_error(body: bytes) -> None:
    for code in (400, 403, 404, 409, 422, 500):
        assert to_error(HOST, APPLY, Answer(code, "application/json", body)).message.startswith(WHERE)


@pytest.mark.parametrize(
    ("request_", "answer", "seconds"),
    [
        (CREATE, Answer(429, "", b"", retry_after="3"), 3.0),
        (CREATE, _answer(429, "TooManyRequests", "", retryAfterSeconds=2), 2.0),
        (GET, Answer(503, "", b"", retry_after="1"), 1.0),
        (GET, Answer(503, "", b""), 0.0),
        (GET, Answer(429, "", b"", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 0.0),
        (CREATE, Answer(503, "", b"", retry_after="1"), None),
        (GET, _answer(504, "Timeout", "", retryAfterSeconds=1), 1.0),
        (GET, _answer(504, "Timeout", ""), None),
        (GET, _answer(500, "InternalError", ""), None),
        (CREATE, _answer(409, "Conflict", "", kind="resourcequotas", name="q"), 0.0),
        (CREATE, _answer(409, "Conflict", "", kind="configmaps", name="a"), None),
    ],
)
def test_when_to_come_back(request_: Request, answer: Answer, seconds: float | None) -> None:
    assert retry_after(answer, request_) == seconds
