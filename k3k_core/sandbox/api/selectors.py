"""Label and field selectors as query parameters carry them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.sandbox.api.names_check import label_key_problems, label_value_problems
from k3k_core.sandbox.api.statuses import ApiError, bad_request

_TOKEN = re.compile(r"\s*(!=|==|=|!|\(|\)|,|<|>|[^\s!=(),<>]+)")
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on the labels of an object."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        if self.operator in {"in", "="}:
            return value is not None and value in self.values
        if self.operator in {"notin", "!="}:
            return value is None or value not in self.values
        if value is None or not re.fullmatch(r"-?\d+", value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if self.operator == "gt" else int(value) < bound


LabelSelector = tuple[Requirement, ...]


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token


_SPECIAL = {"", "!", "=", "==", "!=", "(", ")", ",", "<", ">"}


def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector.

    Raises:
        ApiError: 400, worded as the real server words it.
    """
    parser = _Parser(text)
    found: list[Requirement] = []
    while parser.peek():
        if parser.peek() in _SPECIAL - {"!"}:
            raise bad_request(f"found '{parser.peek()}', expected: !, identifier, or 'end of string'")
        try:
            found.append(_requirement(parser))
        except ValueError as error:
            raise bad_request(f"unable to parse requirement: {error}") from None
        token = parser.take()
        if token == "," and parser.peek() in _SPECIAL - {"!"}:
            raise bad_request(f"found '{parser.peek()}', expected: identifier after ','")
        if token not in {"", ","}:
            raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
    return tuple(sorted(found, key=lambda requirement: requirement.key))


def _requirement(parser: _Parser) -> Requirement:
    token = parser.take()
    if token == "!":
        key = parser.take()
        _check_key(key)
        return Requirement(key, "!")
    if token in _SPECIAL:
        raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
    key = token
    _check_key(key)
    if parser.peek() in {"", ","}:
        return Requirement(key, "exists")
    operator = parser.take()
    if operator in {"in", "notin"}:
        values = _value_set(parser)
    elif operator in {"=", "==", "!="}:
        values = (_single_value(parser),)
    elif operator in {">", "<"}:
        values = (_single_value(parser),)
        operator = {">": "gt", "<": "lt"}[operator]
        if not re.fullmatch(r"-?\d+", values[0]):
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise ValueError(f'values[0]: Invalid value: "{values[0]}": {text}')
    else:
        raise ValueError(f"found '{operator}', expected: {', '.join(_OPERATORS)}")
    for position, value in enumerate(values):
        problems = label_value_problems(value)
        if problems:
            raise ValueError(f'values[{position}][{key}]: Invalid value: "{value}": {"; ".join(problems)}')
    return Requirement(key, {"==": "="}.get(operator, operator), values)


def _check_key(key: str) -> None:
    problems = label_key_problems(key, what="label key")
    if problems:
        raise ValueError(f'<nil>: Invalid value: "{key}": {"; ".join(problems)}')


def _single_value(parser: _Parser) -> str:
    if parser.peek() in {"", ","}:
        return ""
    token = parser.take()
    if token in _SPECIAL:
        raise ValueError(f"found '{token}', expected: identifier")
    return token


def _value_set(parser: _Parser) -> tuple[str, ...]:
    token = parser.take()
    if token != "(":
        raise ValueError(f"found '{token}' expected: '('")
    values: list[str] = []
    while True:
        token = parser.take()
        if token == ")":
            if not values:
                values.append("")
            break
        if token == ",":
            values.append("")
            continue
        if token in _SPECIAL:
            raise ValueError(f"found '{token}', expected: ',', ')' or identifier")
        values.append(token)
        following = parser.take()
        if following == ")":
            break
        if following != ",":
            raise ValueError(f"found '{following}', expected: ',' or ')'")
        if parser.peek() == ")":
            values.append("")
    return tuple(values)


def matches_labels(selector: LabelSelector, obj: Mapping[str, Any]) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return all(requirement.matches(labels) for requirement in selector)


def matches_selector(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels match a `LabelSelector` of a spec; an empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    return all(
        Requirement(item["key"], operators[item["operator"]], tuple(item.get("values") or ())).matches(labels)
        for item in selector.get("matchExpressions") or ()
    )


# Fields

_EVERYWHERE = ("metadata.name", "metadata.namespace")
_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    ("", "Secret"): ("type",),
    ("", "Namespace"): ("status.phase",),
    ("", "Node"): ("spec.unschedulable",),
    ("", "Service"): ("spec.clusterIP", "spec.type"),
    ("", "Event"): _EVENT_FIELDS,
    ("events.k8s.io", "Event"): (
        *(name.replace("involvedObject", "regarding") for name in _EVENT_FIELDS if name != "source"),
        "reportingController",
    ),
    ("", "ReplicationController"): ("status.replicas",),
    ("apps", "ReplicaSet"): ("status.replicas",),
    ("batch", "Job"): ("status.successful",),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec.signerName",),
}
_OWN_WORDS = frozenset(_FIELDS)

FieldSelector = tuple[tuple[str, str, str], ...]


def parse_fields(text: str, group: str, kind: str, *, extra: tuple[str, ...] = ()) -> FieldSelector:
    """Parse a field selector.

    Args:
        text: e.g. `metadata.name=a,status.phase!=Running`.
        group: API group of the objects.
        kind: their kind.
        extra: further fields that can be selected (a CRD's selectableFields).

    Raises:
        ApiError: 400, no selector or a field that cannot be selected.
    """
    allowed = (*_FIELDS.get((group, kind), ()), *extra)
    found: list[tuple[str, str, str]] = []
    for part in _split(text):
        if not part:
            continue
        for operator in ("!=", "==", "="):
            field, sign, value = part.partition(operator)
            if sign:
                break
        else:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if field not in _EVERYWHERE and field not in allowed:
            raise _unsupported(field, group, kind)
        found.append((field, "!=" if operator == "!=" else "=", _unescape(value)))
    return tuple(found)


def _unsupported(field: str, group: str, kind: str) -> ApiError:
    """Kinds with selectable fields of their own word this differently from all others."""
    if (group, kind) in _OWN_WORDS:
        return bad_request(f"field label not supported: {field}")
    return bad_request(f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"')


def _split(text: str) -> list[str]:
    return re.split(r"(?<!\\),", text)


def _unescape(value: str) -> str:
    return re.sub(r"\\([\\,=])", r"\1", value)


def field_value(obj: Mapping[str, Any], path: str) -> str:
    """Return the value of a selectable field as text; empty where there is none."""
    if path == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    if path.startswith("regarding."):
        path = path.replace("regarding", "involvedObject", 1)
    if path == "reportingController":
        path = "reportingComponent"
    if path == "status.successful":
        path = "status.succeeded"
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return {
            "spec.unschedulable": "false",
            "spec.hostNetwork": "false",
            "status.replicas": "0",
            "status.succeeded": "0",
        }.get(path, "")
    return str(value)


def matches_fields(selector: FieldSelector, obj: Mapping[str, Any]) -> bool:
    return all((field_value(obj, field) == value) == (sign == "=") for field, sign, value in selector)
