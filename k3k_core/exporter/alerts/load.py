"""Reading the rules that are shipped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from k3k_core.exporter.alerts.model import SEVERITIES, Alert, Group, Record
from k3k_core.exporter.yaml_text import from_yaml
from k3k_core.telemetry.rules import Rule, load_rules

# The threshold of a verdict rule, so that alerts and verdicts never disagree.
_THRESHOLD = re.compile(r"\$([A-Z]\w+)")

# In the order in which they are printed; the recording rules come first because alerts read what they record.
_FILES = (
    "recording",
    "monitoring",
    "fleet",
    "control_plane",
    "api",
    "error_budget",
    "datastore",
    "controllers",
    "certificates",
)


def load_groups(rules: Iterable[Rule] | None = None) -> tuple[Group, ...]:
    """Return the shipped rules.

    Args:
        rules: verdict rules whose thresholds the alerts take; the shipped ones unless told. An alert whose verdict rule
            is not among them is left out.

    Raises:
        ValueError: a shipped file is wrong, which the tests do not let happen.
    """
    thresholds = {rule.name: rule.threshold for rule in (load_rules() if rules is None else rules)}
    return tuple(parse_group(text, thresholds) for text in _texts())


@cache
def _texts() -> tuple[str, ...]:
    folder = resources.files("k3k_core.exporter.alerts") / "rules"
    return tuple((folder / f"{name}.yaml").read_text(encoding="utf-8") for name in _FILES)


def parse_group(text: str, thresholds: Mapping[str, float]) -> Group:
    """Read one group.

    Args:
        text: a YAML document of the form of the files in `rules/`.
        thresholds: thresholds of verdict rules by the rule's name; `$NAME` in an expression stands for one.

    Raises:
        ValueError: it lacks a key, has one that is not known, or names no known severity.
    """
    document = from_yaml(text)
    _check(document, {"group", "about"}, {"interval", "records", "alerts"}, "the group")
    alerts = [_alert(entry, thresholds) for entry in document.get("alerts", ())]
    return Group(
        name=document["group"],
        about=document["about"],
        records=tuple(_record(entry) for entry in document.get("records", ())),
        alerts=tuple(alert for alert in alerts if thresholds.keys() >= set(alert.verdict_rules)),
        interval=document.get("interval", ""),
    )


def _record(entry: dict[str, Any]) -> Record:
    _check(entry, {"record", "expr", "meaning"}, set(), str(entry.get("record")))
    return Record(entry["record"], entry["expr"], entry["meaning"])


def _alert(entry: dict[str, Any], thresholds: Mapping[str, float]) -> Alert:
    texts = {"severity", "expr", "for", "summary", "description", "means", "act"}
    _check(entry, {"alert", "look"} | texts, set(), str(entry.get("alert")))
    if entry["severity"] not in SEVERITIES:
        raise ValueError(f"{entry['alert']}: severity {entry['severity']!r} is none of {SEVERITIES}")
    return Alert(
        name=entry["alert"],
        severity=entry["severity"],
        expr=_THRESHOLD.sub(lambda found: _number(thresholds.get(found[1], 0.0)), entry["expr"]),
        hold=entry["for"],
        summary=entry["summary"],
        description=entry["description"],
        means=entry["means"],
        look=tuple(entry["look"]),
        act=entry["act"],
        verdict_rules=tuple(dict.fromkeys(_THRESHOLD.findall(entry["expr"]))),
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _check(entry: Mapping[str, Any], needed: set[str], allowed: set[str], where: str) -> None:
    if missing := needed - entry.keys():
        raise ValueError(f"{where}: {', '.join(sorted(missing))} is missing")
    if unknown := entry.keys() - needed - allowed:
        raise ValueError(f"{where}: {', '.join(sorted(map(str, unknown)))} is not known")
