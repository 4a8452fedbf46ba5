"""The runbook of the alerts, written from the rules."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from k3k_core.exporter.alerts.model import Alert, Group

_WIDTH = 118

_INTRODUCTION = """\
# Alerts

Rules for Prometheus on the metrics of `k3k exporter` ([metrics.md](metrics.md)). `k3k alerts` prints them as a rule
file, `k3k alerts -o prometheusrule` as an object for the Prometheus operator, `k3k alerts -o runbook` as this page:

    k3k alerts > /etc/prometheus/k3k.rules.yaml
    k3k alerts -o prometheusrule -n monitoring --label release=prometheus | kubectl apply -f -

`--severity` and `--exclude` leave alerts out, `--rules FILE` takes the thresholds of verdict rules of your own.

The rules need `honor_labels: true` where Prometheus reads the exporter (`honorLabels` in a ServiceMonitor): the labels
`namespace` and `name` say which control plane a series is about, not where the exporter runs. How many exporters there
are does not matter: each control plane gives one alert, with a pair that watches the same fleet and with shards.

Severities: `critical` is for somebody to look now, `warning` for the working day, `info` for nobody in particular.
Each alert has the annotations `summary`, `description`, `command` (a command that shows more) and `runbook` (its place
on this page). A host that is unreachable gives one alert of its own; what only follows from that is held back.

In commands HOST, NAMESPACE, NAME, SERVER and QUEUE stand for the labels of the alert, EXPORTER for its label
`instance`. `k3k doctor` shows what is wrong with one control plane by the verdict rules, whose thresholds the alerts
share ([verdicts.md](verdicts.md)); an alert waits longer than a verdict, so that only what stays wakes somebody.

One cause can set off several alerts of one control plane. Let Alertmanager tell of them together, and of nothing but
the outage while there is one:

```yaml
route:
  group_by: [host, namespace, name]
inhibit_rules:
  - source_matchers: [alertname = K3kControlPlaneDown]
    target_matchers: [alertname =~ "K3k.+", severity != critical]
    equal: [host, namespace, name]
```
"""


def runbook(groups: Sequence[Group]) -> str:
    """Return the runbook as Markdown, one section for each alert.

    Args:
        groups: rules.
    """
    return "\n".join((_INTRODUCTION, *_table(groups), *_sections(groups), *_records(groups)))


def _table(groups: Sequence[Group]) -> Iterator[str]:
    yield "| alert | severity | after |"
    yield "|---|---|---|"
    for group in groups:
        for alert in group.alerts:
            yield f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {alert.hold} |"
    yield ""


def _sections(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        if group.alerts:
            yield f"## {group.name}\n\n{_wrapped(group.about)}\n"
        for alert in group.alerts:
            yield from _section(alert)


def _section(alert: Alert) -> Iterator[str]:
    yield f"### {alert.name}\n"
    wait = "at once" if alert.hold == "0m" else f"after {alert.hold}"
    yield f"{alert.severity}, {wait}:\n"
    yield from (f"    {line}" for line in alert.expr.splitlines())
    if alert.verdict_rules:
        plural = "s" if len(alert.verdict_rules) > 1 else ""
        names = ", ".join(f"`{name}`" for name in alert.verdict_rules)
        yield f"\nThe threshold{plural} of the verdict rule{plural} {names}."
    yield f"\n{_wrapped(alert.means)}\n\nLook:\n"
    yield from (f"    {command}" for command in alert.look)
    yield f"\n{_wrapped(alert.act)}\n"


def _records(groups: Sequence[Group]) -> Iterator[str]:
    yield "## Recorded series\n"
    for group in groups:
        if group.records:
            yield f"{_wrapped(group.about)}\n"
            yield "| series | meaning |"
            yield "|---|---|"
        for record in group.records:
            yield f"| `{record.name}` | {record.meaning} |"
    yield ""


def _wrapped(text: str) -> str:
    # Words that begin with a hyphen stay whole, and so do commands in the text.
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
