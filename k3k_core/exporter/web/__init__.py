"""Serving over HTTP: TLS and passwords by Prometheus' web configuration file, and limits against bad clients."""
