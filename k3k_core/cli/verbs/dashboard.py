"""`k3k dashboard`."""

from __future__ import annotations

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.labels import parse_labels
from k3k_core.cli.option import option
from k3k_core.cli.rules_input import read_rules, rules_option
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError

FORMATS = ("json", "configmap")
_SECTION = "ConfigMap"
# What the sidecar of Grafana's chart looks for unless it is told otherwise.
_SIDECAR = {"grafana_dashboard": "1"}
_NAME = "k3k-dashboard"


@verb(
    "dashboard",
    details="No host is contacted. For Grafana 11 and later, on a Prometheus that reads `k3k exporter` "
    "(`honor_labels: true`) and has the rules of `k3k alerts`, which record some of the series shown. "
    "Thresholds are those of the verdict rules.",
    examples=(
        Example("To import in Grafana", "k3k dashboard > k3k.json"),
        Example(
            "For the sidecar of Grafana's chart",
            "k3k dashboard -o configmap --namespace monitoring | kubectl apply -f -",
        ),
    ),
    common=(options.output_option(*FORMATS), options.general_options),
    outputs=FORMATS,
)
@rules_option
@option("--name", default=_NAME, section=_SECTION, help=f"Name of the object (default {_NAME}).")
@option(
    "-n", "--namespace", metavar="NAME", section=_SECTION, help="Namespace of the object (default: none)."
)
@option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    multiple=True,
    section=_SECTION,
    help="Label of the object (default grafana_dashboard=1); may be repeated.",
)
def command(
    session: Session, rules: str | None, name: str, namespace: str | None, labels: tuple[str, ...]
) -> None:
    """Print the dashboard."""
    from k3k_core.cli.output import to_json
    from k3k_core.exporter.dashboard import config_map, grafana, load_dashboard
    from k3k_core.exporter.yaml_text import to_yaml

    chosen = parse_labels(labels)
    dashboard = load_dashboard(read_rules(rules))
    if session.settings.output == "configmap":
        document = config_map(dashboard, name=name, namespace=namespace, labels=chosen or _SIDECAR)
        session.console.document(to_yaml(document))
        return
    if namespace or chosen or name != _NAME:
        raise UsageError("--name, --namespace and --label are for `-o configmap`.")
    session.console.data(to_json(grafana(dashboard)))
