"""Writing rules for Prometheus, and for the operator that configures it in Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from k3k_core.errors import UsageError
from k3k_core.exporter.alerts.model import Alert, Group

# What the words in capitals of a command stand for in the labels of an alert.
_LABELS = {
    "HOST": "host",
    "NAMESPACE": "namespace",
    "NAME": "name",
    "SERVER": "server",
    "QUEUE": "queue",
    "EXPORTER": "instance",
}
_WORDS = re.compile(rf"\b({'|'.join(_LABELS)})\b")


def select(
    groups: Sequence[Group], *, severities: Collection[str] = (), exclude: Collection[str] = ()
) -> tuple[Group, ...]:
    """Return the groups with some of their alerts only; recording rules stay, and groups left empty go.

    Args:
        groups: rules.
        severities: severities to keep; empty for all.
        exclude: names of alerts to leave out, `*` and `?` as in file names.

    Raises:
        UsageError: a name to leave out fits no alert, or nothing is left.
    """
    names = [alert.name for group in groups for alert in group.alerts]
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(
                f"There is no alert {pattern!r} to leave out.",
                hint="`k3k alerts -o names` lists all of them.",
            )

    def wanted(alert: Alert) -> bool:
        if severities and alert.severity not in severities:
            return False
        return not any(fnmatchcase(alert.name, pattern) for pattern in exclude)

    kept = [replace(group, alerts=tuple(filter(wanted, group.alerts))) for group in groups]
    if not any(group.alerts for group in kept):
        raise UsageError("No alert is left.", hint="Leave out fewer of them.")
    return tuple(group for group in kept if group.alerts or group.records)


def rule_file(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the document of a rule file of Prometheus.

    Args:
        groups: rules.
    """
    return {"groups": [_group(group) for group in groups]}


def prometheus_rule(
    groups: Sequence[Group], *, name: str, namespace: str | None, labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return a PrometheusRule, the custom resource of the Prometheus operator.

    Args:
        groups: rules.
        name: name of the object.
        namespace: its namespace; None leaves it to whoever applies it.
        labels: labels by which a Prometheus chooses its rules.
    """
    place = {} if namespace is None else {"namespace": namespace}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, **place, "labels": dict(labels)},
        "spec": rule_file(groups),
    }


def _group(group: Group) -> dict[str, Any]:
    records = [{"record": record.name, "expr": record.expr} for record in group.records]
    interval = {"interval": group.interval} if group.interval else {}
    return {"name": group.name, **interval, "rules": records + [_alert(alert) for alert in group.alerts]}


def _alert(alert: Alert) -> dict[str, Any]:
    hold = {} if alert.hold == "0m" else {"for": alert.hold}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **hold,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "command": filled(alert.look[0]),
            "runbook": alert.anchor,
        },
    }


def filled(command: str) -> str:
    """Return a command of a runbook with templates of Prometheus in place of the words in capitals.

    Args:
        command: such as `k3k doctor NAMESPACE/NAME --context HOST`.
    """
    return _WORDS.sub(lambda found: f"{{{{ $labels.{_LABELS[found[1]]} }}}}", command)
