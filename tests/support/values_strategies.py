"""Hypothesis strategies for values files that must load."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Tree = dict[str, Any]

_LABEL = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
_NAME = st.lists(_LABEL, min_size=1, max_size=3).map(".".join)
_KEY = st.one_of(_LABEL, st.builds("{}/{}".format, _NAME, _LABEL))
_LABEL_VALUE = st.from_regex(r"([A-Za-z0-9]([-_.A-Za-z0-9]{0,10}[A-Za-z0-9])?)?", fullmatch=True)
_CIDR = st.one_of(
    st.ip_addresses(v=4).map(lambda ip: f"{ip}/32"),
    st.ip_addresses(v=6).map(lambda ip: f"{ip}/128"),
    st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32"]),
)
_SIZE = st.one_of(
    st.integers(1, 64).map(lambda n: f"{n}Gi"),
    st.integers(64, 4096).map(lambda n: f"{n}Mi"),
    st.integers(2**20, 2**40),
)
_VERSION = st.builds(
    "{}1.{}.{}{}{}k3s{}".format,
    st.sampled_from(["", "v"]),
    st.integers(29, 37),
    st.integers(0, 20),
    st.sampled_from(["", "-rc1"]),
    st.sampled_from(["+", "-"]),
    st.integers(1, 4),
)
TOKEN = st.from_regex(r"[a-zA-Z0-9!#$%&*=+/?@^_{|}~,;<>-]{12,40}", fullmatch=True).filter(
    lambda text: not text.startswith("K10")
)
_DURATION = st.lists(
    st.builds("{}{}".format, st.integers(1, 20), st.sampled_from("wdhms")), min_size=1, max_size=4
).map("".join)


def _some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """A mapping with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


_NETWORKS = st.sampled_from(
    [
        {},
        {"service_cidr": "10.96.0.0/12"},
        {"cluster_cidr": "172.16.0.0/14", "service_cidr": "192.168.0.0/24", "cluster_dns": "192.168.0.53"},
        {"cluster_cidr": "fd00:42::/56", "service_cidr": "fd00:43::/112"},
        {"cluster_cidr": "10.42.0.0/16,fd00:42::/56", "service_cidr": "10.43.0.0/16,fd00:43::/112"},
    ]
)
_DISABLE = _some(
    flannel=st.booleans(),
    helm_controller=st.booleans(),
    network_policy=st.booleans(),
    traefik=st.booleans(),
    localstorage=st.booleans(),
    servicelb=st.booleans(),
    kube_proxy=st.booleans(),
    cloud_controller=st.booleans(),
    agent=st.just(value=True),
)
_OTHER_K3S = _some(
    token=TOKEN,
    agent_token=TOKEN,
    cluster_domain=_NAME,
    data_dir=st.sampled_from(["/data", "/var/lib/rancher/k3s", "/srv/k3s_1.2"]),
    log_level=st.one_of(st.integers(0, 10), st.integers(0, 10).map(str)),
    debug=st.booleans(),
    disable=_DISABLE,
    egress_selector_mode=st.sampled_from(["agent", "cluster", "pod", "disabled"]),
    kubeconfig=_some(
        filename=st.sampled_from(["config", "kubeconfig.yaml", ".kube"]),
        mode=st.sampled_from(["0600", "640", "0644", "0700"]),
    ),
    tls_sans=st.lists(st.one_of(_NAME, st.ip_addresses().map(str)), max_size=3),
    extra_args=st.lists(
        st.sampled_from(
            ["--secrets-encryption", "--kube-apiserver-arg=audit-log-path=-", "--node-name=cp-1"]
        ),
        max_size=3,
    ),
)
_K3S = st.builds(lambda networks, other: {**networks, **other}, _NETWORKS, _OTHER_K3S)
_STORAGE: st.SearchStrategy[Tree] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"servers": st.just(1), "datastore": st.just({"kind": "sqlite"})}),
    st.fixed_dictionaries(
        {
            "servers": st.integers(1, 7),
            "datastore": st.fixed_dictionaries(
                {"kind": st.just("etcd")},
                optional={"etcd": _some(members=st.sampled_from([1, 3]), size=_SIZE, storage_class=_LABEL)},
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "servers": st.integers(1, 7),
            "datastore": st.fixed_dictionaries(
                {
                    "kind": st.just("external"),
                    "external": st.one_of(
                        st.fixed_dictionaries({"secret_name": _NAME}),
                        st.fixed_dictionaries(
                            {"endpoint": _LABEL.map("postgres://u:hidden-pass-word@{}/db".format)}
                        ),
                    ),
                }
            ),
        }
    ),
)
_EXPOSURE: st.SearchStrategy[Tree] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "loadbalancer": _some(
                enabled=st.booleans(),
                class_name=st.one_of(st.just(""), _KEY),
                ip=st.sampled_from(["", "203.0.113.7", "2001:db8::7"]),
                annotations=st.dictionaries(
                    _KEY, st.text(st.characters(codec="ascii"), max_size=20), max_size=3
                ),
                source_ranges=st.lists(_CIDR, max_size=3),
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "loadbalancer": st.just({"enabled": False}),
            "service": st.fixed_dictionaries(
                {"type": st.just("NodePort")}, optional={"node_port": st.integers(30000, 32767)}
            ),
        }
    ),
)
_REST = _some(
    version=_VERSION,
    ttl=_DURATION,
    image=_some(
        repository=st.sampled_from(["rancher/k3s", "registry.example.org:5000/mirror/rancher/k3s"]),
        pull_policy=st.sampled_from(["Always", "IfNotPresent", "Never"]),
        pull_secrets=st.lists(_NAME, max_size=2),
    ),
    persistence=_some(enabled=st.booleans(), size=_SIZE, storage_class=_LABEL),
    resources=st.just(
        {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": 1.5, "memory": "1Gi"}}
    ),
    scheduling=_some(
        node_selector=st.dictionaries(_KEY, _LABEL_VALUE, max_size=3),
        tolerations=st.lists(
            st.one_of(
                st.fixed_dictionaries({"key": _KEY}, optional={"value": _LABEL_VALUE}),
                st.fixed_dictionaries({"operator": st.just("Exists")}, optional={"key": _KEY}),
                st.fixed_dictionaries(
                    {"key": _KEY, "effect": st.just("NoExecute"), "toleration_seconds": st.integers(0, 900)}
                ),
            ),
            max_size=3,
        ),
        priority_class_name=_NAME,
        topology_spread=st.booleans(),
    ),
    network_policy=_some(
        enabled=st.booleans(),
        ingress_cidrs=st.lists(_CIDR, max_size=2),
        egress_cidrs=st.lists(_CIDR, max_size=2),
    ),
)


def values_trees() -> st.SearchStrategy[Tree]:
    """Trees of values that load, with or without warnings."""

    def together(storage: Tree, exposure: Tree, k3s: Tree, rest: Tree) -> Tree:
        return {**storage, **exposure, **({"k3s": k3s} if k3s else {}), **rest}

    return st.builds(together, _STORAGE, _EXPOSURE, _K3S, _REST)


def leaves(tree: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths of everything in a tree that is neither a mapping nor a list."""
    if isinstance(tree, dict):
        return [path for key, value in tree.items() for path in leaves(value, (*above, key))]
    if isinstance(tree, list):
        return [path for index, value in enumerate(tree) for path in leaves(value, (*above, index))]
    return [above]


def replaced(tree: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of a tree with another value at a path that is in it."""
    if not path:
        return value
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy
