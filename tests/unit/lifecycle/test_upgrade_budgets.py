"""PodDisruptionBudgets that would not have a server taken away: a StatefulSet would not ask them."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.host import Listing
from k3k_core.lifecycle.standing import UpgradeRequest
from k3k_core.lifecycle.upgrade_rules import budget_problems
from k3k_core.names import ControlPlaneId

ONE = ControlPlaneId("shop", "one")
SERVERS = {"app.kubernetes.io/component": "server"}


class Budgets:
    """A host that has some budgets and nothing else."""

    def __init__(self, *budgets: dict[str, Any]) -> None:
        self._budgets = list(budgets)

    async def list(self, *_resource: object, **_options: object) -> Listing:
        return Listing(self._budgets, "1")


def budget(selector: dict[str, Any] | None, *, allowed: int = 0, name: str = "tenant") -> dict[str, Any]:
    status = {"expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": allowed}
    spec = {} if selector is None else {"selector": selector}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


async def found(*budgets: dict[str, Any], servers: bool = True, **more: Any) -> list[str]:
    host: Any = Budgets(*budgets)
    request = UpgradeRequest(ONE, **more)
    return [each.path for each in await budget_problems(host, request, servers=servers, etcd=False)]


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": SERVERS},
        {},
        {
            "matchExpressions": [
                {"key": "app.kubernetes.io/component", "operator": "In", "values": ["server", "etcd"]}
            ]
        },
        {"matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "Exists"}]},
    ],
)
async def test_one_that_covers_the_servers_and_allows_nothing_is_named(selector: dict[str, Any]) -> None:
    assert await found(budget(selector)) == ["PodDisruptionBudget/tenant"]


@pytest.mark.parametrize(
    "selector",
    [
        None,
        {"matchLabels": {"app": "shop"}},
        {"matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "DoesNotExist"}]},
        {
            "matchExpressions": [
                {"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["server"]}
            ]
        },
    ],
)
async def test_one_of_other_pods_does_not_matter(selector: dict[str, Any] | None) -> None:
    assert await found(budget(selector)) == []


async def test_one_that_allows_a_pod_to_go_does_not_matter() -> None:
    assert await found(budget({"matchLabels": SERVERS}, allowed=1)) == []


async def test_k3ks_own_is_kept_to_by_going_one_by_one() -> None:
    assert await found(budget({"matchLabels": SERVERS}, name=ONE.root)) == []


async def test_where_no_server_is_replaced_none_matters() -> None:
    assert await found(budget({"matchLabels": SERVERS}), servers=False) == []


async def test_who_says_so_goes_on_all_the_same() -> None:
    assert await found(budget({"matchLabels": SERVERS}), ignore_health=True) == []
