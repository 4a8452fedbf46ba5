"""The API servers that contract tests run against: the sandbox's, and a real one where its binaries are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.api_servers import ApiUnderTest
from tests.support.engines import ADMIN_TOKEN, engine
from tests.support.real_servers import RealServer, find_assets, real_server


@pytest.fixture(scope="session")
def real_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A real kube-apiserver; one for all tests."""
    assets = find_assets()
    if assets is None:
        pytest.skip("needs etcd and kube-apiserver in KUBEBUILDER_ASSETS")
    with real_server(assets, tmp_path_factory.mktemp("real-api")) as server:
        yield server


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[ApiUnderTest]:
    """An API server, the sandbox's or a real one."""
    if request.param == "real":
        server: RealServer = request.getfixturevalue("real_api")
        yield ApiUnderTest(server.url, server.token, server.authority, server.controllers)
        return
    async with engine() as sandbox:
        yield ApiUnderTest(sandbox.url, ADMIN_TOKEN)
