"""Prometheus exporter mode: every control plane's signals as metrics."""
