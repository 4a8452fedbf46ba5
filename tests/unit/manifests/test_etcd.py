"""A dedicated etcd."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from k3k_core.manifests import etcd_dns_names, etcd_stateful_set, render
from k3k_core.names import ControlPlaneId
from tests.support.blueprints import ETCD_VALUES, blueprint

ONE_MEMBER = "datastore: {kind: etcd}"


def stateful_set(text: str = ETCD_VALUES) -> dict[str, Any]:
    return etcd_stateful_set(blueprint(text))


def container(text: str = ETCD_VALUES) -> dict[str, Any]:
    found = stateful_set(text)["spec"]["template"]["spec"]["containers"][0]
    assert isinstance(found, dict)
    return found


def flags(text: str = ETCD_VALUES) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in container(text)["command"][1:])


def test_members_know_each_other_by_names_that_stay() -> None:
    assert flags()["initial-cluster"] == ",".join(
        f"dev-k3k-etcd-{number}=https://dev-k3k-etcd-{number}.dev-k3k-etcd.team.svc:2380"
        for number in range(3)
    )
    own = "https://$(POD_NAME).dev-k3k-etcd.team.svc"
    assert flags()["initial-advertise-peer-urls"] == f"{own}:2380"
    assert flags()["advertise-client-urls"] == f"{own}:2379"
    assert flags()["name"] == "$(POD_NAME)"


def test_clusters_do_not_mix() -> None:
    assert flags()["initial-cluster-token"] == "team-dev-k3k-etcd"


def test_nobody_talks_to_etcd_without_a_certificate() -> None:
    found = flags()
    assert found["client-cert-auth"] == found["peer-client-cert-auth"] == "true"
    assert found["trusted-ca-file"] != found["peer-trusted-ca-file"]
    assert all(
        found[key].startswith("https://") for key in found if key.endswith("-urls") and "metrics" not in key
    )


def test_only_health_and_metrics_are_open() -> None:
    assert flags()["listen-metrics-urls"] == "http://0.0.0.0:2381"
    assert container()["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 2381, "scheme": "HTTP"}


def test_files_that_the_flags_name_are_mounted() -> None:
    spec = stateful_set()["spec"]["template"]["spec"]
    (volume,) = [item for item in spec["volumes"] if item["name"] == "pki"]
    mounted = {f"/etc/k3k/pki/{item['path']}" for item in volume["secret"]["items"]}
    assert {value for key, value in flags().items() if key.endswith("-file")} == mounted


def test_the_clients_key_stays_with_the_client() -> None:
    spec = stateful_set()["spec"]["template"]["spec"]
    keys = {item["key"] for volume in spec["volumes"] for item in volume["secret"]["items"]}
    assert not {"client.key", "client.crt"} & keys


def test_every_member_has_a_volume_that_stays() -> None:
    (claim,) = stateful_set()["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["labels"]["k3k.ayedo.de/control-plane"] == "dev"
    assert claim["metadata"]["labels"]["app.kubernetes.io/component"] == "etcd"
    assert claim["spec"]["storageClassName"] == "fast"
    assert stateful_set()["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"


def test_without_persistence_data_goes_with_the_pod() -> None:
    spec = stateful_set(f"{ETCD_VALUES}persistence: {{enabled: false}}\n")["spec"]
    assert "volumeClaimTemplates" not in spec
    volumes = {item["name"]: item for item in spec["template"]["spec"]["volumes"]}
    assert volumes["data"]["emptyDir"]


def test_members_start_together_because_a_quorum_makes_them_ready() -> None:
    assert stateful_set()["spec"]["podManagementPolicy"] == "Parallel"
    assert stateful_set()["spec"]["replicas"] == 3


def test_one_member_has_no_budget_so_that_its_node_can_be_drained() -> None:
    kinds = [item["kind"] for item in render(blueprint(ONE_MEMBER))]
    assert "PodDisruptionBudget" not in kinds
    assert flags(ONE_MEMBER)["initial-cluster"].count("https://") == 1


def test_one_of_three_members_may_be_evicted_while_the_others_are_healthy() -> None:
    budgets = {
        item["metadata"]["name"]: item["spec"]
        for item in render(blueprint(ETCD_VALUES))
        if item["kind"] == "PodDisruptionBudget"
    }
    assert budgets["dev-k3k-etcd"]["maxUnavailable"] == 1
    assert budgets["dev-k3k-etcd"]["unhealthyPodEvictionPolicy"] == "IfHealthyBudget"
    assert budgets["dev-k3k"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_the_servers_are_named_before_they_are_ready() -> None:
    objects = render(blueprint(ETCD_VALUES))
    services = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Service"}
    for name in ("dev-k3k-etcd", "dev-k3k-servers"):
        assert services[name]["spec"]["publishNotReadyAddresses"] is True
        assert services[name]["spec"]["clusterIP"] == "None"


def test_certificates_hold_the_names_of_three_members_whatever_their_number() -> None:
    names = etcd_dns_names(ControlPlaneId("team", "dev"))
    assert "dev-k3k-etcd-2.dev-k3k-etcd.team.svc" in names
    assert "dev-k3k-etcd.team.svc" in names


def test_the_image_is_that_of_the_values() -> None:
    text = "datastore: {kind: etcd, etcd: {image: 'registry.k8s.io/etcd:3.6.8-0'}}"
    assert container(text)["image"] == "registry.k8s.io/etcd:3.6.8-0"


def guard(text: str = ETCD_VALUES) -> dict[str, Any]:
    (found,) = stateful_set(text)["spec"]["template"]["spec"]["initContainers"]
    assert isinstance(found, dict)
    return found


def run_guard(volume: Path, **variables: str) -> int:
    """Run the guard's command as it stands, on another volume."""
    words = [word.replace("/var/lib/etcd", str(volume)) for word in guard()["command"]]
    environment = {"PATH": os.environ["PATH"], "POD_NAME": "dev-k3k-etcd-1", **variables}
    return subprocess.run(words, env=environment, check=False, capture_output=True).returncode


def test_a_new_cluster_may_begin_without_data(tmp_path: Path) -> None:
    assert run_guard(tmp_path) == 0


def test_once_its_cluster_has_formed_a_member_needs_its_data(tmp_path: Path) -> None:
    assert run_guard(tmp_path, STATE="existing", JOINING="") == 1
    (tmp_path / "data/member/wal").mkdir(parents=True)
    assert run_guard(tmp_path, STATE="existing", JOINING="dev-k3k-etcd-10 dev-k3k-etcd-11") == 1
    (tmp_path / "data/member/wal/0-0.wal").touch()
    assert run_guard(tmp_path, STATE="existing", JOINING="") == 0


def test_a_member_that_is_to_replace_another_may_begin_without_data(tmp_path: Path) -> None:
    assert run_guard(tmp_path, STATE="existing", JOINING="dev-k3k-etcd-0 dev-k3k-etcd-1") == 0


def test_whether_a_cluster_is_new_is_read_when_a_member_starts() -> None:
    assert "--initial-cluster-state" not in " ".join(container()["command"])
    (variable,) = [item for item in container()["env"] if item["name"] == "ETCD_INITIAL_CLUSTER_STATE"]
    reference = variable["valueFrom"]["configMapKeyRef"]
    assert reference == {"name": "dev-k3k-etcd", "key": "initial-cluster-state", "optional": True}


def test_another_version_of_k3s_leaves_members_alone_once_the_guard_is_settled() -> None:
    settled = ETCD_VALUES.replace("members: 3", "members: 3, guard_image: 'k3s:v1.30.1-k3s1'")
    images = {
        guard(f"version: {version}\n{settled}")["image"] for version in ("v1.30.1+k3s1", "v1.31.1+k3s1")
    }
    assert images == {"k3s:v1.30.1-k3s1"}
