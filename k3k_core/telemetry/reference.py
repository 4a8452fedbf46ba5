"""docs/verdicts.md, written from the rules: `python -m k3k_core.telemetry.reference > docs/verdicts.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from k3k_core.telemetry.facts import STALE_AFTER
from k3k_core.telemetry.quantities import format_duration, format_value
from k3k_core.telemetry.rules import Rule, load_rules

_INTRODUCTION = f"""\
# Verdicts

Every control plane has one verdict, and every verdict has its reasons.

| verdict | when |
|---|---|
| Healthy | no rule says otherwise |
| Degraded | it serves, but a rule of severity warning or critical fires |
| Down | servers answer that they are not ready, or none answers and the host shows none ready either |
| Unknown | neither the host nor a probe says anything, or it is up and cannot be measured |
| Progressing, Paused, Expired | the host's objects say so; what is measured is listed, but does not change it |

`k3k doctor NAME` lists the rules that fire, with value, threshold, since when and what to do; those that have not held
long enough; those that are fine; and those that could not be checked, with the reason. The worst finding comes first.

## How a rule works

A rule compares the value of an expression over signals with a threshold. Its condition comes on when the value goes
beyond the threshold, and off when it is back at its clear threshold; in between it stays as it is. The rule fires when
the condition has been on for the hold, and stops when it has been off for the clearing time. So a value that swings
around the threshold gives one finding, not many.

- A value that is not available neither fires nor clears a rule. The rule stays as it is for five minutes (longer for
  certificates and rare events), then it is dropped.
- A ratio or a percentile beyond its threshold counts only with enough requests behind it, so that an idle control plane
  stays Healthy.
- Of rules that say the same, the weightier is listed. Once it stops, the lesser takes over without a hold of its own.
- Values that come in bursts, such as failing compactions, may be off for a while without the hold beginning anew.
- Signals older than {format_duration(STALE_AFTER)} are no signals.

## When host and probes disagree

| host | probes | verdict |
|---|---|---|
| shows it ready | no server answers, but one did before | Degraded: ApiUnreachable |
| shows it ready | no server ever answered from here | Unknown: ApiNeverReached |
| shows it ready | servers answer that they are not ready | Down: ApiNotReady |
| calls it Down | no server answers | Down: HostCallsItDown, ApiDown |
| calls it Down | a server answers that it is ready | Degraded: HostDisagrees |
| says nothing | a server answers that it is ready | as the other rules say |
| says nothing | no server answers | Unknown |
| shows it ready | not asked, or not measured yet | as the host says |

From a place without a route to a control plane nothing is known of how it serves, so that is no alarm; a route that
existed and is gone is one.

## Rules of your own

A rules file changes single fields of a rule, switches rules off, and adds rules. All its problems are reported at once.

```yaml
rules:
  ApiWritesSlow:
    above: 2          # seconds; the clear threshold moves along unless it is given as well
    for: 10m
  PodsPending:
    enabled: false
  ManyWatches:
    group: api
    severity: info    # info: Healthy or Unknown; warning: Degraded or Unknown; critical: Degraded or Down
    verdict: Healthy
    expression: api.long_running / max(1, reach.answering)
    above: 5000
    clear: 4000
    for: 15m
    clear_for: 5m
    summary: "{{value}} watches are open on each server (limit {{threshold}})."
    advice: Look for clients that open watches without closing them.
```

| field | meaning |
|---|---|
| `enabled` | `false` switches the rule off |
| `group`, `severity`, `verdict` | where it is listed, how urgent it is, and what it makes of a control plane |
| `expression` | numbers, `+ - * /`, parentheses, `min` `max` `default` of several, `sum` `count` `given` of a path |
| `above` or `below` | the threshold |
| `clear` | where the condition goes off again; the threshold unless given |
| `for`, `clear_for` | the hold, and the clearing time |
| `keep` | how long the rule stays as it is while its value is not available |
| `quiet_for` | how long the condition must be on before it is told as not yet long enough |
| `bridge` | how long the condition may be off without the hold beginning anew |
| `needs` | expressions and the least each must be before a value beyond the threshold is believed |
| `when` | expressions and the least each must be for the rule to apply |
| `each` | looks at each `server`, `check`, `queue`, `certificate`, `authority`, `process` or `api_service` by itself |
| `unless` | rules that say the same with more weight |
| `ignore_while` | verdicts of the host in which the rule does not count |
| `unit` | for people: seconds, ratio, bytes, bytes/second, days, items, count, count/second, cores |
| `absent` | why its value may not be there, for `k3k doctor` |
| `summary`, `advice` | sentences with `{{value}}`, `{{threshold}}`, `{{subject}}`, `{{PATH}}` and `{{PATH:UNIT}}` |

Paths are those of the signals, such as `api.by_scope.read.resource.p99`, `datastore.etcd.fsync.p99`, `queue.depth`;
`reach` and `host` tell how far it was reached and what the host says; `at` and `window` are times in seconds.

## The rules that are shipped
"""


def reference(rules: tuple[Rule, ...]) -> str:
    """Return the page in Markdown.

    Args:
        rules: the rules to list.
    """
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group.title, []).append(rule)
    return _INTRODUCTION + "".join(f"\n### {title}\n{_listed(group)}" for title, group in groups.items())


def _listed(rules: Iterable[Rule]) -> str:
    return "".join(
        f"\n**{rule.name}** ({rule.severity}, {rule.verdict}): {_condition(rule)}.\n{rule.advice}\n"
        for rule in rules
    )


def _condition(rule: Rule) -> str:
    side = "below" if rule.falling else "above"
    words = [f"`{rule.expression}` {side} {_amount(rule.threshold, rule)}"]
    if rule.clear != rule.threshold:
        words.append(f"until {_amount(rule.clear, rule)}")
    words += [
        f"{word} {format_duration(seconds)}"
        for word, seconds in (("for", rule.hold), ("clears after", rule.clear_for))
        if seconds
    ]
    amounts = [f"`{text}` is at least {least:g}" for text, least in (*rule.when, *rule.needs)]
    if amounts:
        words.append("where " + " and ".join(amounts))
    return ", ".join(words)


def _amount(value: float, rule: Rule) -> str:
    return format_value(value, rule.unit)


if __name__ == "__main__":
    sys.stdout.write(reference(load_rules()))
