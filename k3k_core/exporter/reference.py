"""The reference of the exporter's metrics, written from the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from k3k_core.exporter.catalogue import BASE_LABELS, CATALOGUE, Metric

# Sections in the order of the page, and how names of their metrics begin; the first that fits holds a metric.
_SECTIONS = (
    ("Control planes", ("k3k_control_plane_",)),
    ("Servers", ("k3k_server_", "k3k_process_")),
    ("API", ("k3k_api_",)),
    ("Datastore", ("k3k_datastore_",)),
    ("kine", ("k3k_kine_",)),
    ("etcd", ("k3k_etcd_",)),
    ("Controllers", ("k3k_queue", "k3k_pending_", "k3k_unavailable_")),
    ("Certificates", ("k3k_certificate_",)),
    ("Hosts", ("k3k_host_",)),
    ("Answers of /probe", ("k3k_probe_",)),
    ("The exporter itself", ("k3k_",)),
)

_INTRODUCTION = f"""\
# Metrics

What `k3k exporter` answers at `/metrics`; [exporter.md](exporter.md) shows how Prometheus reads it. `k3k alerts` prints
rules for these metrics ([alerts.md](alerts.md)), `k3k dashboard` a dashboard for Grafana.

- Metrics of a control plane and of its servers bear {", ".join(f"`{label}`" for label in BASE_LABELS)} before the
  labels listed.
- What is not known is absent, never 0: a family that the control plane does not serve, a rate before the second page,
  a quantile of too few requests. Series of a control plane that is gone are gone with the next answer.
- Counters count from the start of the exporter that answers, and go on over restarts of the servers. Use `rate()` and
  `increase()` as ever; with a pair of exporters take `max by (host, namespace, name)` of it, not the sum.
- Summaries: the quantiles 0.5, 0.9 and 0.99 were computed on the control plane's own buckets over the last window (two
  pages, as a rule 15 s apart), as `histogram_quantile` would compute them. They cannot be added up or averaged over
  control planes; `_sum` and `_count` can.
- How many queues, resources and certificates a control plane can show is bounded: the worst come first.
"""


def metrics_reference() -> str:
    """Return the reference as Markdown."""
    sections: dict[str, list[Metric]] = {title: [] for title, _ in _SECTIONS}
    for metric in CATALOGUE:
        sections[_section(metric.name)].append(metric)
    return "\n".join((_INTRODUCTION, *_tables(sections)))


def _section(name: str) -> str:
    return next(title for title, beginnings in _SECTIONS if name.startswith(beginnings))


def _tables(sections: dict[str, list[Metric]]) -> Iterator[str]:
    for title, metrics in sections.items():
        yield f"## {title}\n"
        yield "| metric | type | labels | meaning |"
        yield "|---|---|---|---|"
        for metric in metrics:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            yield f"| `{metric.name}` | {metric.kind} | {labels or '-'} | {metric.help} |"
        yield ""


if __name__ == "__main__":
    sys.stdout.write(metrics_reference())
