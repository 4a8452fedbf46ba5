"""`/sd`: the control planes as targets for Prometheus' HTTP service discovery.

The address of each target is this exporter's own, as the client reached it, so that Prometheus comes back to
`/probe` (by `__param_target`) or to `/raw` (by `__meta_k3k_raw_path`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from k3k_core.exporter.label_values import clean
from k3k_core.fleet import FleetRow

_HOST_HEADER = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}", re.ASCII)


def raw_path(row: FleetRow) -> str:
    """Return the path of a control plane's own page.

    Args:
        row: the control plane.
    """
    plane = row.control_plane
    return f"/raw/{quote(plane.namespace, safe='')}/{quote(plane.name, safe='')}"


def address_for(host_header: str, fallback: str) -> str:
    """Return the address under which a client reached this exporter.

    Args:
        host_header: what the client says.
        fallback: for when that makes no sense.
    """
    return host_header if _HOST_HEADER.fullmatch(host_header) else fallback


def target_groups(rows: Iterable[FleetRow], *, address: str, scheme: str) -> list[dict[str, Any]]:
    """Return the document of `/sd`: one group for each control plane.

    Args:
        rows: the fleet.
        address: HOST:PORT of this exporter.
        scheme: "http" or "https".
    """
    rows = list(rows)
    shared = Counter((row.control_plane.namespace, row.control_plane.name) for row in rows)
    return [
        _group(row, address, scheme, several=shared[row.control_plane.namespace, row.control_plane.name] > 1)
        for row in rows
    ]


def _group(row: FleetRow, address: str, scheme: str, *, several: bool) -> dict[str, Any]:
    plane = row.control_plane
    target = f"{plane.namespace}/{plane.name}"
    labels = {
        # Targets that differ in parameters only would share a series `up` without it.
        "instance": f"{plane.host}/{target}" if several else target,
        "__scheme__": scheme,
        "__param_target": target,
        "__param_host": plane.host,
        "__meta_k3k_host": plane.host,
        "__meta_k3k_namespace": plane.namespace,
        "__meta_k3k_name": plane.name,
        "__meta_k3k_system": plane.system,
        "__meta_k3k_made_by": plane.made_by,
        "__meta_k3k_version": plane.version,
        "__meta_k3k_datastore": plane.datastore,
        "__meta_k3k_endpoint": plane.endpoint,
        "__meta_k3k_raw_path": raw_path(row),
    }
    # Parameters and paths have to lead back here as they are; the rest is only read.
    exact = {"__param_target", "__param_host", "__meta_k3k_raw_path"}
    return {
        "targets": [address],
        "labels": {name: value if name in exact else clean(value) for name, value in labels.items()},
    }
