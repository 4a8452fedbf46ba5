"""Talking to a host: connect, request, apply, watch.

Names are loaded on first use, so that importing this package costs nothing until a host is contacted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k3k_core.host.api import ExecResult, HostApi, HostOptions, Listing, WatchEvent
    from k3k_core.host.backoff import Backoff
    from k3k_core.host.client import Host
    from k3k_core.host.connect import open_host
    from k3k_core.host.following import Selection
    from k3k_core.host.kubeconfig import Context, hosts
    from k3k_core.host.reflector import Batch, Change, Key, Reflector, ReflectorState
    from k3k_core.host.tunnel import Tunnel, open_tunnel
    from k3k_core.host.waiting import wait_for

_HOME = {
    "Backoff": "backoff",
    "Batch": "reflector",
    "Change": "reflector",
    "Context": "kubeconfig",
    "ExecResult": "api",
    "Host": "client",
    "HostApi": "api",
    "HostOptions": "api",
    "Key": "reflector",
    "Listing": "api",
    "Reflector": "reflector",
    "ReflectorState": "reflector",
    "Selection": "following",
    "Tunnel": "tunnel",
    "WatchEvent": "api",
    "hosts": "kubeconfig",
    "open_host": "connect",
    "open_tunnel": "tunnel",
    "wait_for": "waiting",
}

__all__ = [
    "Backoff",
    "Batch",
    "Change",
    "Context",
    "ExecResult",
    "Host",
    "HostApi",
    "HostOptions",
    "Key",
    "Listing",
    "Reflector",
    "ReflectorState",
    "Selection",
    "Tunnel",
    "WatchEvent",
    "hosts",
    "open_host",
    "open_tunnel",
    "wait_for",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
