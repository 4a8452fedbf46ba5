"""`k3k alerts`."""

from __future__ import annotations

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.labels import parse_labels
from k3k_core.cli.option import option
from k3k_core.cli.rules_input import read_rules, rules_option
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError

FORMATS = ("rules", "prometheusrule", "names", "runbook")
SEVERITIES = ("critical", "warning", "info")
_SECTION = "PrometheusRule"


@verb(
    "alerts",
    details="No host is contacted. The rules read the metrics of `k3k exporter` and share their thresholds with the "
    "verdicts of `k3k doctor`, --rules included. Prometheus must keep the exporter's own labels: `honor_labels: true`.",
    examples=(
        Example("A rule file", "k3k alerts > k3k.rules.yaml"),
        Example(
            "For the Prometheus operator",
            "k3k alerts -o prometheusrule --namespace monitoring --label release=prometheus",
        ),
        Example("Without some of them", "k3k alerts --exclude K3kPodsPending --exclude 'K3kEtcd*'"),
        Example("What each one means and what to do", "k3k alerts -o runbook"),
    ),
    common=(options.output_option(*FORMATS), options.general_options),
    outputs=FORMATS,
)
@option(
    "--severity",
    "severities",
    type=click.Choice(SEVERITIES),
    multiple=True,
    help="Only alerts of this severity; may be repeated.",
)
@option(
    "--exclude",
    metavar="NAME",
    multiple=True,
    help="Leave this alert out; `*` stands for any letters; may be repeated.",
)
@rules_option
@option("--name", default="k3k", section=_SECTION, help="Name of the object (default k3k).")
@option(
    "-n", "--namespace", metavar="NAME", section=_SECTION, help="Namespace of the object (default: none)."
)
@option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    section=_SECTION,
    help="Label of the object, by which a Prometheus chooses its rules; may be repeated.",
)
def command(
    session: Session,
    severities: tuple[str, ...],
    exclude: tuple[str, ...],
    rules: str | None,
    name: str,
    namespace: str | None,
    labels: tuple[str, ...],
) -> None:
    """Print the rules."""
    from k3k_core.exporter.alerts import load_groups, prometheus_rule, rule_file, runbook, select
    from k3k_core.exporter.yaml_text import to_yaml

    output = session.settings.output
    chosen = parse_labels(labels)
    if output != "prometheusrule" and (namespace or chosen or name != "k3k"):
        raise UsageError(
            "--name, --namespace and --label are for `-o prometheusrule`.",
            hint="A rule file is no object and has none of them.",
        )
    groups = select(load_groups(read_rules(rules)), severities=severities, exclude=exclude)
    if output == "names":
        session.console.data("\n".join(alert.name for group in groups for alert in group.alerts))
    elif output == "runbook":
        session.console.data(runbook(groups))
    elif output == "prometheusrule":
        document = prometheus_rule(groups, name=name, namespace=namespace, labels=chosen)
        session.console.document(to_yaml(document))
    else:
        session.console.document(to_yaml(rule_file(groups)))
