"""Answers that say no, as data: the Status object reduced to what matters.

Status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.host.requests import Request

_TYPE_NOT_SERVED = ("404 page not found", "the server could not find the requested resource")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: HTTP status.
        content_type: type of the body.
        body: the body, possibly cut.
        retry_after: value of the Retry-After header, or "".
    """

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of a Status."""

    reason: str
    message: str
    field: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A Status object, reduced; `known` is False when the answer holds none."""

    known: bool
    message: str
    reason: str = ""
    kind: str = ""
    name: str = ""
    causes: tuple[Cause, ...] = ()
    retry_after: float | None = None


def read_refusal(body: bytes) -> Refusal:
    """Read a Status object from the body of an answer; anything else gives an unknown refusal."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict):
        return Refusal(known=False, message=body[:200].decode(errors="replace"))
    return refusal_of(status)


def refusal_of(status: Mapping[str, Any]) -> Refusal:
    """Reduce a decoded Status object; tolerant, because it may come from anything that speaks JSON."""
    if status.get("kind") != "Status":
        return Refusal(known=False, message="")
    details = status.get("details")
    details = details if isinstance(details, dict) else {}
    listed = details.get("causes")
    seconds = details.get("retryAfterSeconds")
    return Refusal(
        known=True,
        message=_text(status, "message"),
        reason=_text(status, "reason"),
        kind=_text(details, "kind"),
        name=_text(details, "name"),
        causes=tuple(
            Cause(_text(cause, "reason"), _text(cause, "message"), _text(cause, "field"))
            for cause in (listed if isinstance(listed, list) else ())
            if isinstance(cause, dict)
        ),
        retry_after=float(seconds) if isinstance(seconds, int) and seconds > 0 else None,
    )


def retry_after(answer: Answer, request: Request) -> float | None:
    """Return the seconds to wait before asking again, 0 when the host leaves that to us, None to give up.

    A request the host turned away for load (429) had no effect and may be repeated whatever it was; after a
    503 only one that is repeatable.
    """
    refusal = read_refusal(answer.body)
    quota = answer.status == 409 and refusal.kind == "resourcequotas"
    if not quota and answer.status != 429 and not (answer.status in {503, 504} and request.repeatable):
        return None
    asked = float(answer.retry_after) if answer.retry_after.isdigit() else refusal.retry_after
    if answer.status == 504 and asked is None:
        return None
    return asked or 0.0


def namespace_or_object_missing(answer: Answer) -> bool:
    """Return whether a 404 is about an object, not about a resource type the host does not serve."""
    return answer.status == 404 and not type_missing(read_refusal(answer.body))


def in_words(answer: Answer) -> str:
    """Return what an answer is that should have been a JSON object; its content is not shown."""
    if not answer.body.strip():
        what = "an empty answer"
    elif "html" in answer.content_type or answer.body.lstrip()[:1] == b"<":
        what = "an HTML page"
    else:
        what = "an answer that is not a JSON object"
    return f"{what} with status {answer.status}"


def type_missing(refusal: Refusal) -> bool:
    """Return whether a refused request was for a resource type the host does not serve."""
    return not refusal.name and refusal.message.strip().startswith(_TYPE_NOT_SERVED)


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""
