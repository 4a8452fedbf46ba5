"""Networks of pods and Services, the cluster DNS, and the load balancer's address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values import networks
from k3k_core.values.rules.rule import Finding, Given, error, rule, warning
from k3k_core.versions import K3sVersion, flag_since, supports

if TYPE_CHECKING:
    from k3k_core.values.model import Values

# kube-apiserver refuses fewer addresses (options.ServiceIPRange).
_FEWEST_SERVICE_ADDRESSES = 8
# Shortest prefixes of Service networks, while the API server kept them in a bitmap (before Kubernetes 1.34)
# and since.
_SHORTEST_SERVICE = {4: 12, 6: 108}
_SHORTEST_SERVICE_SINCE_34 = {4: 1, 6: 64}
# Prefix of each node's share of the pod network, and for IPv6 the shortest prefix that can be split up so.
_NODE_SHARE = {4: 24, 6: 64}
_SHORTEST_CLUSTER = {4: 1, 6: 48}


@rule("k3s.cluster_cidr", "k3s.service_cidr")
def _networks_overlap(values: Values, given: Given) -> Iterator[Finding]:
    pair = networks.overlap(values.k3s.cluster_cidr, values.k3s.service_cidr)
    if pair is not None:
        yield error(
            "k3s.service_cidr" if given.has("k3s.service_cidr") else "k3s.cluster_cidr",
            f"the networks of pods ({pair[0]}) and Services ({pair[1]}) overlap",
            "choose two that have no address in common, e.g. `10.42.0.0/16` and `10.43.0.0/16`",
        )


@rule("k3s.cluster_cidr", "k3s.service_cidr")
def _services_without_pods(values: Values, given: Given) -> Iterator[Finding]:
    pods = {one.version for one in networks.parse_networks(values.k3s.cluster_cidr)}
    services = {one.version for one in networks.parse_networks(values.k3s.service_cidr)}
    for family in sorted(services - pods):
        yield error(
            "k3s.service_cidr" if given.has("k3s.service_cidr") else "k3s.cluster_cidr",
            f"Services have IPv{family} addresses and pods have none",
            f"add an IPv{family} network to `k3s.cluster_cidr` or take it out of `k3s.service_cidr`",
        )


@rule("k3s.service_cidr", "version")
def _service_network_size(values: Values, _: Given) -> Iterator[Finding]:
    shortest = (
        _SHORTEST_SERVICE_SINCE_34 if K3sVersion.parse(values.version).minor >= 34 else _SHORTEST_SERVICE
    )
    for one in networks.parse_networks(values.k3s.service_cidr):
        if one.num_addresses < _FEWEST_SERVICE_ADDRESSES:
            yield error(
                "k3s.service_cidr",
                f"{one} is too small: k3s needs at least {_FEWEST_SERVICE_ADDRESSES} addresses",
                f"use a prefix of /{one.max_prefixlen - 3} or shorter, e.g. `10.43.0.0/16`",
            )
        elif one.prefixlen < shortest[one.version]:
            yield error(
                "k3s.service_cidr",
                f"{one} is too large: the API server of {values.version} refuses it",
                f"use a prefix of /{shortest[one.version]} or longer",
            )


@rule("k3s.cluster_cidr", "k3s.extra_args")
def _cluster_network_size(values: Values, _: Given) -> Iterator[Finding]:
    if any("node-cidr-mask-size" in argument for argument in values.k3s.extra_args):
        return
    for one in networks.parse_networks(values.k3s.cluster_cidr):
        share = _NODE_SHARE[one.version]
        if one.prefixlen > share:
            yield error(
                "k3s.cluster_cidr",
                f"{one} is too small: each node takes a /{share} of it",
                f"use a prefix of /{share} or shorter, e.g. `10.42.0.0/16`",
            )
        elif one.prefixlen < _SHORTEST_CLUSTER[one.version]:
            yield error(
                "k3s.cluster_cidr",
                f"{one} is too large to be split into a /{share} for each node",
                f"use a prefix of /{_SHORTEST_CLUSTER[one.version]} or longer",
            )


@rule("k3s.service_cidr", "k3s.cluster_dns")
def _dns_in_service_network(values: Values, _: Given) -> Iterator[Finding]:
    services = networks.parse_networks(values.k3s.service_cidr)
    if not values.k3s.cluster_dns:
        if all(one.num_addresses >= _FEWEST_SERVICE_ADDRESSES for one in services):
            yield error(
                "k3s.service_cidr",
                f"{values.k3s.service_cidr} has no tenth address for the cluster DNS",
                "use a larger network, or say where the DNS is with `k3s.cluster_dns`",
            )
        return
    for address in networks.parse_addresses(values.k3s.cluster_dns):
        home = next((one for one in services if address in one), None)
        if home is None:
            yield error(
                "k3s.cluster_dns",
                f"{address} lies outside the network of the Services, {values.k3s.service_cidr}",
                f"use `{_good_dns(values)}`, or leave it out",
            )
        elif address in {home[0], home[1], home[-1]}:
            what = "the address of the API's own Service" if address == home[1] else "an end of the network"
            yield error(
                "k3s.cluster_dns", f"{address} is {what}", f"use `{_good_dns(values)}`, or leave it out"
            )


def _good_dns(values: Values) -> str:
    service_cidr = values.k3s.service_cidr
    return networks.default_dns(service_cidr) or str(networks.parse_networks(service_cidr)[0][2])


@rule("version", "k3s.service_cidr", "k3s.cluster_dns")
def _one_dns_in_older_versions(values: Values, given: Given) -> Iterator[Finding]:
    first, comma, _ = values.k3s.cluster_dns.partition(",")
    if comma and not supports(K3sVersion.parse(values.version), "dual-stack-dns"):
        yield error(
            "k3s.cluster_dns" if given.has("k3s.cluster_dns") else "k3s.service_cidr",
            f"k3s {values.version} takes one address for the cluster DNS",
            f"set `k3s.cluster_dns: {first}`, or use k3s {flag_since('dual-stack-dns')} or later",
        )


@rule("version", "k3s.cluster_cidr", "k3s.disable")
def _dual_stack_in_older_versions(values: Values, _: Given) -> Iterator[Finding]:
    version = K3sVersion.parse(values.version)
    if len(networks.parse_networks(values.k3s.cluster_cidr)) < 2:
        return
    for name in ("network_policy", "flannel"):
        form = f"dual-stack-{name.replace('_', '-')}"
        if not getattr(values.k3s.disable, name) and not supports(version, form):
            yield error(
                f"k3s.disable.{name}",
                f"must be true for dual stack with k3s {version}",
                f"set it to true, or use k3s {flag_since(form)} or later",
            )


@rule("loadbalancer.ip", "k3s.cluster_cidr", "k3s.service_cidr")
def _address_within_the_cluster(values: Values, _: Given) -> Iterator[Finding]:
    if not values.loadbalancer.ip:
        return
    address = networks.parse_address(values.loadbalancer.ip)
    for name in ("cluster_cidr", "service_cidr"):
        if any(address in one for one in networks.parse_networks(getattr(values.k3s, name))):
            yield warning(
                "loadbalancer.ip",
                f"{address} lies in `k3s.{name}`: nodes that join could not reach the control plane",
                f"use another address or another `k3s.{name}`",
            )
