"""Describing a control plane with an identity that may not see everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest

from k3k_core.errors import ForbiddenError
from k3k_core.host import HostApi
from k3k_core.lifecycle.describe import describe
from k3k_core.names import ControlPlaneId
from k3k_core.resources import EVENT, PERSISTENT_VOLUME_CLAIM, POD, SERVICE, Resource
from tests.support.fleet_host import FleetHost, control_plane, pod

ID = ControlPlaneId("team-a", "ci")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def hiding(*types: Resource) -> HostApi:
    """A host with a control plane, some types of its objects hidden."""
    host = FleetHost()
    host.put(*control_plane("ci"), pod(ID))
    host.hidden.update(types)
    return cast("HostApi", host)


@pytest.mark.parametrize("kind", [EVENT, PERSISTENT_VOLUME_CLAIM, POD], ids=str)
async def test_what_a_description_can_do_without_is_named_when_it_is_hidden(kind: Resource) -> None:
    found = await describe(hiding(kind), ID, now=NOW)
    assert found.hidden == (kind.plural,)
    assert found.summary.verdict == "Healthy"
    assert found.to_dict()["hidden"] == [kind.plural]


async def test_with_all_rights_nothing_is_hidden() -> None:
    found = await describe(hiding(), ID, now=NOW)
    assert (found.hidden, [item.name for item in found.servers]) == ((), ["ci-k3k-server-0"])


async def test_what_it_cannot_do_without_is_an_error() -> None:
    with pytest.raises(ForbiddenError):
        await describe(hiding(SERVICE), ID, now=NOW)
