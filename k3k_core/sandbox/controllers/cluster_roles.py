"""Fills in the rules of ClusterRoles that aggregate others, as kube-controller-manager does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.rbac import CLUSTER_ROLE
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.pods import matches
from k3k_core.sandbox.controllers.runtime import Key

_MANAGER = "clusterrole-aggregation-controller"


class ClusterRoleAggregator:
    """Unites the rules of the roles that an aggregating role selects.

    Args:
        client: reads and writes.
    """

    watches: tuple[Resource, ...] = (CLUSTER_ROLE,)

    def __init__(self, client: Client) -> None:
        self._client = client

    def keys(self, change: Change) -> Iterable[Key]:
        """All aggregating roles: any role may be part of any of them."""
        del change
        return [
            (role["metadata"]["name"],)
            for role in self._client.store.list(CLUSTER_ROLE)
            if role.get("aggregationRule")
        ]

    def reconcile(self, key: Key) -> float | None:
        """Bring the rules of one role up to date."""
        role = self._client.store.get(CLUSTER_ROLE, None, key[0])
        if role is None or not role.get("aggregationRule"):
            return None
        rules = self._rules(role)
        if rules != (role.get("rules") or []):
            self._client.apply(CLUSTER_ROLE, {"metadata": {"name": key[0]}, "rules": rules}, manager=_MANAGER)
        return None

    def _rules(self, role: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        others = sorted(self._client.store.list(CLUSTER_ROLE), key=lambda item: item["metadata"]["name"])
        for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
            for other in others:
                if other["metadata"]["name"] == role["metadata"]["name"]:
                    continue
                if matches(selector, other["metadata"].get("labels")):
                    found += [rule for rule in other.get("rules") or () if rule not in found]
        return found
