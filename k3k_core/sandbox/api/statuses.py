"""Error answers of the API: `Status` objects as kube-apiserver 1.36 words them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k3k_core.resources import Resource

Json = dict[str, Any]

_CAUSES = {
    "Required value": "FieldValueRequired",
    "Invalid value": "FieldValueInvalid",
    "Duplicate value": "FieldValueDuplicate",
    "Unsupported value": "FieldValueNotSupported",
    "Forbidden": "FieldValueForbidden",
    "Not found": "FieldValueNotFound",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
}


class ApiError(Exception):
    """A request the API refuses, with the whole answer.

    Args:
        code: HTTP status.
        body: the Status object, or plain text.
        headers: further response headers.
    """

    def __init__(self, code: int, body: Json | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body if isinstance(body, str) else body.get("message", ""))
        self.code = code
        self.body = body
        self.headers = dict(headers or {})

    @property
    def reason(self) -> str:
        return "" if isinstance(self.body, str) else str(self.body.get("reason", ""))


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with an object.

    Attributes:
        field: path as the API words it, e.g. `spec.ports[0].name`.
        message: what is wrong, beginning with the class of problem, e.g. `Required value: ...`.
        cause: the cause's reason, when it is not the usual one for that class.
    """

    field: str
    message: str
    cause: str = ""

    @property
    def reason(self) -> str:
        return self.cause or _CAUSES[self.message.split(":", 1)[0]]


def go_value(value: Any) -> str:
    """Write a value as error messages do: strings and containers as JSON."""
    if value is None:
        return "null"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=isinstance(value, dict))


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(field, f"Invalid value: {go_value(value)}: {detail}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(field, f"Duplicate value: {go_value(value)}")


def unsupported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    choices = ", ".join(go_value(choice) for choice in supported)
    return FieldError(field, f"Unsupported value: {go_value(value)}: supported values: {choices}")


def forbidden_field(field: str, detail: str) -> FieldError:
    return FieldError(field, f"Forbidden: {detail}")


def too_long(field: str, limit: int, *, unit: str = "bytes") -> FieldError:
    return FieldError(field, f"Too long: may not be more than {limit} {unit}")


def status(
    code: int,
    reason: str,
    message: str,
    *,
    details: Json | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiError:
    """Build a failure answer.

    Args:
        code: HTTP status.
        reason: the Status' reason; empty leaves it out.
        message: one sentence.
        details: the Status' details; None leaves them out.
        headers: further response headers.
    """
    body: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    if reason:
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    body["code"] = code
    return ApiError(code, body, headers)


def _details(resource: Resource, name: str = "", *, kind: str = "") -> Json:
    details: Json = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    details["kind"] = kind or resource.plural
    return details


def qualified(resource: Resource) -> str:
    """`plural.group`, as messages name a resource type."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def not_found(resource: Resource, name: str) -> ApiError:
    message = f'{qualified(resource)} "{name}" not found'
    return status(404, "NotFound", message, details=_details(resource, name))


def already_exists(resource: Resource, name: str, *, terminating: bool = False) -> ApiError:
    message = f'{qualified(resource)} "{name}" already exists'
    if terminating:
        message = f"object is being deleted: {message}"
    return status(409, "AlreadyExists", message, details=_details(resource, name))


def conflict(
    resource: Resource,
    name: str,
    detail: str = "the object has been modified; please apply your changes to the latest version and try again",
) -> ApiError:
    message = f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {detail}'
    return status(409, "Conflict", message, details=_details(resource, name))


def precondition_failed(resource: Resource, name: str, what: str, given: str, stored: str) -> ApiError:
    """A delete whose `preconditions` do not hold; this answer names the kind, not the resource type."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    detail = f"the {what} in the precondition ({given}) does not match the {what} in record ({stored})."
    message = (
        f'Operation cannot be fulfilled on {kind} "{name}": {detail} '
        "The object might have been deleted and then recreated"
        if what == "UID"
        else f'Operation cannot be fulfilled on {kind} "{name}": {detail} The object might have been modified'
    )
    return status(409, "Conflict", message, details=_details(resource, name, kind=resource.kind))


def bad_request(message: str) -> ApiError:
    return status(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """An error the real server does not classify: 500 without a reason."""
    return status(500, "", message)


def internal_failure(problem: str) -> ApiError:
    """A failure of the server itself: 500 with reason InternalError."""
    details = {"causes": [{"message": problem}]}
    return status(500, "InternalError", f"Internal error occurred: {problem}", details=details)


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> ApiError:
    """An object that breaks rules; every broken rule is a cause."""
    texts = list(dict.fromkeys(f"{error.field}: {error.message}" for error in errors))
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{kind}.{group}" if group else kind
    details: Json = {"name": name} if name else {}
    if group:
        details["group"] = group
    if kind:
        details["kind"] = kind
    details["causes"] = [
        {"reason": error.reason, "message": error.message, "field": error.field} for error in errors
    ]
    return status(422, "Invalid", f'{subject} "{name}" is invalid: {summary}', details=details)


def forbidden(resource: Resource, name: str, detail: str, *, causes: list[Json] | None = None) -> ApiError:
    subject = f'{qualified(resource)} "{name}"' if name else qualified(resource)
    details = _details(resource, name)
    if causes:
        details["causes"] = causes
    return status(403, "Forbidden", f"{subject} is forbidden: {detail}", details=details)


def forbidden_path(detail: str) -> ApiError:
    return status(403, "Forbidden", f"forbidden: {detail}", details={})


def unauthorized() -> ApiError:
    return status(401, "Unauthorized", "Unauthorized")


def unknown_resource() -> ApiError:
    message = "the server could not find the requested resource"
    return status(404, "NotFound", message, details={})


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return status(405, "MethodNotAllowed", message, details={})


def method_not_supported(resource: Resource, verb: str) -> ApiError:
    """The 405 of custom resources and of single operations."""
    message = f'{verb} is not supported on resources of kind "{qualified(resource)}"'
    return status(405, "MethodNotAllowed", message, details=_details(resource))


def unsupported_media_type(message: str = "415: Unsupported Media Type", *, routed: bool = True) -> ApiError:
    return status(415, "UnsupportedMediaType", message, details={} if routed else None)


_REPRESENTATIONS = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


def not_acceptable() -> ApiError:
    """A representation that exists, but not of this."""
    return status(406, "NotAcceptable", f"only the following media types are accepted: {_REPRESENTATIONS}")


def not_that_form(message: str) -> ApiError:
    """A form that exists, but not for what was asked for."""
    return status(406, "NotAcceptable", message)


def no_representation() -> ApiError:
    """A media type the server does not know at all."""
    message = f"406: Not Acceptable\n\nAvailable representations: {_REPRESENTATIONS}"
    return status(406, "NotAcceptable", message, details={})


def expired(message: str, *, continue_token: str = "") -> ApiError:
    error = status(410, "Expired", message)
    if continue_token and isinstance(error.body, dict):
        error.body["metadata"] = {"continue": continue_token}
    return error


def version_too_large(asked: int, current: int) -> ApiError:
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return status(504, "Timeout", message, details=details, headers={"Retry-After": "1"})


def apply_conflict(conflicts: Sequence[tuple[str, str]]) -> ApiError:
    """A server-side apply that would change fields other managers own.

    Args:
        conflicts: pairs of (manager as messages word it, path of the field), at least one.
    """
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in conflicts
    ]
    by_manager: dict[str, list[str]] = {}
    for manager, path in conflicts:
        by_manager.setdefault(manager, []).append(path)
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        text = f"conflict with {manager}: {path}"
    else:
        parts = []
        for manager, paths in by_manager.items():
            lines = "\n".join(f"- {path}" for path in paths)
            parts.append(f"conflicts with {manager}:\n{lines}")
        text = "\n".join(parts)
    plural = "conflict" if len(conflicts) == 1 else "conflicts"
    message = f"Apply failed with {len(conflicts)} {plural}: {text}"
    return status(409, "Conflict", message, details={"causes": causes})
