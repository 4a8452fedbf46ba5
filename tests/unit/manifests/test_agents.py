"""Agents as pods: privileged where they must be and nowhere else, and no secret in what is rendered."""

from __future__ import annotations

from typing import Any

from k3k_core.manifests import agent_pod, render, render_agents, render_applied
from k3k_core.pki.bundles import authority_hash
from tests.support.blueprints import blueprint

AGENTS = """
agents:
  replicas: 2
  allow_privileged: true
  node_selector: {node-pool: agents}
  tolerations: [{key: agents, operator: Exists}]
scheduling: {node_selector: {node-pool: infra}}
labels: {team: shop}
"""


def rendered() -> dict[str, Any]:
    (found,) = render_agents(blueprint(AGENTS))
    return found


def test_there_are_none_unless_they_are_asked_for() -> None:
    assert render_agents(blueprint()) == ()
    assert "Agent" not in str(render(blueprint()))


def test_they_come_last_and_not_with_what_is_applied_before_the_servers_run() -> None:
    source = blueprint(AGENTS)
    assert render(source)[-1] == rendered()
    assert rendered() not in render_applied(source)


def test_only_the_agent_itself_is_privileged() -> None:
    spec = rendered()["spec"]["template"]["spec"]
    privileged = {
        each["name"]: bool(each["securityContext"].get("privileged"))
        for each in (*spec["initContainers"], *spec["containers"])
    }
    assert privileged == {"node-password": False, "k3s": True}
    assert spec["automountServiceAccountToken"] is False
    assert [each["hostPath"]["path"] for each in spec["volumes"] if "hostPath" in each] == ["/lib/modules"]
    assert "hostNetwork" not in spec


def test_they_run_on_their_own_nodes_and_not_on_those_of_the_servers() -> None:
    spec = rendered()["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"node-pool": "agents"}
    assert spec["tolerations"] == [{"key": "agents", "operator": "Exists"}]
    assert rendered()["spec"]["template"]["metadata"]["labels"]["team"] == "shop"


def test_the_token_pins_the_authority_and_comes_from_the_secret() -> None:
    source = blueprint(AGENTS)
    (agent,) = rendered()["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each for each in agent["env"]}
    assert env["K3S_TOKEN"]["value"] == (
        f"K10{authority_hash(source.pki.server_ca.cert_pem)}::node:$(AGENT_PASSWORD)"
    )
    assert env["AGENT_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "dev-k3k-tokens", "key": "agent"}
    assert agent["args"][:3] == ["agent", "--server", "https://dev-k3k.team.svc:6443"]
    assert source.tokens.agent not in str(rendered())
    assert source.tokens.agent not in str(agent_pod(source))


def test_the_host_is_asked_about_the_same_pod_without_an_account_that_may_be_yet_to_come() -> None:
    asked = agent_pod(blueprint(AGENTS))["spec"]
    meant = rendered()["spec"]["template"]["spec"]
    assert {**asked, "serviceAccountName": meant["serviceAccountName"]} == meant
