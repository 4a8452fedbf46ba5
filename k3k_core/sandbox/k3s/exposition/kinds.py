"""The kinds of page there are: what a k3s of which version with which datastore shows, and what an etcd shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from k3k_core.sandbox.k3s.exposition.effects import EFFECTS, WEATHER
from k3k_core.sandbox.k3s.exposition.recording import RecordedFamily, Recording, Series, read_recording
from k3k_core.sandbox.k3s.exposition.server_families import (
    etcd_families,
    kine_families,
    member_families,
    server_families,
)
from k3k_core.sandbox.k3s.exposition.template import Compiler, Template, labels_of

# "" for an etcd; kine stands before the others.
Engine = Literal["", "sqlite", "sql"]
# Servers older than this show the families of the older recording.
_MODERN_MINOR = 26
_OF_REQUESTS = ("apiserver_", "etcd_", "authentication_", "authorization_")
# Bytes a second by which an idle cluster grows.
_GROWTH = 60.0
_METRICS_SERVER = "v1beta1.metrics.k8s.io"
CERTIFICATES = "k3s_certificate_expiration_seconds"
BUILD_INFO = "kubernetes_build_info"
START_TIME = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Release:
    """A version of k3s, as far as pages differ.

    Attributes:
        minor: of Kubernetes, 36 for v1.36.2.
        patch: of Kubernetes, 2 for v1.36.2.
    """

    minor: int
    patch: int

    @classmethod
    def of(cls, version: str) -> Release:
        """Read a version such as "v1.36.2+k3s1"; what cannot be read is taken for a modern one."""
        matched = re.match(r"v1\.(\d+)(?:\.(\d+))?", version)
        return cls(int(matched[1]), int(matched[2] or 0)) if matched else cls(36, 2)


def server_template(version: str, engine: Engine, *, kine_tls: bool = False) -> Template:
    """Return the kind of page a server shows.

    Args:
        version: of k3s.
        engine: what kine stands before.
        kine_tls: whether `kine-tls` is on, without which older versions show no kine metrics.
    """
    release = Release.of(version)
    if release.minor < _MODERN_MINOR:
        return _server_template("old", engine="", certificates=False)
    # k3s since 1.36.2 always shows kine_* (k3s PR 12956), with kine-tls since about 1.34.1 (PR 12831).
    shows_kine = (release.minor, release.patch) >= (36, 2) or (
        kine_tls and (release.minor, release.patch) >= (34, 1)
    )
    return _server_template(
        "modern" if release.minor >= 34 else "middle",
        engine=engine if shows_kine else "",
        certificates=release.minor >= 30,
    )


@cache
def _server_template(age: str, *, engine: Engine, certificates: bool) -> Template:
    recording = read_recording("k3s-1.21" if age == "old" else "k3s-1.36")
    recording = _with_metrics_server(recording)
    if age == "old":
        recording = recording.with_families(_calm(recording.families["scheduler_pending_pods"]))
    else:
        recording = recording.with_families(server_families())
    if age == "middle":
        recording = _before_134(recording)
    if engine:
        recording = recording.with_families(kine_families(pooled=engine == "sql"))
    slots = [BUILD_INFO, START_TIME, *([CERTIFICATES] if certificates else [])]
    return Compiler(
        recording,
        {**EFFECTS, **WEATHER},
        slots=slots,
        of_requests=_OF_REQUESTS,
        drifts={"apiserver_storage_size_bytes": _GROWTH},
    ).template()


@cache
def etcd_template(ordinal: int, members: int) -> Template:
    """Return the kind of page an etcd member shows.

    Args:
        ordinal: which member it is; the first leads.
        members: how many there are.
    """
    recording = read_recording("etcd-3.6").with_families(
        (*etcd_families(), *member_families(ordinal, members))
    )
    growth = {
        "etcd_mvcc_db_total_size_in_bytes": _GROWTH,
        "etcd_mvcc_db_total_size_in_use_in_bytes": _GROWTH,
    }
    return Compiler(recording, EFFECTS, slots=(START_TIME,), drifts=growth).template()


def _with_metrics_server(recording: Recording) -> Recording:
    """Add the one aggregated API that a k3s has by default."""
    family = recording.families["aggregator_unavailable_apiservice"]
    series = Series(f'{family.name}{{name="{_METRICS_SERVER}"}}', 0.0, 0.0)
    return recording.with_families([replace(family, series=(*family.series, series))])


def _calm(family: RecordedFamily) -> list[RecordedFamily]:
    """Return a gauge at zero: the recorded server had no nodes, so its pods waited."""
    return [replace(family, series=tuple(Series(each.text, 0.0, 0.0) for each in family.series))]


def _before_134(recording: Recording) -> Recording:
    """Return what 1.26 to 1.33 show: one label for the kind of object, and families that came later left out."""
    renamed = [
        replace(family, series=tuple(map(_typed, family.series)))
        for name, family in recording.families.items()
        if name.startswith(("etcd_request", "etcd_bookmark_counts"))
    ]
    later = ("apiserver_resource_objects", "apiserver_resource_size_estimate_bytes", "etcd_bookmark_total")
    return recording.with_families(renamed).without(later)


def _typed(series: Series) -> Series:
    labels = labels_of(series.text)
    if "resource" not in labels:
        return series
    group, resource = labels.pop("group", ""), labels.pop("resource")
    bound = labels.pop("le", None)
    labels["type"] = f"{resource}.{group}" if group else resource
    if bound is not None:
        labels["le"] = bound
    text = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return replace(series, text=f"{series.name}{{{text}}}")
