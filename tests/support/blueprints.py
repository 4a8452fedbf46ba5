"""Blueprints with credentials that are plain words: a leak shows, and output is the same every time."""

from __future__ import annotations

from k3k_core.manifests import Address, Blueprint, OwnerReference
from k3k_core.names import ControlPlaneId
from k3k_core.pki import Authority, ControlPlanePki, EtcdPki, Leaf, Tokens
from k3k_core.values import load_values

AYEDO_VALUES = """\
loadbalancer:
  enabled: true
  class_name: ""
  ip: "1.2.3.4"
k3s:
  token: "secret-token-of-the-user"
  agent_token: "secret-agent-token-of-the-user"
  cluster_cidr: "10.42.0.0/16"
  service_cidr: "10.43.0.0/16"
  cluster_dns: "10.43.0.10"
  cluster_domain: "cluster.local"
  data_dir: /var/lib/rancher/k3s
  log_level: "0"
  debug: false
  disable:
    agent: true
    flannel: true
    helm_controller: true
    network_policy: true
    traefik: true
    localstorage: true
    servicelb: true
    kube_proxy: true
    cloud_controller: false
  egress_selector_mode: "pod"
  kubeconfig:
    filename: kubeconfig.yaml
    mode: "0644"
"""
ETCD_VALUES = """\
servers: 3
datastore:
  kind: etcd
  etcd: {members: 3, storage_class: fast}
"""
EXTERNAL_VALUES = """\
servers: 2
loadbalancer: {enabled: false}
service: {type: NodePort, node_port: 30643}
datastore:
  kind: external
  external: {endpoint: "postgres://secret-user:secret-password@db.example.org:5432/dev?sslmode=verify-full"}
"""
OWN_SECRET_VALUES = """\
servers: 2
datastore: {kind: external, external: {secret_name: dev-datastore}}
"""
HARDENED_VALUES = """\
resources: {limits: {cpu: "2", memory: 2Gi}}
scheduling: {architecture: arm64}
tenancy: {quota: {enabled: true}, limits: {enabled: true}}
k3s:
  secrets_encryption: {enabled: true, provider: secretbox}
  audit:
    policy: |
      apiVersion: audit.k8s.io/v1
      kind: Policy
      rules: [{level: Metadata}]
  oidc: {issuer_url: "https://login.example.org", client_id: k3k, groups_claim: groups, groups_prefix: "oidc:"}
  admission:
    enable: [AlwaysPullImages]
    config: |
      apiVersion: apiserver.config.k8s.io/v1
      kind: AdmissionConfiguration
      plugins: []
  registries: {mirrors: {docker.io: {endpoint: ["https://mirror.example.org"]}}}
  manifests:
    apps.yaml: |
      apiVersion: v1
      kind: Namespace
      metadata: {name: apps}
  extra_volumes: [{name: webhook, path: /etc/webhook, secret: webhook-credentials}]
"""
ADDRESS = Address("203.0.113.7")
OWNER = OwnerReference("dev-k3k", "6f5c3a3e-6a0d-4b6f-9a51-1d7d0a5b8c11")
PROBE_TOKEN = "secret-probe-token"


def authority(name: str) -> Authority:
    """Return an authority that is none."""
    return Authority(f"{name} certificate\n", f"secret {name} key\n")


def leaf(name: str) -> Leaf:
    """Return a certificate that is none."""
    return Leaf(f"{name} certificate\n", f"secret {name} key\n")


PKI = ControlPlanePki(
    server_ca=authority("server-ca"),
    client_ca=authority("client-ca"),
    request_header_ca=authority("request-header-ca"),
    etcd_server_ca=authority("etcd-server-ca"),
    etcd_peer_ca=authority("etcd-peer-ca"),
    service_key_pem="secret service-account key\n",
)
ETCD_PKI = EtcdPki(
    ca_pem=PKI.etcd_server_ca.cert_pem,
    peer_ca_pem=PKI.etcd_peer_ca.cert_pem,
    server=leaf("etcd server"),
    peer=leaf("etcd peer"),
    client=leaf("etcd client"),
)


def blueprint(
    text: str = "",
    *,
    name: str = "dev",
    namespace: str = "team",
    preset: str | None = None,
    address: Address | None = ADDRESS,
    owner: OwnerReference | None = OWNER,
    datastore_files: frozenset[str] = frozenset(),
) -> Blueprint:
    """Return the blueprint of a control plane.

    Args:
        text: its values file.
        name: its name.
        namespace: its namespace.
        preset: preset to lay under the values.
        address: where its API is.
        owner: its root Secret.
        datastore_files: files in the user's own datastore Secret.
    """
    values = load_values(text, preset=preset).values
    return Blueprint(
        id=ControlPlaneId(namespace, name),
        values=values,
        pki=PKI,
        tokens=Tokens(
            server=values.k3s.token or "secret-server-token",
            agent=values.k3s.agent_token or "secret-agent-token",
            probe=PROBE_TOKEN,
            monitor="secret-monitor-token",
            datastore_endpoint=values.datastore.external.endpoint or "",
        ),
        admin_kubeconfig="secret admin kubeconfig\n",
        address=address,
        owner=owner,
        etcd_pki=ETCD_PKI if values.datastore.kind == "etcd" else None,
        datastore_files=datastore_files,
    )
