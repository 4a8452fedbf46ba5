"""The model of a values file: the one source of its validation, its JSON Schema and its reference page.

Single values are checked here, by their types. What concerns several values together is in `rules`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from k3k_core.values import amounts, networks
from k3k_core.values import fields as f
from k3k_core.values.block import Block
from k3k_core.values.model_agents import Agents
from k3k_core.values.model_backup import Backup
from k3k_core.values.model_datastore import Datastore, Persistence
from k3k_core.values.model_hardening import (
    Admission,
    Audit,
    ExtraVolume,
    Oidc,
    SecretsEncryption,
    Tenancy,
)
from k3k_core.values.tiers import with_tier
from k3k_core.versions import DEFAULT_VERSION, IMAGE_REPOSITORY


class LoadBalancer(Block):
    """The Service of type LoadBalancer through which clients reach the control plane."""

    enabled: bool = Field(
        default=True,
        description="Whether the Service is of type LoadBalancer. If false, `service` says what it "
        "is instead.",
    )
    class_name: f.OptionalQualifiedName = Field(
        default="",
        description="Load-balancer class, for hosts with more than one implementation. Empty: the "
        "host's default.",
        examples=["metallb"],
    )
    ip: f.ServiceAddress = Field(
        default="",
        description="Fixed address to ask the host for. Empty: whatever the host gives.",
        examples=["203.0.113.7"],
    )
    annotations: dict[f.QualifiedName, str] = Field(
        default_factory=dict,
        description="Annotations of the Service, as load-balancer implementations read them.",
        examples=[{"metallb.io/address-pool": "public"}],
    )
    source_ranges: list[f.Network] = Field(
        default_factory=list,
        description="Networks from which the load balancer takes connections. Empty: from everywhere.",
        examples=[["198.51.100.0/24"]],
    )


class Service(Block):
    """The Service when `loadbalancer.enabled` is false."""

    type: Literal["ClusterIP", "NodePort"] = Field(
        default="ClusterIP",
        description="ClusterIP: reachable inside the host cluster only. NodePort: on a port of every node.",
    )
    node_port: f.NodePort | None = Field(
        default=None,
        description="Port on the nodes, only with type NodePort. Omitted: the host chooses one.",
        examples=[30643],
    )


class Disable(Block):
    """Components of k3s that are switched off. What is left out here has its default, also beside others."""

    agent: Literal[True] = Field(
        default=True,
        description="The agent in the server's own pod. Always true: k3k runs agent-less control planes.",
    )
    flannel: bool = Field(
        default=True,
        description="Flannel on the agents. True means that the agents bring their own network (CNI).",
    )
    helm_controller: bool = Field(
        default=True, description="The controller for HelmChart objects, whose jobs need nodes to run on."
    )
    network_policy: bool = Field(default=True, description="k3s' network policy controller on the agents.")
    traefik: bool = Field(
        default=True, description="The packaged Traefik; false needs `helm_controller: false` too."
    )
    localstorage: bool = Field(default=True, description="The packaged local-path storage provisioner.")
    servicelb: bool = Field(default=True, description="The packaged load balancer, which needs nodes.")
    kube_proxy: bool = Field(
        default=False,
        description="kube-proxy on the agents. Costs nothing without agents, so it stays on for "
        "those that join.",
    )
    cloud_controller: bool = Field(
        default=True,
        description="k3s' cloud controller. If it runs, the scheduler waits until a node has joined.",
    )


class Kubeconfig(Block):
    """The admin kubeconfig."""

    filename: f.SecretKey = Field(
        default="kubeconfig.yaml",
        description="Key under which the kubeconfig stands in the Secret `NAME-k3k-kubeconfig`.",
    )
    mode: f.FileMode = Field(
        default="0600",
        description="Mode of the kubeconfig file that k3s writes inside its pod. Quote it: YAML "
        "has octal numbers.",
        examples=["0644"],
    )


def _default_dns(data: dict[str, Any]) -> str:
    return networks.default_dns(data["service_cidr"])


class K3s(Block):
    """Settings of k3s itself."""

    token: f.Token | None = Field(
        default=None,
        repr=False,
        description="Password with which servers join; it also encrypts the bootstrap data in the datastore. "
        "Omitted: generated once and kept.",
    )
    agent_token: f.Token | None = Field(
        default=None,
        repr=False,
        description="Password with which agents join. It should differ from `token`, which can "
        "read the CA keys. "
        "Omitted: generated once and kept.",
    )
    cluster_cidr: f.Networks = Field(
        default="10.42.0.0/16",
        description="Network of the pods. For dual stack an IPv4 and an IPv6 network with a comma "
        "between them.",
        examples=["10.42.0.0/16,fd00:42::/56"],
    )
    service_cidr: f.Networks = Field(
        default="10.43.0.0/16",
        description="Network of the Services; it must not overlap with `cluster_cidr`.",
        examples=["10.43.0.0/16,fd00:43::/112"],
    )
    cluster_dns: f.Addresses = Field(
        default_factory=_default_dns,
        description="Address of the cluster DNS, inside `service_cidr`. Omitted: the tenth address "
        "of `service_cidr`.",
        examples=["10.43.0.10"],
    )
    cluster_domain: f.Domain = Field(default="cluster.local", description="DNS domain of the Services.")
    data_dir: f.DataDir = Field(
        default="/var/lib/rancher/k3s", description="Directory of k3s' state; a volume is mounted there."
    )
    log_level: f.LogLevel = Field(
        default="0", description="Verbosity of the Kubernetes components, 0 to 10 (k3s' flag `v`)."
    )
    debug: bool = Field(default=False, description="Debug messages of k3s itself.")
    disable: Disable = Field(default_factory=Disable)
    egress_selector_mode: Literal["agent", "cluster", "pod", "disabled"] = Field(
        default="cluster",
        description="How the API server reaches nodes and pods. cluster: all through the agents' "
        "tunnels, webhooks and "
        "aggregated APIs included. pod: the same, but only to pods already seen. agent: kubelets only. "
        "disabled: directly. k3s older than v1.24.0 (v1.23.7) does not know it and is not given it.",
    )
    kubeconfig: Kubeconfig = Field(default_factory=Kubeconfig)
    tls_sans: list[f.SubjectName] = Field(
        default_factory=list,
        description="More names and addresses for the server certificate. Those of the Service are "
        "in it already. "
        "Wildcards need k3s v1.36.2.",
        examples=[["api.example.org"]],
    )
    secrets_encryption: SecretsEncryption = Field(default_factory=SecretsEncryption)
    audit: Audit = Field(default_factory=Audit)
    oidc: Oidc = Field(default_factory=Oidc)
    admission: Admission = Field(default_factory=Admission)
    registries: dict[str, Any] = Field(
        default_factory=dict,
        description="Contents of registries.yaml, for the agents: mirrors and their settings. Not for passwords.",
        examples=[{"mirrors": {"docker.io": {"endpoint": ["https://mirror.example.org"]}}}],
    )
    manifests: dict[f.SecretKey, str] = Field(
        default_factory=dict,
        description="Manifests by file name that k3s applies at every start (`server/manifests`). Not for secrets: "
        "they are stored in a ConfigMap.",
        examples=[{"namespaces.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: apps\n"}],
    )
    extra_volumes: list[ExtraVolume] = Field(
        default_factory=list, description="Secrets and ConfigMaps to mount into every server."
    )
    extra_args: list[f.ExtraArg] = Field(
        default_factory=list,
        description="More flags for `k3s server`, each `--flag` or `--flag=value`. Flags that a "
        "value or k3k itself "
        "governs, and those that do not work in a pod, are refused. Not for secrets: they are "
        "stored in a ConfigMap.",
        examples=[["--kube-apiserver-arg=audit-log-path=-"]],
    )


class Image(Block):
    """The image of the k3s servers."""

    repository: f.Repository = Field(
        default=IMAGE_REPOSITORY, description="Image without tag; the tag comes from `version`."
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="When the nodes pull images."
    )
    pull_secrets: list[f.ObjectName] = Field(
        default_factory=list,
        description="Names of Secrets in the same namespace with credentials for registries.",
        examples=[["registry-credentials"]],
    )


class Requests(Block):
    """What each server is guaranteed."""

    cpu: f.Cpu = Field(default="100m", description="Processor time in cores.", examples=["250m"])
    memory: f.Size = Field(default="512Mi", description="Memory; an idle server takes about 450 MiB.")


class Limits(Block):
    """What each server may use at most."""

    cpu: f.Cpu | None = Field(
        default=None, description="Processor time in cores. Omitted: no limit.", examples=["2"]
    )
    memory: f.Size | None = Field(
        default=None,
        description="Memory; a server that needs more is killed. Omitted: no limit.",
        examples=["2Gi"],
    )


class Resources(Block):
    """Resources of each k3s server."""

    requests: Requests = Field(default_factory=Requests)
    limits: Limits = Field(default_factory=Limits)


class Toleration(Block):
    """One toleration, as in a pod."""

    key: f.OptionalQualifiedName = Field(default="", description="Key of the taint. Empty, with Exists: all.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How to compare.")
    value: f.LabelValue = Field(default="", description="Value of the taint, only with Equal.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="", description="Effect of the taint. Empty: every effect."
    )
    toleration_seconds: f.Seconds | None = Field(
        default=None, description="How long to stay on a node, only with NoExecute. Omitted: for good."
    )


class Scheduling(Block):
    """On which nodes of the host the pods run."""

    node_selector: dict[f.QualifiedName, f.LabelValue] = Field(
        default_factory=dict, description="Labels that a node must have.", examples=[{"node-pool": "infra"}]
    )
    tolerations: list[Toleration] = Field(
        default_factory=list,
        description="Taints that do not matter.",
        examples=[[{"key": "dedicated", "operator": "Exists"}]],
    )
    architecture: Literal["", "amd64", "arm64"] = Field(
        default="", description="Architecture of the nodes; every image has both. Empty: any."
    )
    priority_class_name: f.OptionalObjectName = Field(
        default="", description="Priority class of the pods. Empty: the host's default."
    )
    topology_spread: bool = Field(
        default=True,
        description="Whether several servers, and etcd members, are spread over nodes and zones.",
    )


class NetworkPolicy(Block):
    """Network policy around the pods of the control plane: everything else is refused."""

    enabled: bool = Field(
        default=True, description="Whether there is one. The host's network must support it."
    )
    ingress_cidrs: list[f.Network] = Field(
        default_factory=list,
        description="Networks that may reach the API. Empty: all.",
        examples=[["10.0.0.0/8"]],
    )
    egress_cidrs: list[f.Network] = Field(
        default_factory=list,
        description="Networks that the servers may reach besides DNS and a dedicated etcd: an "
        "external datastore, "
        "webhooks, identity providers. Empty: all.",
        examples=[["10.20.0.0/16"]],
    )


class Upgrade(Block):
    """How servers are replaced when the version or their configuration changes."""

    strategy: Literal["auto", "rolling", "recreate", "blue-green"] = Field(
        default="auto",
        description="rolling: one server after the other. recreate: the only server is stopped first. blue-green: a "
        "second set of servers on the same etcd or external datastore takes over, and the first is replaced behind "
        "it. auto: rolling with several servers, else recreate.",
    )


class Values(Block):
    """What a user asks for: one control plane."""

    version: f.Version = Field(
        default=DEFAULT_VERSION, description="k3s version, in full.", examples=["v1.33.4+k3s1"]
    )
    servers: f.Servers = Field(
        default=1, description="Number of k3s servers. More than one needs `datastore.kind` etcd or external."
    )
    ttl: f.Duration | None = Field(
        default=None,
        description="Time after which the control plane counts as expired, from its creation. "
        "Omitted: never.",
        examples=["8h", "7d", "1h30m"],
    )
    protect: bool = Field(
        default=False, description="Whether `k3k delete` and `k3k prune` refuse to take it away."
    )
    tier: Literal["", "small", "medium", "large"] = Field(
        default="",
        description="Resources of each server that `resources` does not name: small is 100m and 512Mi, medium 500m "
        "and 1Gi, large 2 cores and 4Gi. Empty: the defaults of `resources`.",
    )
    labels: dict[f.QualifiedName, f.LabelValue] = Field(
        default_factory=dict,
        description="Labels of the control plane and all its objects, to select it by (`k3k list -l`, "
        "`k3k upgrade -l`). A change of them replaces the servers, whose pods bear them too.",
        examples=[{"team": "a"}],
    )
    loadbalancer: LoadBalancer = Field(default_factory=LoadBalancer)
    service: Service = Field(default_factory=Service)
    k3s: K3s = Field(default_factory=K3s)
    image: Image = Field(default_factory=Image)
    datastore: Datastore = Field(default_factory=Datastore)
    persistence: Persistence = Field(default_factory=Persistence)
    resources: Resources = Field(default_factory=Resources)
    scheduling: Scheduling = Field(default_factory=Scheduling)
    network_policy: NetworkPolicy = Field(default_factory=NetworkPolicy)
    upgrade: Upgrade = Field(default_factory=Upgrade)
    backup: Backup = Field(default_factory=Backup)
    agents: Agents = Field(default_factory=Agents)
    tenancy: Tenancy = Field(default_factory=Tenancy)

    @model_validator(mode="before")
    @classmethod
    def _tier(cls, given: Any) -> Any:
        return with_tier(given) if isinstance(given, dict) else given

    @property
    def ttl_seconds(self) -> float | None:
        """`ttl` in seconds."""
        return None if self.ttl is None else amounts.seconds(self.ttl)


def check(given: dict[str, Any]) -> tuple[Values | None, list[dict[str, Any]]]:
    """Check a tree of values, each on its own.

    Args:
        given: the tree; keys that are left out get their defaults.

    Returns:
        The values, or None and pydantic's error details.
    """
    try:
        return Values.model_validate(given), []
    except ValidationError as error:
        return None, [dict(one) for one in error.errors(include_url=False)]
