"""`/`: what there is, for a person."""

from __future__ import annotations

from html import escape

from k3k_core import __version__

_PATHS = (
    ("/metrics", "metrics of every control plane"),
    ("/probe?target=NAMESPACE/NAME", "ask one control plane now"),
    ("/sd", "control planes for Prometheus' HTTP service discovery"),
    ("/raw/NAMESPACE/NAME", "a control plane's own page, with a token"),
    ("/healthz", "whether the exporter is alive"),
    ("/readyz", "whether its metrics are complete"),
)


def landing_page(control_planes: int) -> str:
    """Return the page.

    Args:
        control_planes: how many there are.
    """
    items = "".join(
        f'<li><a href="{escape(path)}"><code>{escape(path)}</code></a>: {escape(what)}</li>\n'
        for path, what in _PATHS
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>k3k exporter</title></head>\n'
        f"<body>\n<h1>k3k exporter {escape(__version__)}</h1>\n<p>Control planes: {control_planes}</p>\n"
        f"<ul>\n{items}</ul>\n</body>\n</html>\n"
    )
