"""What a request says of how a write or a deletion is to be done, and its body."""

from __future__ import annotations

import re
from typing import Any

from k3k_core.sandbox.api import (
    deletion,
    protobuf,
)
from k3k_core.sandbox.api.bodies import (
    go_character,
    go_json_error,
    load_json,
    parse_body,
    parse_yaml,
)
from k3k_core.sandbox.api.calls import Call, Json
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.requests import is_true
from k3k_core.sandbox.api.statuses import (
    FieldError,
    bad_request,
    invalid,
    invalid_value,
    unsupported,
)
from k3k_core.sandbox.api.writes import Options


def write_options(call: Call, kind: str) -> Options:
    """Read how a write is to be done; raises ApiError 422."""
    query = call.query
    errors: list[FieldError] = []
    dry_run = query.get("dryRun", "")
    if dry_run and dry_run != "All":
        errors.append(unsupported("dryRun", [dry_run], ["All"]))
    validation = query.get("fieldValidation", "")
    if validation not in {"", "Ignore", "Warn", "Strict"}:
        errors.append(unsupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]))
    manager = query.get("fieldManager", "")
    if len(manager) > 128:
        errors.append(FieldError("fieldManager", "Too long: may not be more than 128 bytes"))
    elif not manager.isprintable():
        position = next(i for i, character in enumerate(manager) if not character.isprintable())
        text = f"invalid character U+{ord(manager[position]):04X} (at position {position})"
        shown = "".join(go_character(character) for character in manager)
        errors.append(FieldError("fieldManager", f'Invalid value: "{shown}": {text}'))
    if errors:
        raise invalid("meta.k8s.io", kind, "", errors)
    agent = call.headers.get("User-Agent", "").partition("/")[0]
    return Options(
        manager=manager or agent[:128] or "unknown",
        dry_run=bool(dry_run),
        field_validation=validation or "Warn",
        force=is_true(query, "force"),
        subresource=call.info.subresource,
        user=call.user.info(),
    )


def delete_options(call: Call) -> deletion.DeleteOptions:
    """Read how a deletion is to be done; raises ApiError 400 or 422."""
    body = _delete_body(call) if call.body.strip() else {}
    policy = body.get("propagationPolicy") or call.query.get("propagationPolicy") or None
    orphans = body.get("orphanDependents")
    if orphans is not None and policy is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        raise invalid("meta.k8s.io", "DeleteOptions", "", [invalid_value("propagationPolicy", policy, text)])
    if orphans is not None:
        policy = "Orphan" if orphans else "Background"
    grace = body.get("gracePeriodSeconds", call.query.get("gracePeriodSeconds"))
    if isinstance(grace, str) and not re.fullmatch(r"-?\d+", grace):
        raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
    preconditions = body.get("preconditions") or {}
    dry_run = body.get("dryRun") or [item for item in (call.query.get("dryRun"),) if item]
    if dry_run and dry_run != ["All"]:
        raise invalid("meta.k8s.io", "DeleteOptions", "", [unsupported("dryRun", dry_run, ["All"])])
    return deletion.DeleteOptions(
        policy=policy,
        grace=None if grace is None else int(grace),
        uid=preconditions.get("uid"),
        version=preconditions.get("resourceVersion"),
        dry_run=bool(dry_run),
    )


def _delete_body(call: Call) -> Json:
    """Read DeleteOptions."""
    if call.media_type == "application/yaml":
        return parse_yaml(call.body)
    try:
        if call.media_type == protobuf.MEDIA_TYPE:
            body: Any = protobuf.decode(call.body, "DeleteOptions")
        else:
            body, _ = load_json(call.body)
    except ValueError as error:
        problem = go_json_error(call.body, error)
        raise bad_request(f"couldn't get version/kind; json parse error: {problem}") from None
    if not isinstance(body, dict):
        raise bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
        )
    kind = body.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        scheme = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"
        version = body.get("apiVersion", "")
        raise bad_request(f'no kind "{kind}" is registered for version "{version}" in scheme "{scheme}"')
    return body


def sent_body(call: Call, definition: Definition) -> tuple[Json, list[str]]:
    """Return the object that was sent, and problems found in it; raises ApiError 400 or 415."""
    return parse_body(call.body, call.media_type, definition.resource.kind)


def patch_body(call: Call) -> tuple[Any, list[str]]:
    """Return the patch that was sent, and problems found in it; raises ApiError 400."""
    try:
        return load_json(call.body)
    except ValueError as error:
        prefix = "" if "strategic" in call.media_type else "error decoding patch: "
        raise bad_request(f"{prefix}{go_json_error(call.body, error)}") from None
