"""Pod Security admission: what is refused, and in which words."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from k3k_core.sandbox.pod_security import refusal, violations

RESTRICTED: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "k3s",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "pki", "secret": {"secretName": "x"}}],
}


def spec(**changes: Any) -> dict[str, Any]:
    changed = deepcopy(RESTRICTED)
    context = changes.pop("container", None)
    if context:
        changed["containers"][0]["securityContext"].update(context)
    changed.update(changes)
    return changed


def test_admits_a_restricted_pod() -> None:
    assert violations(RESTRICTED) == []
    assert refusal("x", RESTRICTED, "restricted") is None


def test_words_the_refusal_like_the_real_admission() -> None:
    bare = {"containers": [{"name": "k3s", "image": "rancher/k3s:v1.33.4-k3s1"}]}
    assert refusal("cp-0", bare, "restricted") == (
        'pods "cp-0" is forbidden: violates PodSecurity "restricted:latest": '
        "allowPrivilegeEscalation != false "
        '(container "k3s" must set securityContext.allowPrivilegeEscalation=false), '
        'unrestricted capabilities (container "k3s" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or container "k3s" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or container "k3s" must set securityContext.seccompProfile.type '
        'to "RuntimeDefault" or "Localhost")'
    )


def test_names_every_offending_container_init_containers_first() -> None:
    two = spec(initContainers=[{"name": "pki"}], containers=[{"name": "k3s"}])
    assert (
        'containers "pki", "k3s" must set securityContext.allowPrivilegeEscalation=false'
        in violations(two)[0]
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hostNetwork": True}, "host namespaces (hostNetwork=true)"),
        (
            {"volumes": [{"name": "etc", "hostPath": {"path": "/etc"}}]},
            'restricted volume types (volume "etc" uses restricted volume type "hostPath")',
        ),
        (
            {"container": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}},
            (
                'unrestricted capabilities (container "k3s" must not include "NET_ADMIN" in '
                "securityContext.capabilities.add)"
            ),
        ),
        (
            {"container": {"privileged": True}},
            'privileged (container "k3s" must not set securityContext.privileged=true)',
        ),
        ({"container": {"runAsUser": 0}}, 'runAsUser=0 (container "k3s" must not set runAsUser=0)'),
        (
            {"container": {"runAsNonRoot": False}},
            'runAsNonRoot != true (container "k3s" must not set securityContext.runAsNonRoot=false)',
        ),
        (
            {"container": {"seccompProfile": {"type": "Unconfined"}}},
            (
                'seccompProfile (container "k3s" must not set securityContext.seccompProfile.type '
                'to "Unconfined")'
            ),
        ),
    ],
)
def test_refuses_what_restricted_forbids(changes: dict[str, Any], expected: str) -> None:
    assert violations(spec(**changes)) == [expected]


def test_baseline_lets_an_unconfigured_container_pass_but_no_host_path() -> None:
    assert violations({"containers": [{"name": "web"}]}, "baseline") == []
    found = violations(
        {"containers": [{"name": "web"}], "volumes": [{"name": "etc", "hostPath": {}}]}, "baseline"
    )
    assert found == ['hostPath volumes (volume "etc")']


def test_privileged_namespaces_admit_everything() -> None:
    assert violations({"containers": [{"name": "web"}], "hostNetwork": True}, "privileged") == []
