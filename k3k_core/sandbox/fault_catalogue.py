"""The faults a simulated server can have: names, whom they befall, what they look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from k3k_core.errors import K3kError

# Annotation of a Namespace, a root Secret, a StatefulSet or a Pod: faults, separated by commas.
FAULT_ANNOTATION = "sandbox.k3k.ayedo.de/fault"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: as in annotations and options.
        of: "k3s" servers or "etcd" members.
        summary: what is seen, in a few words.
        argument: what may follow the name after a colon; empty when nothing may.
        default: the argument when none is given; empty when one is needed.
    """

    name: str
    of: Literal["k3s", "etcd"]
    summary: str
    argument: str = ""
    default: str = ""

    @property
    def spelled(self) -> str:
        """How it is written, with what may follow its name."""
        if not self.argument:
            return self.name
        return f"{self.name}[:{self.argument}]" if self.default else f"{self.name}:{self.argument}"


_ALL = (
    Fault("slow", "k3s", "takes ten times longer to start"),
    Fault("never-ready", "k3s", "goes on starting for ever"),
    Fault("unready", "k3s", "its health check etcd fails"),
    Fault("check-failing", "k3s", "one of its health checks fails", "CHECK"),
    Fault("kubelet-disagrees", "k3s", "fails the kubelet's probes, answers everybody else"),
    Fault("down", "k3s", "nothing listens any more"),
    Fault("unreachable", "k3s", "nobody but the kubelet can connect"),
    Fault("hanging", "k3s", "takes connections and never answers"),
    Fault("slow-to-answer", "k3s", "answers health checks after four seconds"),
    Fault("page-unreadable", "k3s", "/metrics answers 500, all else is well"),
    Fault("restarting", "k3s", "its process starts anew every two minutes"),
    Fault("api-slow", "k3s", "a third of the requests take seconds"),
    Fault("api-errors", "k3s", "a tenth of the requests is answered 500"),
    Fault("api-failing", "k3s", "more than half of the requests is answered 500"),
    Fault("api-terminating", "k3s", "the server cuts requests short"),
    Fault("overloaded", "k3s", "many requests, queues are full, some are rejected"),
    Fault("apiservice-unavailable", "k3s", "an aggregated API does not answer"),
    Fault("datastore-slow", "k3s", "requests to the datastore take about a second"),
    Fault("datastore-stalling", "k3s", "requests to the datastore take many seconds"),
    Fault("datastore-errors", "k3s", "some requests to the datastore fail"),
    Fault("datastore-failing", "k3s", "most requests to the datastore fail"),
    Fault("datastore-growing", "k3s", "the data grows by 7 GB an hour"),
    Fault("datastore-large", "k3s", "there are 9 GB of data"),
    Fault("kine-errors", "k3s", "kine's SQL statements, inserts and compactions fail"),
    Fault("pool-exhausted", "k3s", "all connections to the database are in use"),
    Fault("queue-stuck", "k3s", "items wait in a controller's queue and nothing moves"),
    Fault("queue-slow", "k3s", "items wait long in a controller's queue and are retried"),
    Fault("queue-deep", "k3s", "a controller's queue is very long"),
    Fault("pods-pending", "k3s", "pods that cannot be scheduled pile up"),
    Fault("certificates-expiring", "k3s", "its certificates end soon", "DAYS", "9"),
    Fault("certificate-expired", "k3s", "its page says that certificates ended yesterday"),
    Fault("serving-certificate-expired", "k3s", "the certificate it shows has just ended"),
    Fault("authorities-expiring", "k3s", "its page says that its authorities end soon", "DAYS", "60"),
    Fault("memory-leak", "k3s", "its memory grows by 5 MB a second"),
    Fault("file-descriptors-low", "k3s", "many file descriptors are open"),
    Fault("file-descriptors", "k3s", "nearly all file descriptors are open"),
    Fault("etcd-down", "etcd", "no member answers"),
    Fault("etcd-quorum-lost", "etcd", "no member but the first answers"),
    Fault("etcd-member-down", "etcd", "the last member does not answer"),
    Fault("etcd-no-leader", "etcd", "members know no leader"),
    Fault("etcd-leader-changes", "etcd", "the leader changes every minute"),
    Fault("etcd-disk-busy", "etcd", "syncs and commits take nearly half a second"),
    Fault("etcd-slow-disk", "etcd", "syncs and commits take more than a second"),
    Fault("etcd-slow-network", "etcd", "members reach each other slowly"),
    Fault("etcd-proposals-failing", "etcd", "proposals fail"),
    Fault("etcd-filling", "etcd", "the database fills most of its quota"),
    Fault("etcd-nearly-full", "etcd", "the database has nearly reached its quota"),
    Fault("etcd-fragmented", "etcd", "most of a large database file is free"),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}


def parse_faults(text: str) -> frozenset[str]:
    """Read faults separated by commas; each is a name, or a name and an argument as in `check-failing:etcd`.

    Args:
        text: such as "queue-stuck,certificates-expiring:5"; may be empty.

    Returns:
        Each fault in full, `certificates-expiring:20` for `certificates-expiring`.

    Raises:
        K3kError: a fault is unknown, or its argument is missing or too many.
    """
    return frozenset(_normal(part.strip()) for part in text.split(",") if part.strip())


def name_of(fault: str) -> str:
    """Return a fault's name without its argument."""
    return fault.partition(":")[0]


def argument_of(faults: Iterable[str], name: str) -> str | None:
    """Return the argument of a fault, None when it is not among the faults."""
    return next((fault.partition(":")[2] for fault in sorted(faults) if name_of(fault) == name), None)


def _normal(text: str) -> str:
    name, colon, argument = text.partition(":")
    fault = FAULTS.get(name)
    if fault is None:
        near = get_close_matches(name, FAULTS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(FAULTS)}."
        raise K3kError(f"The sandbox does not know the fault {name!r}.", hint=hint)
    if not fault.argument:
        if colon:
            raise K3kError(f"The fault {name} takes no argument.", hint=f"Write {name}.")
        return name
    argument = argument or fault.default
    if not argument:
        raise K3kError(f"The fault {name} needs to be told {fault.argument}.", hint=f"Write {name}:...")
    if fault.argument == "DAYS" and not _is_number(argument):
        raise K3kError(f"The fault {name} is given in days, not {argument!r}.", hint=f"Write {name}:7.")
    if fault.argument == "CHECK" and argument not in _checks():
        near = get_close_matches(argument, _checks(), n=1)
        hint = f"Did you mean {near[0]}?" if near else "`/readyz?verbose` lists them, etcd for one."
        raise K3kError(f"No server has a health check {argument!r}.", hint=hint)
    return f"{name}:{argument}"


def _checks() -> tuple[str, ...]:
    from k3k_core.sandbox.api.health import checks

    return (*checks("readyz", ("etcd", "etcd-readiness")), *checks("livez"))


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < 1e5
    except ValueError:
        return False
