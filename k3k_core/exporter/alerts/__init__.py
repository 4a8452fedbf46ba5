"""Alert and recording rules on the exporter's metrics, shipped as data."""

from __future__ import annotations

from k3k_core.exporter.alerts.load import load_groups
from k3k_core.exporter.alerts.model import SEVERITIES, Alert, Group, Record
from k3k_core.exporter.alerts.reference import runbook
from k3k_core.exporter.alerts.render import prometheus_rule, rule_file, select

__all__ = [
    "SEVERITIES",
    "Alert",
    "Group",
    "Record",
    "load_groups",
    "prometheus_rule",
    "rule_file",
    "runbook",
    "select",
]
