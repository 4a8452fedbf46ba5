"""The CronJob that prunes: what it runs, as whom, and that every host takes it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from k3k_core.manifests.prune import PruneJob, prune_manifests
from tests.support.pod_security import violations
from tests.support.schemas import MINORS, complaints

JOB = PruneJob("ops", "registry.example.org/k3k:1", "*/15 * * * *", options=("--older-than", "86400s"))
EVERYWHERE = PruneJob("ops", "registry.example.org/k3k:1", "@hourly", everywhere=True)


def kinds(job: PruneJob) -> dict[str, dict[str, Any]]:
    return {item["kind"]: item for item in prune_manifests(job)}


def test_it_prunes_where_it_was_asked_to() -> None:
    assert JOB.command == ["k3k", "prune", "--yes", "--namespace", "ops", "--older-than", "86400s"]
    assert EVERYWHERE.command == ["k3k", "prune", "--yes", "--all-namespaces"]
    assert set(kinds(JOB)) == {"ServiceAccount", "Role", "RoleBinding", "CronJob"}
    assert set(kinds(EVERYWHERE)) == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "CronJob"}


def test_it_may_make_nothing_and_give_nobody_rights() -> None:
    rules = kinds(JOB)["Role"]["rules"]
    assert not {"*", "create", "update", "deletecollection", "escalate", "bind"} & {
        verb for rule in rules for verb in rule["verbs"] if rule["resources"] != ["secrets/finalizers"]
    }
    assert all("*" not in (*rule["resources"], *rule["apiGroups"]) for rule in rules)


def test_its_pod_is_restricted_and_two_never_run_at_once() -> None:
    spec = kinds(JOB)["CronJob"]["spec"]
    assert violations(spec["jobTemplate"]["spec"]["template"]) == []
    assert spec["concurrencyPolicy"] == "Forbid"


@pytest.mark.parametrize("minor", [MINORS[0], MINORS[-1]])
@pytest.mark.parametrize("job", [JOB, EVERYWHERE], ids=["a namespace", "everywhere"])
def test_the_schemas_of_every_host_take_it(minor: str, job: PruneJob) -> None:
    for manifest in prune_manifests(job):
        assert complaints(manifest, minor) == [], manifest["kind"]


def test_it_reads_as_plain_yaml_without_anchors() -> None:
    text = yaml.safe_dump_all(prune_manifests(JOB), sort_keys=False)
    assert "&id" not in text
