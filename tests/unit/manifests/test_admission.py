"""Every supported host accepts what is rendered: schemas and the `restricted` Pod Security Standard."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from k3k_core.manifests import namespace, render
from tests.support.blueprints import ETCD_VALUES, blueprint
from tests.support.goldens import cases
from tests.support.pod_security import violations
from tests.support.schemas import MINORS, complaints

EVERYTHING = """\
servers: 3
ttl: 8h
loadbalancer:
  class_name: metallb.io/metallb
  ip: 203.0.113.7
  annotations: {metallb.io/address-pool: public}
  source_ranges: [198.51.100.0/24]
k3s:
  tls_sans: [api.example.org, 2001:db8::1]
  extra_args: ["--kube-apiserver-arg=audit-log-path=-", "--secrets-encryption"]
image: {pull_secrets: [registry], pull_policy: Always}
datastore: {kind: etcd, etcd: {members: 3, storage_class: fast}}
resources: {limits: {cpu: 2, memory: 2Gi}}
scheduling:
  node_selector: {pool: infra}
  tolerations: [{key: dedicated, operator: Exists, effect: NoExecute, toleration_seconds: 60}]
  priority_class_name: important
network_policy: {ingress_cidrs: [10.0.0.0/8], egress_cidrs: [10.20.0.0/16]}
"""


def everything() -> dict[str, list[dict[str, Any]]]:
    """All objects of every golden, and of a control plane that uses every value."""
    rendered = {name: list(render(source)) for name, source in cases().items()}
    full = blueprint(EVERYTHING)
    return {**rendered, "everything": [namespace(full.id), *render(full)]}


def pod_templates() -> list[dict[str, Any]]:
    return [
        item["spec"]["template"]
        for items in everything().values()
        for item in items
        if item["kind"] == "StatefulSet"
    ]


@pytest.mark.parametrize("minor", MINORS)
def test_every_object_is_valid_for_kubernetes(minor: str) -> None:
    found = {
        f"{name}: {item['kind']}/{item['metadata']['name']}": wrong
        for name, items in everything().items()
        for item in items
        if (wrong := complaints(item, minor))
    }
    assert found == {}


def test_the_schemas_refuse_a_misspelt_field() -> None:
    service = next(item for item in render(blueprint()) if item["kind"] == "Service")
    assert complaints({**service, "spec": {**service["spec"], "clusterIp": "None"}}, "1.36")


def test_every_pod_is_admitted_under_the_restricted_standard() -> None:
    assert [text for template in pod_templates() for text in violations(template)] == []


def _set(template: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(template)
    *way, last = path.split(".")
    at: Any = changed
    for step in way:
        at = at[int(step)] if step.isdecimal() else at.setdefault(step, {})
    at[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.hostNetwork", True),
        ("spec.hostPID", True),
        ("spec.volumes", [{"name": "host", "hostPath": {"path": "/"}}]),
        ("spec.securityContext.runAsUser", 0),
        ("spec.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
        ("spec.securityContext.seccompProfile", {"type": "Unconfined"}),
        ("spec.securityContext.seLinuxOptions", {"type": "spc_t"}),
        ("spec.securityContext.appArmorProfile", {"type": "Unconfined"}),
        ("spec.containers.0.securityContext.privileged", True),
        ("spec.containers.0.securityContext.allowPrivilegeEscalation", True),
        ("spec.containers.0.securityContext.procMount", "Unmasked"),
        ("spec.containers.0.securityContext.runAsNonRoot", False),
        ("spec.containers.0.securityContext.runAsUser", 0),
        ("spec.containers.0.securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        ("spec.containers.0.securityContext.capabilities", {}),
        ("spec.initContainers.0.securityContext", {}),
        ("spec.containers.0.ports", [{"containerPort": 6443, "hostPort": 6443}]),
        ("spec.containers.0.livenessProbe.httpGet.host", "127.0.0.1"),
        ("metadata.annotations", {"container.apparmor.security.beta.kubernetes.io/k3s": "unconfined"}),
    ],
)
def test_the_standard_refuses(path: str, value: Any) -> None:
    servers = render(blueprint())[-1]["spec"]["template"]
    assert violations(_set(servers, path, value))


def test_etcd_needs_no_more_than_the_servers() -> None:
    contexts = [
        container["securityContext"]
        for item in render(blueprint(ETCD_VALUES))
        if item["kind"] == "StatefulSet"
        for container in item["spec"]["template"]["spec"]["containers"]
    ]
    assert len(contexts) == 2
    assert contexts[0] == contexts[1]
    assert contexts[0]["readOnlyRootFilesystem"] is True
