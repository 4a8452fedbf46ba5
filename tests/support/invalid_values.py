"""Values files that must be refused: what is in them, and where the problems are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvalidValues:
    """A values file that cannot be used.

    Attributes:
        name: what is wrong with it.
        text: the file.
        paths: paths of its issues, in the order in which they must come.
        says: a piece of what the first issue says, problem or remedy.
        overrides: `--set` texts given with it.
    """

    name: str
    text: str
    paths: tuple[str, ...]
    says: str = ""
    overrides: tuple[str, ...] = ()


def _one(name: str, path: str, value: str, says: str = "") -> InvalidValues:
    """A file with one refused value, e.g. `k3s.token` and `""`."""
    *blocks, key = path.split(".")
    lines = [f"{'  ' * depth}{block}:" for depth, block in enumerate(blocks)]
    lines.append(f"{'  ' * len(blocks)}{key}: {value}")
    return InvalidValues(name, "\n".join(lines) + "\n", (path,), says)


def _arg(name: str, value: str, says: str) -> InvalidValues:
    """A file with one refused flag for k3s."""
    return InvalidValues(name, f"k3s:\n  extra_args: ['{value}']\n", ("k3s.extra_args[0]",), says)


def _dsn(name: str, value: str, says: str) -> InvalidValues:
    """A file with one refused address of an external datastore."""
    text = f"datastore:\n  kind: external\n  external:\n    endpoint: '{value}'\n"
    return InvalidValues(name, text, ("datastore.external.endpoint",), says)


_FORM = (
    InvalidValues("a list instead of a mapping", "- a\n- b\n", ("",), "a list and not a mapping"),
    InvalidValues("a text instead of a mapping", "hello\n", ("",), "a single value"),
    InvalidValues("no YAML", "k3s: [1, 2\nservers: 1\n", ("",), "line 2, column"),
    InvalidValues("a tab for indentation", "k3s:\n\tdebug: true\n", ("",), "indent with spaces"),
    InvalidValues("an alias without its anchor", "k3s: *base\n", ("",), "anchor"),
    InvalidValues("two documents", "servers: 1\n---\nservers: 1\n", ("",), "more than one YAML document"),
    InvalidValues("a control character", "version: \x00\n", ("",), "control characters"),
    InvalidValues("a key twice", "servers: 1\nk3s: {}\nservers: 1\n", ("servers",), "given twice"),
    InvalidValues(
        "a nested key twice", "k3s:\n  debug: true\n  debug: false\n", ("k3s.debug",), "given twice"
    ),
    InvalidValues("a key that is a number", "k3s:\n  1: x\n", ("k3s.1",), "not text"),
    InvalidValues("a key that is a list", "? [a]\n: x\n", ("",), "a key that is not text"),
    InvalidValues("a tag", "servers: !!python/name:os.system 1\n", ("servers",), "tag"),
    InvalidValues("an alias that holds itself", "k3s: &a\n  b: *a\n", ("",), "nested too deeply"),
    InvalidValues(
        "aliases that multiply",
        "a: &a [x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
            for a, b in zip("abcdef", "bcdefg", strict=True)
        ),
        ("",),
        "aliases",
    ),
    InvalidValues("far too deep", "a: " + "[" * 300 + "]" * 300 + "\n", ("",), "nested too deeply"),
    InvalidValues("larger than a mebibyte", "# " + "x" * 1024 * 1024 + "\n", ("",), "1 MiB"),
)
_KEYS = (
    InvalidValues("an unknown key", "sevrers: 1\n", ("sevrers",), "did you mean `servers`?"),
    InvalidValues(
        "an unknown nested key",
        "k3s: {disable: {servicelbs: true}}\n",
        ("k3s.disable.servicelbs",),
        "`servicelb`",
    ),
    InvalidValues("camel case", "k3s: {clusterCIDR: 10.42.0.0/16}\n", ("k3s.clusterCIDR",), "`cluster_cidr`"),
    InvalidValues("a key in another block", "token: abc\n", ("token",), "`k3s.token`"),
    InvalidValues("a null under an unknown key", "k3s:\n  tokne:\n", ("k3s.tokne",), "`token`"),
    InvalidValues(
        "no space after the colon", "k3s: {token:hunter2}\n", ("k3s.token…",), "a space after the colon"
    ),
    InvalidValues(
        "a block of a later version", "monitoring: {enabled: true}\n", ("monitoring",), "not supported yet"
    ),
    InvalidValues(
        "two blocks of a later version",
        "ingress: {}\nmonitoring: {}\n",
        ("ingress", "monitoring"),
        "not supported yet",
    ),
    _one("a text for a block", "k3s", "hello", "must be a mapping and is text"),
    _one("a list for a block", "k3s.disable", "[traefik]", "must be a mapping and is a list"),
    _one("a text for a list", "k3s.tls_sans", "api.example.org", "must be a list"),
    _one("a mapping for a text", "k3s.cluster_domain", "{a: b}", "is a mapping"),
    InvalidValues(
        "an empty entry of a list",
        "k3s:\n  tls_sans: [a.example.org, ]\n  extra_args:\n  -\n",
        ("k3s.extra_args[0]",),
        "is empty",
    ),
)
_TOP = (
    _one("a channel for a version", "version", "stable", "release channel"),
    _one("a minor version", "version", "v1.33", "release channel"),
    _one("a number for a version", "version", "1.33", "not a k3s version"),
    _one("a version without k3s build", "version", "v1.33.4", "v1.33.4+k3s1"),
    _one("a version without v and build", "version", "1.33.4", "v1.33.4+k3s1"),
    _one("an RKE2 version", "version", "v1.33.4+rke2r1", "RKE2"),
    _one("an old version", "version", "v1.20.15+k3s1", "older than"),
    _one("a withdrawn version", "version", "v1.26.0+k3s1", "withdrawn"),
    _one("a Kubernetes 2 version", "version", "v2.0.0+k3s1", "not a k3s version"),
    _one("no server", "servers", "0", "use 1 or more"),
    _one("a text for a number", "servers", '"3"', "whole number"),
    _one("a fraction of a server", "servers", "1.5", "whole number"),
    _one("a boolean for a number", "servers", "true", "whole number"),
    _one("very many servers", "servers", "1000", "or less"),
    _one("a ttl without unit", "ttl", "90", "has no unit"),
    _one("a ttl of nothing", "ttl", "0h", "longer than nothing"),
    _one("a ttl in words", "ttl", "two hours", "not a duration"),
    _one("a negative ttl", "ttl", "-2h", "not a duration"),
    _one("a ttl beyond ten years", "ttl", "4000d", "ten years"),
)
_SERVICE = (
    _one("a class that is a boolean in YAML", "loadbalancer.class_name", "no", '"no"'),
    _one("a class with a space", "loadbalancer.class_name", '"my class"', "Kubernetes key"),
    _one("a text for a boolean", "loadbalancer.enabled", '"yes"', "true or false"),
    _one("a name for an address", "loadbalancer.ip", "lb.example.org", "not an IP address"),
    _one("half an address", "loadbalancer.ip", '"10.1"', "not an IP address"),
    _one("an address with leading zeros", "loadbalancer.ip", "010.1.1.1", "not an IP address"),
    _one("the unspecified address", "loadbalancer.ip", "'::'", "unicast"),
    _one("a multicast address", "loadbalancer.ip", "ff02::1", "unicast"),
    InvalidValues(
        "a boolean annotation",
        "loadbalancer: {annotations: {example.org/internal: true}}\n",
        (r"loadbalancer.annotations.example\.org/internal",),
        '"true"',
    ),
    InvalidValues(
        "an annotation's key with a space",
        "loadbalancer: {annotations: {a b: c}}\n",
        ("loadbalancer.annotations.a…",),
        "Kubernetes key",
    ),
    InvalidValues(
        "a source range with host bits",
        "loadbalancer: {source_ranges: [10.0.0.1/8]}\n",
        ("loadbalancer.source_ranges[0]",),
        "`10.0.0.0/8`",
    ),
    InvalidValues(
        "a source range without prefix",
        "loadbalancer: {source_ranges: [10.0.0.0/8, 10.0.0.1]}\n",
        ("loadbalancer.source_ranges[1]",),
        "not a network",
    ),
    InvalidValues(
        "an unknown type of Service",
        "loadbalancer: {enabled: false}\nservice: {type: Nodeport}\n",
        ("service.type",),
        "`NodePort`",
    ),
    InvalidValues(
        "a port outside the range of node ports",
        "loadbalancer: {enabled: false}\nservice: {type: NodePort, node_port: 6443}\n",
        ("service.node_port",),
        "30000",
    ),
    InvalidValues(
        "a node port without NodePort",
        "loadbalancer: {enabled: false}\nservice: {node_port: 30443}\n",
        ("service.node_port",),
        "`service.type: NodePort`",
    ),
)
_K3S = (
    _one("an empty token", "k3s.token", '""', "is empty"),
    _one("a token with a space", "k3s.token", '"a b"', "white space"),
    _one("a token with a line end", "k3s.token", '"abc\\n"', "white space"),
    _one("a token with a colon", "k3s.agent_token", '"a:b"', "`:`"),
    _one("a full token", "k3s.token", "K10" + "0" * 64 + "::server:abc", "full token"),
    _one("a bootstrap token", "k3s.agent_token", "abcdef.0123456789abcdef", "bootstrap token"),
    _one("a number for a token", "k3s.token", "12345", "quotes"),
    _one("a token beyond ASCII", "k3s.token", "geheimnüs", "ASCII"),
    _one("a pod network with host bits", "k3s.cluster_cidr", "10.42.0.1/16", "`10.42.0.0/16`"),
    _one("an impossible prefix", "k3s.cluster_cidr", "10.42.0.0/33", "not a network"),
    _one("a pod network without prefix", "k3s.cluster_cidr", "10.42.0.0", "not a network"),
    _one("a tiny pod network", "k3s.cluster_cidr", "10.42.0.0/26", "too small"),
    _one("a huge IPv6 pod network", "k3s.cluster_cidr", '"10.42.0.0/16,fd00::/32"', "too large"),
    _one("networks as a list", "k3s.cluster_cidr", "[10.42.0.0/16]", "a comma"),
    _one("two IPv4 pod networks", "k3s.cluster_cidr", '"10.42.0.0/16,10.44.0.0/16"', "more than one network"),
    _one("a service network over the pods", "k3s.service_cidr", "10.42.128.0/17", "overlap"),
    _one("a pod network over the services", "k3s.cluster_cidr", "10.0.0.0/8", "overlap"),
    InvalidValues(
        "overlapping IPv6 networks",
        'k3s:\n  cluster_cidr: "10.42.0.0/16,fd00::/48"\n  service_cidr: "10.43.0.0/16,fd00::/112"\n',
        ("k3s.service_cidr",),
        "overlap",
    ),
    _one("a service network of four addresses", "k3s.service_cidr", "10.43.0.0/30", "at least 8"),
    _one("a service network without a tenth address", "k3s.service_cidr", "10.43.0.0/29", "tenth address"),
    InvalidValues(
        "a service network too large for its version",
        "version: v1.30.0+k3s1\nk3s: {cluster_cidr: 192.168.0.0/16, service_cidr: 10.0.0.0/8}\n",
        ("k3s.service_cidr",),
        "/12",
    ),
    _one("IPv6 services without IPv6 pods", "k3s.service_cidr", '"10.43.0.0/16,fd00:43::/112"', "IPv6"),
    _one("a DNS outside the services", "k3s.cluster_dns", "10.44.0.10", "`10.43.0.10`"),
    _one("the API's address for the DNS", "k3s.cluster_dns", "10.43.0.1", "API's own Service"),
    _one("a name for the DNS", "k3s.cluster_dns", "dns", "not an IP address"),
    InvalidValues(
        "a DNS left behind by another service network",
        "k3s: {service_cidr: 10.96.0.0/16, cluster_dns: 10.43.0.10}\n",
        ("k3s.cluster_dns",),
        "`10.96.0.10`",
    ),
    _one("a domain in capitals", "k3s.cluster_domain", "Cluster.Local", "DNS name"),
    _one("a domain with a dot at its end", "k3s.cluster_domain", "cluster.local.", "DNS name"),
    _one("an address for a domain", "k3s.cluster_domain", "10.0.0.1", "not a DNS name"),
    _one("a relative data directory", "k3s.data_dir", "var/lib", "absolute"),
    _one("the root for data", "k3s.data_dir", "/", "not usable"),
    _one("a data directory in /etc", "k3s.data_dir", "/etc/k3s", "needs itself"),
    _one("/tmp for data", "k3s.data_dir", "/tmp", "needs itself"),
    _one("a data directory with ..", "k3s.data_dir", "/var/../srv/k3s", "`/srv/k3s`"),
    _one("a data directory with a slash at its end", "k3s.data_dir", "/srv/k3s/", "`/srv/k3s`"),
    _one("a log level beyond 10", "k3s.log_level", "11", "0 to 10"),
    _one("a log level in words", "k3s.log_level", "info", "0 to 10"),
    _one("an agent in the pod", "k3s.disable.agent", "false", "agent-less"),
    _one("an unknown egress mode", "k3s.egress_selector_mode", "clusters", "`cluster`"),
    _one("a path for the kubeconfig", "k3s.kubeconfig.filename", "a/b.yaml", "is a path"),
    _one("a kubeconfig with a bad name", "k3s.kubeconfig.filename", "..data", "key of a Secret"),
    _one("a decimal mode", "k3s.kubeconfig.mode", "644", '`"0644"`'),
    _one("a mode that is none", "k3s.kubeconfig.mode", '"0888"', "0000 to 0777"),
    _one("a world-writable mode", "k3s.kubeconfig.mode", '"0666"', "everybody"),
    _one("a mode without rights for the owner", "k3s.kubeconfig.mode", '"0044"', "locks k3s out"),
    InvalidValues(
        "a URL as a name",
        "k3s: {tls_sans: [ok.example.org, 'https://api.example.org']}\n",
        ("k3s.tls_sans[1]",),
        "host name only",
    ),
    InvalidValues(
        "a name with a port",
        "k3s: {tls_sans: ['api.example.org:6443']}\n",
        ("k3s.tls_sans[0]",),
        "has a port",
    ),
    InvalidValues(
        "a wildcard for an older k3s",
        "version: v1.35.0+k3s1\nk3s: {tls_sans: ['*.example.org']}\n",
        ("k3s.tls_sans[0]",),
        "v1.36.2",
    ),
    InvalidValues(
        "a wildcard in the middle", "k3s: {tls_sans: ['a.*.example.org']}\n", ("k3s.tls_sans[0]",), "neither"
    ),
)
_DUAL = "k3s: {cluster_cidr: '10.42.0.0/16,fd00:42::/56', service_cidr: '10.43.0.0/16,fd00:43::/112'"
_OLD_VERSIONS = (
    InvalidValues(
        "two DNS addresses for an older k3s",
        f"version: v1.27.6+k3s1\n{_DUAL}}}\n",
        ("k3s.service_cidr",),
        "`k3s.cluster_dns: 10.43.0.10`",
    ),
    InvalidValues(
        "flannel and network policies with dual stack for an old k3s",
        f"version: v1.21.3+k3s1\n{_DUAL}, cluster_dns: 10.43.0.10, "
        "disable: {flannel: no, network_policy: no}}\n",
        ("k3s.disable.flannel", "k3s.disable.network_policy"),
        "v1.22.0",
    ),
)
_ARGS = (
    _arg("a flag that is a value", "--cluster-cidr=10.0.0.0/8", "`k3s.cluster_cidr`"),
    _arg("a flag with a typo", "--kube-apiserver-args=a=b", "`--kube-apiserver-arg`"),
    _arg("a flag that does not exist", "--anonymous-auth", "not a flag"),
    _arg("embedded etcd", "--cluster-init", "`datastore.kind: etcd`"),
    _arg("joining another server", "--server=https://a:6443", "`datastore.kind: etcd`"),
    _arg("a rootless k3s", "--rootless", "cannot be used here"),
    _arg("a log file", "--log=/tmp/x", "cannot be used here"),
    _arg("an agent's flag", "--node-label=a=b", "k3s agent"),
    _arg("a flag without dashes", "kube-apiserver-arg=a=b", "`--kube-apiserver-arg=VALUE`"),
    _arg("two flags in one", "--debug --disable-scheduler", "not one flag"),
    _arg("a flag without its value", "--vmodule", "needs a value"),
    _arg("a switch with a text", "--secrets-encryption=maybe", "is a switch"),
    _arg(
        "the probes' identities replaced",
        "--kube-apiserver-arg=token-auth-file=/x",
        "identities of the probes",
    ),
    _arg("an argument without a value", "--kube-apiserver-arg=profiling", "KEY=VALUE"),
    _arg("a range of ports that is none", "--service-node-port-range=99", "30000-32767"),
    InvalidValues(
        "a flag that the version does not know",
        "version: v1.28.1+k3s1\nk3s: {extra_args: [--supervisor-metrics]}\n",
        ("k3s.extra_args[0]",),
        "v1.30.1",
    ),
)
_STORAGE = (
    _one("sqlite with two servers", "servers", "2", "`etcd` or `external`"),
    _one("an unknown datastore", "datastore.kind", "postgres", "`external`"),
    _one("two members of etcd", "datastore.etcd.members", "2", "1 or 3"),
    _one(
        "an image of etcd without tag", "datastore.etcd.image", "example.org/etcd", "neither tag nor digest"
    ),
    _one("a number for a storage class", "datastore.etcd.storage_class", "1", "quotes"),
    _one("external without an address", "datastore.kind", "external", "secret_name"),
    InvalidValues(
        "two addresses",
        "datastore: {kind: external, external: {endpoint: 'https://e:2379', secret_name: a}}\n",
        ("datastore.external",),
        "both",
    ),
    InvalidValues(
        "an address without external",
        "datastore: {external: {secret_name: a}}\n",
        ("datastore.external",),
        "sqlite",
    ),
    _dsn("an address without scheme", "db.example.org:5432", "scheme"),
    _dsn("sqlite by address", "sqlite://./x.db", "`datastore.kind: sqlite`"),
    _dsn("NATS", "nats://n:4222", "NATS"),
    _dsn("an unknown scheme", "oracle://h/db", "not one of postgres"),
    _dsn("MySQL with tls", "mysql://u:p@tcp(h:3306)/db?tls=true", "`tls`"),
    _dsn("MySQL in the form of a URL", "mysql://u:p@h:3306/db", "tcp(HOST:3306)"),
    _dsn("Postgres with an unescaped password", "postgres://u:p/w@h:5432/db", "`%2F`"),
    _dsn("Postgres with an unknown sslmode", "postgres://u:p@h/db?sslmode=on", "verify-full"),
    _dsn("half of the members with a scheme", "https://a:2379,b:2379", "every member"),
    _dsn("an address with a space", "postgres://u:p w@h/db", "white space"),
    _one(
        "a name of a Secret that is an address",
        "datastore.external.secret_name",
        "postgres://u:p@h/db",
        "object",
    ),
    _one("a size in milli-bytes", "persistence.size", "512m", "`512Mi`"),
    _one("a size that is none", "persistence.size", "big", "quantity"),
    _one("a negative size", "persistence.size", "-1Gi", "quantity"),
)
_PLACE = (
    _one("memory in milli-bytes", "resources.requests.memory", "512m", "`512Mi`"),
    _one("processor time that is none", "resources.limits.cpu", "two", "quantity"),
    _one("no processor time", "resources.requests.cpu", "0", "more than 0"),
    InvalidValues(
        "a limit below its request",
        "resources:\n  requests: {cpu: 1}\n  limits: {cpu: 500m}\n",
        ("resources.limits.cpu",),
        "less than",
    ),
    _one("a limit below the default request", "resources.limits.memory", "256Mi", "its default"),
    InvalidValues(
        "a boolean in a node selector",
        "scheduling: {node_selector: {gpu: true}}\n",
        ("scheduling.node_selector.gpu",),
        '"true"',
    ),
    InvalidValues(
        "a toleration without key",
        "scheduling: {tolerations: [{effect: NoSchedule}]}\n",
        ("scheduling.tolerations[0]",),
        "`key`",
    ),
    InvalidValues(
        "a toleration that exists and has a value",
        "scheduling: {tolerations: [{key: a}, {key: a, operator: Exists, value: b}]}\n",
        ("scheduling.tolerations[1].value",),
        "Exists",
    ),
    InvalidValues(
        "toleration seconds in camel case",
        "scheduling: {tolerations: [{key: a, tolerationSeconds: 3}]}\n",
        ("scheduling.tolerations[0].tolerationSeconds",),
        "`toleration_seconds`",
    ),
    InvalidValues(
        "toleration seconds without NoExecute",
        "scheduling: {tolerations: [{key: a, effect: NoSchedule, toleration_seconds: 3}]}\n",
        ("scheduling.tolerations[0].toleration_seconds",),
        "NoExecute",
    ),
    _one("a priority class in capitals", "scheduling.priority_class_name", "High", "Kubernetes object"),
    InvalidValues(
        "an ingress network that is a name",
        "network_policy: {ingress_cidrs: [everywhere]}\n",
        ("network_policy.ingress_cidrs[0]",),
        "not a network",
    ),
    _one("an image with a tag", "image.repository", "rancher/k3s:v1", "`version`"),
    _one("an image in capitals", "image.repository", "Rancher/K3s", "not an image repository"),
    _one("an unknown pull policy", "image.pull_policy", "always", "`Always`"),
    InvalidValues(
        "a pull secret with a slash", "image: {pull_secrets: [a/b]}\n", ("image.pull_secrets[0]",), "object"
    ),
)
_HARDENING = (
    _one("an audit policy of another kind", "k3s.audit.policy", "'kind: Pod'", "is no Policy"),
    InvalidValues(
        "an audit log where nothing can be written",
        "k3s: {audit: {policy: 'kind: Policy', path: /var/log/audit.log}}\n",
        ("k3s.audit.path",),
        "below /tmp",
    ),
    InvalidValues(
        "an issuer without TLS and client",
        "k3s: {oidc: {issuer_url: 'http://login.example.org'}}\n",
        ("k3s.oidc.client_id", "k3s.oidc.issuer_url"),
        "name the client",
    ),
    InvalidValues("a client without issuer", "k3s: {oidc: {client_id: k3k}}\n", ("k3s.oidc.issuer_url",)),
    InvalidValues(
        "a plug-in that is to be on and off",
        "k3s: {admission: {enable: [PodNodeSelector], disable: [PodNodeSelector]}}\n",
        ("k3s.admission.disable",),
        "PodNodeSelector",
    ),
    InvalidValues(
        "a manifest that is none",
        "k3s: {manifests: {a.yaml: hello}}\n",
        ("k3s.manifests[a.yaml]",),
        "objects",
    ),
    InvalidValues(
        "a manifest that k3s would pass over",
        "k3s: {manifests: {a.txt: 'kind: Namespace'}}\n",
        ("k3s.manifests[a.txt]",),
        ".yaml",
    ),
    InvalidValues(
        "volumes of nothing, over k3k's own and twice",
        "k3s:\n  extra_volumes:\n  - {name: a, path: /etc/a}\n  - {name: b, path: /etc/k3k/b, secret: b}\n"
        "  - {name: b, path: /etc/b, secret: b}\n",
        ("k3s.extra_volumes[0]", "k3s.extra_volumes[1].path", "k3s.extra_volumes[2].name"),
        "a Secret or a ConfigMap",
    ),
    InvalidValues(
        "a provider that came later",
        "version: v1.30.4+k3s1\nk3s: {secrets_encryption: {enabled: true, provider: secretbox}}\n",
        ("k3s.secrets_encryption.provider",),
        "knows only `aescbc`",
    ),
    InvalidValues(
        "a limit range that would throttle the servers",
        "tenancy: {limits: {enabled: true}}\n",
        ("tenancy.limits",),
    ),
    InvalidValues(
        "a quota below what the servers ask for",
        "tenancy: {quota: {enabled: true, memory: 1Gi}}\nresources: {requests: {memory: 2Gi}}\n",
        ("tenancy.quota.memory",),
        "less than the servers",
    ),
)
_LIFE = (
    InvalidValues(
        "a label by which the system finds objects",
        'labels: {"app.kubernetes.io/name": mine}\n',
        ("labels.app.kubernetes.io/name",),
        "belong to the system",
    ),
    InvalidValues("a tier that does not exist", "tier: huge\n", ("tier",)),
)
_SEVERAL = (
    InvalidValues(
        "many problems at once, in the order of the file",
        "k3s:\n  log_level: 99\n  cluster_cidr: 10.43.0.0/16\n  disable: {agent: false}\n"
        "servers: 2\nversion: latest\nfoo: 1\n",
        ("k3s.log_level", "k3s.cluster_cidr", "k3s.disable.agent", "servers", "version", "foo"),
    ),
    InvalidValues(
        "problems of one value and of several",
        "k3s:\n  service_cidr: 10.43.0.1/16\n  cluster_dns: 10.1.1.1\nservers: 3\n",
        ("k3s.service_cidr", "servers"),
    ),
)
_OVERRIDES = (
    InvalidValues("an override without =", "servers: 1\n", ("--set 1",), "has no `=`", ("servers",)),
    InvalidValues("an override without path", "", ("--set 2",), "not understood", ("servers=1", "=1")),
    InvalidValues("an override with an empty step", "", ("--set 1",), "not understood", ("k3s..debug=true",)),
    InvalidValues("an override past the end of a list", "", ("--set 1",), "index 0", ("k3s.tls_sans[1]=a",)),
    InvalidValues(
        "an index into a mapping", "k3s: {debug: true}\n", ("--set 1",), "not a list", ("k3s[0]=a",)
    ),
    InvalidValues(
        "a key in a text", "", ("--set 2",), "not a mapping", ("version=v1.36.2+k3s1", "version.x=1")
    ),
    InvalidValues("an override that is no YAML", "", ("--set 1",), "quotes", ("k3s.tls_sans=[a",)),
    InvalidValues(
        "an override of the wrong type", "servers: 1\n", ("servers",), "whole number", ("servers=two",)
    ),
    InvalidValues("an override of an unknown key", "", ("k3s.tokn",), "`token`", ("k3s.tokn=abc",)),
)
_AGENTS = (
    InvalidValues(
        "agents without privileges", "agents: {replicas: 1}\n", ("agents.replicas",), "privileged pods"
    ),
    _one("a negative number of agents", "agents.replicas", "-1"),
)
_UPGRADE = (
    InvalidValues(
        "two sets of servers on one file",
        "upgrade: {strategy: blue-green}\n",
        ("upgrade.strategy",),
        "sqlite",
    ),
)
INVALID: tuple[InvalidValues, ...] = (
    *_FORM,
    *_KEYS,
    *_TOP,
    *_SERVICE,
    *_K3S,
    *_OLD_VERSIONS,
    *_ARGS,
    *_STORAGE,
    *_PLACE,
    *_HARDENING,
    *_LIFE,
    *_AGENTS,
    *_UPGRADE,
    *_SEVERAL,
    *_OVERRIDES,
)
