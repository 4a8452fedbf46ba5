"""The StatefulSet of k3s servers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from k3k_core.manifests import Address, server_stateful_set
from tests.support.blueprints import ETCD_VALUES, EXTERNAL_VALUES, OWN_SECRET_VALUES, PKI, blueprint


def spec(text: str = "", **more: Any) -> dict[str, Any]:
    found = server_stateful_set(blueprint(text, **more))["spec"]
    assert isinstance(found, dict)
    return found


def pod(text: str = "", **more: Any) -> dict[str, Any]:
    found = spec(text, **more)["template"]["spec"]
    assert isinstance(found, dict)
    return found


def container(text: str = "", **more: Any) -> dict[str, Any]:
    found = pod(text, **more)["containers"][0]
    assert isinstance(found, dict)
    return found


def volume(text: str, name: str, **more: Any) -> dict[str, Any]:
    found = {item["name"]: item for item in pod(text, **more)["volumes"]}[name]
    assert isinstance(found, dict)
    return found


def checksum(text: str = "", **more: Any) -> str:
    return str(spec(text, **more)["template"]["metadata"]["annotations"]["k3k.ayedo.de/checksum"])


def test_the_image_is_that_of_the_version() -> None:
    text = "version: v1.33.4+k3s1\nimage: {repository: registry.example.org/k3s, pull_policy: Always}"
    assert container(text)["image"] == "registry.example.org/k3s:v1.33.4-k3s1"
    assert container(text)["imagePullPolicy"] == "Always"


def test_both_containers_run_the_same_image() -> None:
    found = pod("version: v1.33.4+k3s1")
    assert found["initContainers"][0]["image"] == found["containers"][0]["image"]


def test_k3s_is_told_to_be_a_server() -> None:
    assert container()["args"] == ["server", "--config", "/etc/k3k/config/config.yaml"]
    assert "command" not in container()


def test_pods_get_nothing_of_the_host() -> None:
    found = pod()
    assert found["automountServiceAccountToken"] is False
    assert found["enableServiceLinks"] is False
    assert found["serviceAccountName"] == "dev-k3k"


def test_only_data_etc_rancher_and_tmp_are_writable() -> None:
    found = container()
    assert found["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {item["mountPath"] for item in found["volumeMounts"] if not item.get("readOnly")}
    assert writable == {"/var/lib/rancher/k3s", "/etc/rancher", "/tmp"}


def test_the_data_directory_is_where_the_values_say() -> None:
    text = "k3s: {data_dir: /data/k3s}"
    mounts = {item["name"]: item["mountPath"] for item in container(text)["volumeMounts"]}
    assert mounts["data"] == "/data/k3s"
    environment = {item["name"]: item.get("value") for item in pod(text)["initContainers"][0]["env"]}
    assert environment["TLS_DIR"] == "/data/k3s/server/tls"


def test_authorities_are_not_mounted_where_k3s_runs() -> None:
    assert "pki" not in {item["name"] for item in container()["volumeMounts"]}


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_show_who_they_are(probe: str) -> None:
    request = container()[probe]["httpGet"]
    assert request["scheme"] == "HTTPS"
    assert request["port"] == 6443
    assert request["httpHeaders"] == [{"name": "Authorization", "value": "Bearer secret-probe-token"}]


def test_a_start_may_take_fifteen_minutes_and_is_seen_within_a_second() -> None:
    startup = container()["startupProbe"]
    assert startup["periodSeconds"] == 1
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 15 * 60


def test_a_server_is_not_restarted_because_its_datastore_is_away() -> None:
    assert container()["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container(ETCD_VALUES)["livenessProbe"]["httpGet"]["path"] == "/livez?exclude=etcd"


def test_sqlite_has_a_volume_that_can_be_found_and_outlives_the_servers() -> None:
    found = spec("persistence: {size: 9Gi, storage_class: fast}")
    (claim,) = found["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["metadata"]["labels"]["k3k.ayedo.de/control-plane"] == "dev"
    assert claim["spec"]["resources"] == {"requests": {"storage": "9Gi"}}
    assert claim["spec"]["storageClassName"] == "fast"
    assert found["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_claims_do_not_change_with_the_version() -> None:
    old, new = (spec(f"version: {version}") for version in ("v1.33.4+k3s1", "v1.34.1+k3s1"))
    assert old["volumeClaimTemplates"] == new["volumeClaimTemplates"]
    assert old["selector"] == new["selector"]


def test_the_hosts_default_storage_class_is_not_named() -> None:
    assert "storageClassName" not in spec()["volumeClaimTemplates"][0]["spec"]


def test_without_persistence_data_is_bounded_and_goes_with_the_pod() -> None:
    text = "persistence: {enabled: false, size: 2Gi}"
    assert "volumeClaimTemplates" not in spec(text)
    assert volume(text, "data") == {"name": "data", "emptyDir": {"sizeLimit": "2Gi"}}


@pytest.mark.parametrize("text", [ETCD_VALUES, EXTERNAL_VALUES])
def test_servers_beside_their_datastore_keep_nothing(text: str) -> None:
    assert "volumeClaimTemplates" not in spec(text)
    assert "emptyDir" in volume(text, "data")


def test_servers_start_at_the_same_time() -> None:
    assert spec(ETCD_VALUES)["podManagementPolicy"] == "Parallel"
    assert spec(ETCD_VALUES)["replicas"] == 3


def test_the_dsn_comes_from_the_tokens_secret() -> None:
    environment = {item["name"]: item for item in container(EXTERNAL_VALUES)["env"]}
    assert environment["K3S_DATASTORE_ENDPOINT"]["valueFrom"] == {
        "secretKeyRef": {"name": "dev-k3k-tokens", "key": "datastore-endpoint"}
    }


def test_the_dsn_comes_from_the_users_own_secret_if_there_is_one() -> None:
    environment = {item["name"]: item for item in container(OWN_SECRET_VALUES)["env"]}
    assert environment["K3S_DATASTORE_ENDPOINT"]["valueFrom"] == {
        "secretKeyRef": {"name": "dev-datastore", "key": "endpoint"}
    }
    assert volume(OWN_SECRET_VALUES, "datastore")["secret"]["optional"] is True


def test_only_the_clients_part_of_etcds_certificates_is_mounted() -> None:
    items = volume(ETCD_VALUES, "datastore")["secret"]["items"]
    assert [item["key"] for item in items] == ["ca.crt", "client.crt", "client.key"]


def test_sqlite_needs_no_datastore_volume() -> None:
    assert "datastore" not in {item["name"] for item in pod()["volumes"]}


def test_resources_apply_to_both_containers() -> None:
    text = "resources: {requests: {cpu: 250m, memory: 1Gi}, limits: {memory: 2Gi}}"
    expected = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    assert container(text)["resources"] == expected
    assert pod(text)["initContainers"][0]["resources"] == expected


def test_placement_follows_the_values() -> None:
    found = pod(
        "scheduling:\n"
        "  node_selector: {pool: infra}\n"
        "  tolerations: [{key: dedicated, operator: Exists, effect: NoExecute, toleration_seconds: 0}]\n"
        "  priority_class_name: important\n"
        "image: {pull_secrets: [registry]}\n"
    )
    assert found["nodeSelector"] == {"pool": "infra"}
    assert found["tolerations"] == [
        {"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
    ]
    assert found["priorityClassName"] == "important"
    assert found["imagePullSecrets"] == [{"name": "registry"}]
    assert "topologySpreadConstraints" not in found


def test_several_servers_are_spread_if_they_can_be() -> None:
    constraints = pod(ETCD_VALUES)["topologySpreadConstraints"]
    assert {item["topologyKey"] for item in constraints} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert {item["whenUnsatisfiable"] for item in constraints} == {"ScheduleAnyway"}
    assert "topologySpreadConstraints" not in pod(f"{ETCD_VALUES}scheduling: {{topology_spread: false}}\n")


def test_a_changed_configuration_rolls_the_pods() -> None:
    assert checksum() == checksum()
    assert checksum() != checksum("k3s: {debug: true}")
    assert checksum() != checksum(address=Address("203.0.113.8"))


def test_a_changed_dsn_rolls_the_pods() -> None:
    assert checksum(EXTERNAL_VALUES) != checksum(EXTERNAL_VALUES.replace("secret-password", "another"))


def test_a_server_beside_others_answers_on_until_no_connections_are_led_to_it() -> None:
    assert container(ETCD_VALUES)["lifecycle"]["preStop"]["exec"]["command"][-1] == "sleep 3"
    assert "lifecycle" not in container("")


def test_scaling_rolls_no_pods() -> None:
    assert checksum(ETCD_VALUES) == checksum(ETCD_VALUES.replace("servers: 3", "servers: 2"))


FOLDERS = ("pki", "tls", "tokens", "node", "server", "restore", "manifests", "k3s_manifests")
# The one that only a restore sets, and the one file among folders.
OTHERS = {"RESTORE", "PASSWD"}


class TestInitContainer:
    """The script of the init container, run by a real shell."""

    @pytest.fixture
    def folders(self, tmp_path: Path) -> dict[str, Path]:
        folders = {name: tmp_path / name for name in FOLDERS}
        for name in ("pki", "tokens"):
            folders[name].mkdir()
        for name, text in PKI.to_secret_data().items():
            (folders["pki"] / name).write_text(text)
            (folders["pki"] / name).chmod(0o440)
        (folders["tokens"] / "node-password").write_text("secret-node-password")
        return folders

    def run(self, folders: dict[str, Path]) -> None:
        init = pod()["initContainers"][0]
        environment = {f"{name.upper()}_DIR": str(path) for name, path in folders.items()}
        assert {item["name"] for item in init["env"]} - OTHERS == set(environment)
        subprocess.run(init["command"], env={"PATH": "/usr/bin:/bin", **environment}, check=True, timeout=30)

    def test_puts_the_authorities_where_k3s_looks(self, folders: dict[str, Path]) -> None:
        self.run(folders)
        tls = folders["tls"]
        found = {str(path.relative_to(tls)) for path in tls.rglob("*") if path.is_file()}
        assert found == {
            *(
                f"{name}-ca.{end}"
                for name in ("server", "client", "request-header")
                for end in ("crt", "key")
            ),
            *(f"etcd/{name}-ca.{end}" for name in ("server", "peer") for end in ("crt", "key")),
            "service.key",
        }
        assert (tls / "etcd" / "peer-ca.key").read_text() == PKI.etcd_peer_ca.key_pem

    def test_keeps_keys_private_and_writable(self, folders: dict[str, Path]) -> None:
        self.run(folders)
        assert (folders["tls"] / "server-ca.key").stat().st_mode & 0o777 == 0o600

    def test_leaves_what_k3s_has_already(self, folders: dict[str, Path]) -> None:
        folders["tls"].mkdir()
        (folders["tls"] / "server-ca.crt").write_text("rotated")
        self.run(folders)
        assert (folders["tls"] / "server-ca.crt").read_text() == "rotated"

    def test_can_be_interrupted_and_repeated(self, folders: dict[str, Path]) -> None:
        folders["tls"].mkdir()
        (folders["tls"] / "service.key.new").write_text("half a k")
        self.run(folders)
        self.run(folders)
        assert (folders["tls"] / "service.key").read_text() == PKI.service_key_pem
        assert not list(folders["tls"].rglob("*.new"))

    def test_keeps_the_node_password_of_the_pod_before(self, folders: dict[str, Path]) -> None:
        self.run(folders)
        assert (folders["node"] / "password").read_text() == "secret-node-password"

    def test_goes_on_without_a_node_password(self, folders: dict[str, Path]) -> None:
        (folders["tokens"] / "node-password").unlink()
        self.run(folders)
        assert not folders["node"].exists()

    def test_puts_the_manifests_of_the_values_where_k3s_applies_them(self, folders: dict[str, Path]) -> None:
        folders["manifests"].mkdir()
        (folders["manifests"] / "apps.yaml").write_text("kind: Namespace\n")
        self.run(folders)
        assert (folders["k3s_manifests"] / "apps.yaml").read_text() == "kind: Namespace\n"

    def test_takes_manifests_away_that_the_values_no_longer_hold(self, folders: dict[str, Path]) -> None:
        folders["k3s_manifests"].mkdir()
        (folders["k3s_manifests"] / "old.yaml").write_text("kind: Namespace\n")
        self.run(folders)
        assert not folders["k3s_manifests"].exists()
