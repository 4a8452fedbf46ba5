"""Labels and the time to live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.values.rules.rule import Finding, Given, error, rule, warning

if TYPE_CHECKING:
    from k3k_core.values.model import Values

# Controllers and k3k itself find objects by labels with these prefixes; two of them are Kubernetes' own
# (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set).
_RESERVED = ("kubernetes.io", "k8s.io", "k3k.ayedo.de", "k3s.io", "cattle.io")


@rule("labels")
def _reserved_labels(values: Values, _: Given) -> Iterator[Finding]:
    for key in values.labels:
        prefix = key.rpartition("/")[0]
        if any(prefix == domain or prefix.endswith(f".{domain}") for domain in _RESERVED):
            yield error(
                f"labels.{key}",
                f"labels of {prefix} belong to the system, which finds objects by them",
                "use a prefix of your own, or none",
            )


@rule("ttl", "protect")
def _protected_for_a_while(values: Values, given: Given) -> Iterator[Finding]:
    if values.protect and given.has("ttl"):
        yield warning(
            "ttl",
            "ends, but `protect` keeps it from being pruned then",
            "take one of them out",
        )
