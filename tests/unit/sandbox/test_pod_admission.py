"""Pod Security admission: which namespaces hold pods to which standard, and how they say so."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.resources import NAMESPACE, POD, STATEFUL_SET, Resource
from k3k_core.sandbox.api.registry import Definition, Registry
from k3k_core.sandbox.api.statuses import ApiError
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.pod_admission import PodSecurityAdmission

BARE = {"containers": [{"name": "c", "image": "i:1"}]}


def definition(resource: Resource) -> Definition:
    found = Registry().find(resource.group, resource.version, resource.plural)
    assert found is not None
    return found


def admission(**labels: str) -> PodSecurityAdmission:
    store = Store()
    marked = {f"pod-security.kubernetes.io/{name}": level for name, level in labels.items()}
    store.create(NAMESPACE, {"kind": "Namespace", "metadata": {"name": "ns", "labels": marked}})
    return PodSecurityAdmission(store)


def pod(spec: dict[str, Any] = BARE) -> dict[str, Any]:
    return {"metadata": {"name": "bad", "namespace": "ns"}, "spec": spec}


def workload() -> dict[str, Any]:
    return {"metadata": {"name": "set", "namespace": "ns"}, "spec": {"template": {"spec": BARE}}}


def test_an_unlabelled_namespace_takes_every_pod() -> None:
    assert admission()("CREATE", definition(POD), pod(), None) == []


def test_an_enforced_standard_refuses_with_403() -> None:
    with pytest.raises(ApiError) as raised:
        admission(enforce="restricted")("CREATE", definition(POD), pod(), None)
    assert raised.value.code == 403
    assert raised.value.reason == "Forbidden"
    assert str(raised.value).startswith('pods "bad" is forbidden: violates PodSecurity "restricted:latest": ')


def test_a_template_is_warned_about_and_not_refused() -> None:
    (warning,) = admission(enforce="restricted")("CREATE", definition(STATEFUL_SET), workload(), None)
    assert warning.startswith(
        'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
    )


def test_warnings_may_name_a_standard_of_their_own() -> None:
    assert (
        admission(enforce="restricted", warn="baseline")("CREATE", definition(STATEFUL_SET), workload(), None)
        == []
    )


def test_a_change_that_leaves_the_spec_alone_is_not_judged() -> None:
    old = pod()
    assert admission(enforce="restricted")("UPDATE", definition(POD), pod(), old) == []


@pytest.mark.parametrize(
    ("label", "value", "problem"),
    [
        ("enforce", "bogus", "must be one of privileged, baseline, restricted"),
        ("warn-version", "1.30", 'must be "latest" or "v1.x"'),
    ],
)
def test_a_namespace_cannot_ask_for_an_unknown_standard(label: str, value: str, problem: str) -> None:
    namespace = {"metadata": {"name": "ok", "labels": {f"pod-security.kubernetes.io/{label}": value}}}
    with pytest.raises(ApiError) as raised:
        admission()("CREATE", definition(NAMESPACE), namespace, None)
    assert str(raised.value) == (
        f'Namespace "ok" is invalid: metadata.labels[pod-security.kubernetes.io/{label}]: '
        f'Invalid value: "{value}": {problem}'
    )
