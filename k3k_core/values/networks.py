"""Checks of addresses, networks and names in certificates."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from k3k_core.values.refusal import RefusedError, shown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ADDRESS_PATTERN: Final = r"^[0-9a-fA-F:.]+$"
OPTIONAL_ADDRESS_PATTERN: Final = r"^[0-9a-fA-F:.]*$"
ADDRESSES_PATTERN: Final = r"^[0-9a-fA-F:.]+(,[0-9a-fA-F:.]+)?$"
CIDR_PATTERN: Final = r"^[0-9a-fA-F:.]+/[0-9]{1,3}$"
CIDRS_PATTERN: Final = r"^[0-9a-fA-F:.]+/[0-9]{1,3}(,[0-9a-fA-F:.]+/[0-9]{1,3})?$"
SUBJECT_NAME_PATTERN: Final = r"^(\*\.)?[-.A-Za-z0-9]+$|^[0-9a-fA-F:.]+$"

_SUBJECT_NAME = re.compile(
    r"(?:\*\.)?[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*"
)


def network(text: str) -> str:
    """One network in CIDR form without host bits."""
    parse_network(text)
    return text


def parse_network(text: str) -> Network:
    """Read a network in CIDR form.

    Raises:
        RefusedError: it is none, or has bits set beyond its prefix.
    """
    if re.fullmatch(CIDR_PATTERN, text):
        try:
            loose = ipaddress.ip_network(text, strict=False)
        except ValueError:
            pass
        else:
            if str(loose.network_address) != str(ipaddress.ip_address(text.partition("/")[0])):
                raise RefusedError(f"{shown(text)} has bits set beyond its prefix", f"write `{loose}`")
            return loose
    raise RefusedError(f"{shown(text)} is not a network", "write it as address/prefix, e.g. `10.42.0.0/16`")


def networks(text: str) -> str:
    """One network, or an IPv4 and an IPv6 network with a comma between them (dual stack)."""
    both = [parse_network(part) for part in text.split(",")]
    if len(both) > 2 or len({one.version for one in both}) != len(both):
        raise RefusedError(
            f"{shown(text)} has more than one network of a kind",
            "give one, or an IPv4 and an IPv6 network for dual stack: `10.42.0.0/16,fd00:42::/56`",
        )
    return text


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a text that `networks` accepted."""
    return tuple(parse_network(part) for part in text.split(","))


def parse_address(text: str) -> Address:
    """Read an IP address without zone.

    Raises:
        RefusedError: it is none.
    """
    try:
        if re.fullmatch(ADDRESS_PATTERN, text):
            return ipaddress.ip_address(text)
    except ValueError:
        pass
    raise RefusedError(f"{shown(text)} is not an IP address", "write e.g. `203.0.113.7` or `2001:db8::7`")


def service_address(text: str) -> str:
    """An address that a load balancer can have, or "" for any."""
    if text:
        address = parse_address(text)
        if address.is_unspecified or address.is_multicast or text == "255.255.255.255":
            raise RefusedError(
                f"{shown(text)} cannot be the address of one load balancer", "use a unicast address"
            )
    return text


def addresses(text: str) -> str:
    """One address, or an IPv4 and an IPv6 address with a comma between them."""
    both = parse_addresses(text)
    if len(both) > 2 or len({one.version for one in both}) != len(both):
        raise RefusedError(
            f"{shown(text)} has more than one address of a kind", "give one, or an IPv4 and an IPv6 address"
        )
    return text


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The addresses of a text with commas between them."""
    return tuple(parse_address(part) for part in text.split(","))


def subject_name(text: str) -> str:
    """A DNS name, wildcard name or IP address for a server certificate."""
    if "://" in text or "/" in text:
        raise RefusedError(
            "this is a URL or path, not a name", "give the host name only, e.g. `api.example.org`"
        )
    if re.fullmatch(r"[^:]+:[0-9]+", text):
        raise RefusedError(f"{shown(text)} has a port", f"write `{text.rsplit(':', 1)[0]}`")
    try:
        parse_address(text)
    except RefusedError:
        if len(text) > 253 or not _SUBJECT_NAME.fullmatch(text) or text.rsplit(".", 1)[-1].isdigit():
            raise RefusedError(
                f"{shown(text)} is neither a DNS name nor an IP address", "write e.g. `api.example.org`"
            ) from None
    return text


def default_dns(service_cidr: str) -> str:
    """Address of the cluster DNS that k3s takes: the tenth of every service network (k3s.md 1.2).

    Args:
        service_cidr: one or two networks that `networks` accepted.

    Returns:
        The addresses with commas between them; "" if a network is too small to have a tenth.
    """
    tenth = []
    for one in parse_networks(service_cidr):
        if one.num_addresses <= 10:
            return ""
        tenth.append(str(one.network_address + 10))
    return ",".join(tenth)


def overlap(first: str, second: str) -> tuple[Network, Network] | None:
    """The first pair of networks, one of each text, that share addresses."""
    for one in parse_networks(first):
        for other in parse_networks(second):
            if one.version == other.version and one.overlaps(other):
                return one, other
    return None
