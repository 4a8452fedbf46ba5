"""A dashboard for Grafana on the exporter's metrics, shipped as data."""

from __future__ import annotations

from k3k_core.exporter.dashboard.load import load_dashboard
from k3k_core.exporter.dashboard.model import Dashboard, Panel, Query, Row
from k3k_core.exporter.dashboard.render import config_map, grafana

__all__ = ["Dashboard", "Panel", "Query", "Row", "config_map", "grafana", "load_dashboard"]
