"""`k3k alerts` and `k3k dashboard`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.command import Command


def test_alerts_are_a_rule_file_of_prometheus(k3k: Command) -> None:
    ended = k3k("alerts")
    assert (ended.code, ended.err) == (0, "")
    document = yaml.safe_load(ended.out)
    assert list(document) == ["groups"]
    rules = {
        rule.get("alert") or rule["record"]: rule for group in document["groups"] for rule in group["rules"]
    }
    assert rules["K3kControlPlaneDown"]["for"] == "2m"
    assert rules["K3kControlPlaneDown"]["labels"] == {"severity": "critical"}
    assert rules["K3kControlPlaneDown"]["annotations"]["command"] == (
        "k3k doctor {{ $labels.namespace }}/{{ $labels.name }} --context {{ $labels.host }}"
    )


def test_alerts_are_an_object_of_the_prometheus_operator(k3k: Command) -> None:
    options = ("--name", "fleet", "--namespace", "monitoring", "--label", "release=prom", "--label", "team=")
    document = yaml.safe_load(k3k("alerts", "-o", "prometheusrule", *options).out)
    assert (document["apiVersion"], document["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert document["metadata"] == {
        "name": "fleet",
        "namespace": "monitoring",
        "labels": {"release": "prom", "team": ""},
    }
    assert document["spec"] == yaml.safe_load(k3k("alerts").out)


def test_alerts_of_one_severity_come_with_the_series_they_read(k3k: Command) -> None:
    document = yaml.safe_load(k3k("alerts", "--severity", "critical").out)
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    assert {rule["labels"]["severity"] for rule in rules if "alert" in rule} == {"critical"}
    assert any("record" in rule for rule in rules)


def test_alerts_can_be_left_out(k3k: Command) -> None:
    every = k3k("alerts", "-o", "names").out.split()
    some = k3k("alerts", "-o", "names", "--exclude", "K3kEtcd*", "--exclude", "K3kPodsPending").out.split()
    assert some == [name for name in every if not name.startswith("K3kEtcd") and name != "K3kPodsPending"]
    assert len(some) < len(every) - 5


def test_an_alert_to_leave_out_that_does_not_exist_is_wrong_use(k3k: Command) -> None:
    ended = k3k("alerts", "--exclude", "K3kNope")
    assert (ended.code, ended.out) == (2, "")
    assert "There is no alert 'K3kNope' to leave out." in ended.err


def test_leaving_every_alert_out_is_wrong_use(k3k: Command) -> None:
    ended = k3k("alerts", "--exclude", "*")
    assert (ended.code, ended.out) == (2, "")
    assert "No alert is left." in ended.err


def test_thresholds_of_ones_own_reach_alerts_and_dashboard(k3k: Command, home: Path) -> None:
    (home / "rules.yaml").write_text("rules: {QueueDeep: {above: 12345, clear: 10}}")
    assert "(k3k_queue_depth) > 12345" in k3k("alerts", "--rules", "rules.yaml").out
    assert '"value": 12345' in k3k("dashboard", "--rules", "rules.yaml").out


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"\xff\xfe", "no text"), (b"rules: {Nope: {above: 1}}", "Nope")],
)
def test_rules_that_cannot_be_used_are_wrong_use(
    k3k: Command, home: Path, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (home / "rules.yaml").write_bytes(content)
    ended = k3k("alerts", "--rules", "rules.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert problem in ended.err


@pytest.mark.parametrize("option", [("--namespace", "x"), ("--label", "a=b"), ("--name", "x")])
@pytest.mark.parametrize("verb", ["alerts", "dashboard"])
def test_what_only_an_object_has_is_wrong_use_without_one(
    k3k: Command, verb: str, option: tuple[str, str]
) -> None:
    ended = k3k(verb, *option)
    assert (ended.code, ended.out) == (2, "")
    assert "--label are for `-o" in ended.err


@pytest.mark.parametrize("label", ["x", "=y", "a b=c", "a=b c", "-a=b", "A.com/x=y"])
def test_what_is_no_label_of_kubernetes_is_wrong_use(k3k: Command, label: str) -> None:
    ended = k3k("dashboard", "-o", "configmap", "--label", label)
    assert (ended.code, ended.out) == (2, "")
    assert f"{label!r} is no label." in ended.err


def test_the_dashboard_is_what_grafana_imports(k3k: Command) -> None:
    document = json.loads(k3k("dashboard").out)
    assert (document["uid"], document["schemaVersion"]) == ("k3k-fleet", 39)
    assert document["panels"]


def test_the_dashboard_is_a_config_map_for_the_sidecar(k3k: Command) -> None:
    document = yaml.safe_load(k3k("dashboard", "-o", "configmap", "-n", "monitoring").out)
    assert document["metadata"] == {
        "name": "k3k-dashboard",
        "namespace": "monitoring",
        "labels": {"grafana_dashboard": "1"},
    }
    assert json.loads(document["data"]["k3k-fleet.json"]) == json.loads(k3k("dashboard").out)


def test_the_dashboard_takes_other_labels(k3k: Command) -> None:
    document = yaml.safe_load(k3k("dashboard", "-o", "configmap", "--label", "dashboards=here").out)
    assert document["metadata"]["labels"] == {"dashboards": "here"}


@pytest.mark.parametrize("verb", ["alerts", "dashboard"])
def test_printing_loads_nothing_that_talks_to_hosts(verb: str) -> None:
    script = f"from k3k_core.cli.main import main\nmain([{verb!r}])\nimport sys\nprint('\\n', *sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    assert "yaml" in loaded
    assert loaded.isdisjoint({"kubernetes_asyncio", "aiohttp", "httpx", "pydantic", "prometheus_client"})
