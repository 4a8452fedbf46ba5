"""Rules for names, label keys and label values, with the messages of k8s.io/apimachinery's validation."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"


def _must_have(text: str, example: str, pattern: str) -> str:
    return f"{text} (e.g. {example}, regex used for validation is '{pattern}')"


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} characters"


def label_problems(name: str) -> list[str]:
    """RFC 1123 label: names of Namespaces, Services (since 1.34), containers, ..."""
    problems = [_too_long(63)] if len(name) > 63 else []
    if not re.fullmatch(_LABEL, name):
        text = (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_must_have(text, "'my-name',  or '123-abc'", _LABEL))
    return problems


def label_1035_problems(name: str) -> list[str]:
    """RFC 1035 label: names of Services."""
    problems = [_too_long(63)] if len(name) > 63 else []
    if not re.fullmatch(_LABEL_1035, name):
        text = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
            "start with an alphabetic character, and end with an alphanumeric character"
        )
        problems.append(_must_have(text, "'my-name',  or 'abc-123'", _LABEL_1035))
    return problems


def subdomain_problems(name: str) -> list[str]:
    """RFC 1123 subdomain: names of most objects."""
    problems = [_too_long(253)] if len(name) > 253 else []
    if not re.fullmatch(_SUBDOMAIN, name):
        text = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_must_have(text, "'example.com'", _SUBDOMAIN))
    return problems


def path_segment_problems(name: str) -> list[str]:
    """Names of RBAC objects: anything that fits into a URL path."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def label_key_problems(key: str, *, what: str = "qualified name") -> list[str]:
    """Keys of labels and annotations, and other qualified names."""
    prefix, slash, name = key.rpartition("/")
    rule = (
        "must consist of alphanumeric characters, '-', '_' or '.', "
        "and must start and end with an alphanumeric character"
    )
    example = "'MyName',  or 'my.name',  or '123-abc'"
    if "/" in prefix:
        text = _must_have(
            f"a valid {what} {rule}" if what != "qualified name" else f"a {what} {rule}", example, _QUALIFIED
        )
        return [f"{text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    problems: list[str] = []
    if slash:
        if not prefix:
            problems.append("prefix part must be non-empty")
        else:
            problems += [f"prefix part {problem}" for problem in subdomain_problems(prefix)]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_QUALIFIED, name):
        problems.append(_must_have(f"name part {rule}", example, _QUALIFIED))
    return problems


def label_value_problems(value: str) -> list[str]:
    """Values of labels."""
    problems = ["must be no more than 63 bytes"] if len(value) > 63 else []
    if not re.fullmatch(_VALUE, value):
        text = (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character"
        )
        problems.append(_must_have(text, "'MyValue',  or 'my_value',  or '12345'", _VALUE))
    return problems


def config_key_problems(key: str) -> list[str]:
    """Keys of ConfigMaps and Secrets."""
    problems = [_too_long(253)] if len(key) > 253 else []
    if not re.fullmatch(_CONFIG_KEY, key):
        text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        problems.append(_must_have(text, "'key.name',  or 'KEY_NAME',  or 'key-name'", _CONFIG_KEY))
    if key == ".":
        problems.append("must not be '.'")
    elif key == "..":
        problems.append("must not be '..'")
    elif key.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def port_name_problems(name: str) -> list[str]:
    """IANA service names: names of container ports and named target ports."""
    problems: list[str] = []
    if len(name) > 15:
        problems.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", name):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        problems.append("must contain at least one letter (a-z)")
    if "--" in name:
        problems.append("must not contain consecutive hyphens")
    if name and (name[0] == "-" or name[-1] == "-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_problems(port: int) -> list[str]:
    return [] if 1 <= port <= 65535 else ["must be between 1 and 65535, inclusive"]
