"""The second set of servers: the same as the first, but for its names and its component."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.manifests.green import green_objects, led_to
from k3k_core.names import COMPONENT_GREEN, COMPONENT_SERVER, LABEL_COMPONENT, MAX_NAME_LENGTH
from tests.support.blueprints import blueprint

ETCD = "{datastore: {kind: etcd}, servers: 3, labels: {team: a}}"
WITH_MANIFESTS = """\
datastore: {kind: etcd}
k3s: {manifests: {a.yaml: "apiVersion: v1\\nkind: Namespace\\nmetadata: {name: a}\\n"}}
"""


def pairs(values: str) -> dict[str, dict[str, Any]]:
    made = blueprint(values)
    found = green_objects(made, manifests.render_applied(made))
    return {item["kind"] + "/" + item["metadata"]["name"]: item for item in found}


def test_it_has_what_servers_need_for_themselves_and_its_stateful_set_comes_last() -> None:
    names = list(pairs(ETCD))
    assert set(names) == {
        "ConfigMap/dev-k3k-green",
        "NetworkPolicy/dev-k3k-green",
        "PodDisruptionBudget/dev-k3k-green",
        "Service/dev-k3k-green",
        "StatefulSet/dev-k3k-green",
    }
    assert names[-1] == "StatefulSet/dev-k3k-green"


def test_no_selector_and_no_label_of_it_is_the_first_sets() -> None:
    for name, item in pairs(ETCD).items():
        assert f'"{LABEL_COMPONENT}": "{COMPONENT_SERVER}"' not in json.dumps(item), name
        assert item["metadata"]["labels"][LABEL_COMPONENT] == COMPONENT_GREEN, name
        assert item["metadata"]["labels"]["team"] == "a", name


def test_its_servers_read_configuration_of_their_own_and_share_the_secrets() -> None:
    found = pairs(WITH_MANIFESTS)
    pod = found["StatefulSet/dev-k3k-green"]["spec"]["template"]["spec"]
    maps = {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    secrets = {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    assert maps
    assert {f"ConfigMap/{name}" for name in maps} <= set(found)
    assert secrets == {"dev-k3k-tokens", "dev-k3k-pki", "dev-k3k-etcd-pki"}


def test_its_pods_differ_from_the_first_sets_in_nothing_else() -> None:
    made = blueprint(ETCD)
    *_, first = manifests.render_applied(made)
    second = pairs(ETCD)["StatefulSet/dev-k3k-green"]
    text = json.dumps(second["spec"]).replace(f'"{COMPONENT_GREEN}"', f'"{COMPONENT_SERVER}"')
    text = text.replace('"configMap": {"name": "dev-k3k-green"}', '"configMap": {"name": "dev-k3k-config"}')
    text = text.replace('"serviceName": "dev-k3k-green"', '"serviceName": "dev-k3k-servers"')
    assert json.loads(text) == first["spec"]


def test_its_names_are_no_longer_than_those_of_the_first() -> None:
    made = blueprint(ETCD)
    assert len(made.id.green) <= len(made.id.server)
    assert MAX_NAME_LENGTH + len("-k3k-green") <= 52


@pytest.mark.parametrize("component", [COMPONENT_SERVER, COMPONENT_GREEN])
def test_the_front_service_leads_to_one_set_and_is_else_the_same(component: str) -> None:
    made = blueprint(ETCD)
    front = manifests.front_service(made.id, made.values, made.owner)
    led = led_to(front, made.id, component)
    assert led["spec"]["selector"][LABEL_COMPONENT] == component
    assert {**led["spec"], "selector": None} == {**front["spec"], "selector": None}


def test_a_dedicated_etcd_lets_both_sets_in() -> None:
    policy = manifests.etcd_network_policy(blueprint(ETCD))
    clients = policy["spec"]["ingress"][0]["from"]
    components = {each["podSelector"]["matchLabels"][LABEL_COMPONENT] for each in clients}
    assert {COMPONENT_SERVER, COMPONENT_GREEN} <= components
