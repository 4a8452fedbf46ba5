"""Validating custom resources against the structural schema of their CRD, in the words of the real server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k3k_core.sandbox.api import cel
from k3k_core.sandbox.api.statuses import FieldError, go_value, required, unsupported

Json = dict[str, Any]

_NOT_CHECKED = FieldError(
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)
# Problems after which CEL rules are not evaluated any more.
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
_FORMATS = {
    "date-time": r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})",
    "date": r"\d{4}-\d{2}-\d{2}",
    "email": r"[^@\s]+@[^@\s]+",
    "uuid": r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "ipv4": r"(\d{1,3}\.){3}\d{1,3}",
    "cidr": r".+/\d{1,3}",
}


def validate(
    schema: Json, obj: Json, old: Json | None, *, more: Sequence[FieldError] = ()
) -> list[FieldError]:
    """Check a custom object.

    Args:
        schema: `openAPIV3Schema`.
        obj: the object, pruned and defaulted.
        old: the stored object of an update, for transition rules.
        more: what else was found, which stands between the schema's findings and those of the rules.
    """
    errors: list[FieldError] = []
    _check(schema, obj, "", errors)
    errors += more
    if any(error.reason in _BLOCKING for error in errors):
        return [*errors, _NOT_CHECKED] if _has_rules(schema) else errors
    _rules(schema, obj, old, "", errors)
    return errors


def _has_rules(schema: Json) -> bool:
    if schema.get("x-kubernetes-validations"):
        return True
    children = [
        *(schema.get("properties") or {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    return any(_has_rules(child) for child in children if isinstance(child, dict))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {
        str: "string",
        int: "integer",
        float: "number",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names[type(value)]


def _matches(kind: str, value: Any) -> bool:
    actual = _kind(value)
    if kind == "number":
        return actual in {"number", "integer"}
    if kind == "integer" and actual == "number":
        return float(value).is_integer()
    return actual == kind


def _check(schema: Json, value: Any, path: str, errors: list[FieldError]) -> None:
    if value is None:
        if not schema.get("nullable") and path and "type" in schema:
            errors.append(_type_error(path, value, schema["type"]))
        return
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, (int, str)) or isinstance(value, bool):
            errors.append(_type_error(path, value, "integer,string"))
        return
    if kind and not _matches(kind, value):
        errors.append(_type_error(path, value, kind))
        if kind == "integer" and isinstance(value, float):
            text = f'Invalid value: "": Checked value must be of type integer (default format) in {path}'
            errors.append(FieldError("<nil>", text))
        return
    if schema.get("enum") and value not in schema["enum"]:
        errors.append(unsupported(path, value, schema["enum"]))
    if isinstance(value, str):
        _check_string(schema, value, path, errors)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _check_number(schema, value, path, errors)
    elif isinstance(value, list):
        _check_list(schema, value, path, errors)
    elif isinstance(value, dict):
        _check_object(schema, value, path, errors)
    _check_alternatives(schema, value, path, errors)


def _check_alternatives(schema: Json, value: Any, path: str, errors: list[FieldError]) -> None:
    """Check `oneOf`, `anyOf`, `allOf` and `not`; where all branches fail, the nearest one tells."""

    def failures(keyword: str) -> list[list[FieldError]]:
        found: list[list[FieldError]] = []
        for branch in schema.get(keyword) or []:
            found.append([])
            _check(branch, value, path, found[-1])
        return found

    def complain(text: str) -> None:
        errors.append(FieldError("<nil>", f'Invalid value: "": "{path}" must {text}'))

    any_of, one_of, all_of = failures("anyOf"), failures("oneOf"), failures("allOf")
    if any_of and all(any_of):
        complain("validate at least one schema (anyOf)")
        nearest = min(any_of, key=len)
        errors += nearest
    valid = sum(not problems for problems in one_of)
    if one_of and valid != 1:
        found = f"{valid} valid alternatives" if valid else "none valid"
        complain(f"validate one and only one schema (oneOf). Found {found}")
        nearest = [] if valid else min(one_of, key=len)
        errors += nearest
    if any(all_of):
        complain("validate all the schemas (allOf)")
        errors += [error for problems in all_of for error in problems]
    if "not" in schema:
        problems: list[FieldError] = []
        _check(schema["not"], value, path, problems)
        if not problems:
            complain("not validate the schema (not)")


def _type_error(path: str, value: Any, expected: str) -> FieldError:
    actual = go_value(_kind(value))
    message = f"Invalid value: {actual}: {path} in body must be of type {expected}: {actual}"
    return FieldError(path, message, "FieldValueTypeInvalid")


def _bound(path: str, value: Any, text: str, cause: str = "FieldValueInvalid") -> FieldError:
    return FieldError(path, f"Invalid value: {go_value(value)}: {path} in body {text}", cause)


def _check_string(schema: Json, value: str, path: str, errors: list[FieldError]) -> None:
    # The first of these hides the others, as in the real server.
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        text = f"Too long: may not be more than {schema['maxLength']} bytes"
        errors.append(FieldError(path, text, "FieldValueTooLong"))
    elif "minLength" in schema and len(value) < schema["minLength"]:
        errors.append(_bound(path, value, f"should be at least {schema['minLength']} chars long"))
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        errors.append(_bound(path, value, f"should match '{schema['pattern']}'"))
    pattern = _FORMATS.get(schema.get("format", ""))
    if pattern and not re.fullmatch(pattern, value):
        shown = go_value(value)
        text = f"Invalid value: {shown}: {path} in body must be of type {schema['format']}: {shown}"
        errors.append(FieldError(path, text, "FieldValueTypeInvalid"))


def _check_number(schema: Json, value: float, path: str, errors: list[FieldError]) -> None:
    if "maximum" in schema:
        limit = schema["maximum"]
        exclusive = bool(schema.get("exclusiveMaximum"))
        if value > limit or (exclusive and value == limit):
            words = "less than" if exclusive else "less than or equal to"
            errors.append(_bound(path, value, f"should be {words} {limit}"))
    if "minimum" in schema:
        limit = schema["minimum"]
        exclusive = bool(schema.get("exclusiveMinimum"))
        if value < limit or (exclusive and value == limit):
            words = "greater than" if exclusive else "greater than or equal to"
            errors.append(_bound(path, value, f"should be {words} {limit}"))
    if schema.get("multipleOf") and value % schema["multipleOf"]:
        errors.append(_bound(path, value, f"should be a multiple of {schema['multipleOf']}"))


def _check_list(schema: Json, value: list[Any], path: str, errors: list[FieldError]) -> None:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        text = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        errors.append(FieldError(path, text, "FieldValueTooMany"))
    if "minItems" in schema and len(value) < schema["minItems"]:
        errors.append(_bound(path, len(value), f"should have at least {schema['minItems']} items"))
    items = schema.get("items") or {}
    for position, item in enumerate(value):
        _check(items, item, f"{path}[{position}]", errors)
    kind = schema.get("x-kubernetes-list-type")
    if kind in {"set", "map"}:
        _check_unique(schema, value, path, errors)


def _check_unique(schema: Json, value: list[Any], path: str, errors: list[FieldError]) -> None:
    seen: list[Any] = []
    keys = schema.get("x-kubernetes-list-map-keys")
    for position, item in enumerate(value):
        mark = (
            {key: item.get(key) for key in keys if key in item} if keys and isinstance(item, dict) else item
        )
        if mark in seen:
            errors.append(FieldError(f"{path}[{position}]", f"Duplicate value: {go_value(mark)}"))
        seen.append(mark)


def _check_object(schema: Json, value: Json, path: str, errors: list[FieldError]) -> None:
    prefix = f"{path}." if path else ""
    properties = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in value:
            errors.append(required(f"{prefix}{name}"))
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        text = f"Too many: {len(value)}: must have at most {schema['maxProperties']} items"
        errors.append(FieldError(path, text, "FieldValueTooMany"))
    extra = schema.get("additionalProperties")
    for name, item in value.items():
        if not path and name in {"apiVersion", "kind", "metadata"}:
            continue
        child = properties.get(name) or (extra if isinstance(extra, dict) else None)
        if child is not None:
            _check(child, item, f"{prefix}{name}", errors)


def _rules(schema: Json, value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
    for rule in schema.get("x-kubernetes-validations") or ():
        if "oldSelf" in rule["rule"] and old is None:
            continue
        error = _broken(rule, value, old, path)
        if error is not None:
            errors.append(error)
    if isinstance(value, dict):
        extra = schema.get("additionalProperties")
        for name, item in value.items():
            child = (schema.get("properties") or {}).get(name) or (extra if isinstance(extra, dict) else None)
            if child is not None:
                before = old.get(name) if isinstance(old, dict) else None
                _rules(child, item, before, f"{path}.{name}" if path else name, errors)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            _rules(schema.get("items") or {}, item, None, f"{path}[{position}]", errors)


def _broken(rule: Json, value: Any, old: Any, path: str) -> FieldError | None:
    where = path + (rule.get("fieldPath") or "") if path else (rule.get("fieldPath") or "").lstrip(".")
    where = where or "<nil>"
    names = {"self": value, "oldSelf": old}
    try:
        if cel.evaluate(rule["rule"], names):
            return None
        message = rule.get("message") or ""
        if rule.get("messageExpression"):
            message = str(cel.evaluate(rule["messageExpression"], names))
    except cel.CelError as error:
        text = f"Invalid value: {_shown(value)}: rule evaluation failed: {error}"
        return FieldError(where, text, "FieldValueInvalid")
    if not message:
        message = f"failed rule: {' '.join(rule['rule'].split())}"
    reason = rule.get("reason") or "FieldValueInvalid"
    words = {
        "FieldValueInvalid": "Invalid value",
        "FieldValueForbidden": "Forbidden",
        "FieldValueRequired": "Required value",
        "FieldValueDuplicate": "Duplicate value",
    }
    shown = ""
    if reason in {"FieldValueInvalid", "FieldValueDuplicate"} and not isinstance(value, (dict, list)):
        shown = f"{go_value(value)}: "
    return FieldError(where, f"{words.get(reason, 'Invalid value')}: {shown}{message}", reason)


def _shown(value: Any) -> str:
    return go_value(_kind(value)) if isinstance(value, (dict, list)) else go_value(value)
