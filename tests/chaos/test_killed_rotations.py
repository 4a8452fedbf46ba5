"""Rotations stopped after each single request and then repeated: they finish, and only what should change does.

Between two writes nothing changes, so losing the answer to each write in turn leaves every state there can be.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.rotate_ca import rotate_ca, servers_of_the_old
from k3k_core.lifecycle.rotate_certificates import rotate_certificates
from k3k_core.lifecycle.rotate_tokens import rotate_tokens
from k3k_core.lifecycle.supervisor import basic, open_supervisor
from k3k_core.names import ControlPlaneId
from k3k_core.pki import Tokens
from k3k_core.pki.bundles import roots_of
from k3k_core.resources import NAMESPACE, POD, SECRET
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import K3K, start
from tests.support.stopping import objects_of, secrets_of, stopped_everywhere

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")


def data_of(sandbox: Sandbox, name: str) -> dict[str, str]:
    """Return what a Secret holds."""
    found = sandbox.store.get(SECRET, ONE.namespace, name)
    assert found is not None
    return manifests.secret_data(found)


def others(sandbox: Sandbox, *changing: str) -> dict[str, Any]:
    """Return the Secrets that must stay as they are."""
    return {name: data for name, data in secrets_of(sandbox, ONE).items() if name not in changing}


async def statuses(host: Host, user: str, token: str) -> int:
    """Ask a server for what needs a join token."""
    path = "/v1-k3s/encrypt/status" if user == "server" else "/v1-k3s/config"
    async with open_supervisor(host, ONE) as supervisor:
        return (await supervisor.ask("GET", path, authorization=basic(user, token))).status


@pytest.mark.parametrize("answered", [True, False], ids=["answer lost", "request lost"])
async def test_an_exchange_of_tokens_stopped_anywhere_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, answered: bool
) -> None:
    made: dict[str, Any] = {}

    async def verb(host: Host, _: int) -> None:
        if not made:
            await create(host, CreateRequest(ONE, load_values("")))
            made["secrets"], made["objects"] = others(sandbox, ONE.tokens), objects_of(sandbox, ONE)
            made["tokens"] = Tokens.from_secret_data(data_of(sandbox, ONE.tokens))
        await rotate_tokens(host, ONE, timeout=20.0)

    async def check(host: Host, spare: int) -> None:
        after = f"after {spare} requests"
        data = data_of(sandbox, ONE.tokens)
        old: Tokens = made["tokens"]
        new = made["tokens"] = Tokens.from_secret_data(data)
        assert not [key for key in data if key.endswith("-next")], after
        pairs = ((new.server, old.server), (new.agent, old.agent), (new.monitor, old.monitor))
        assert all(one != other for one, other in pairs), after
        assert new.node_password == old.node_password, after
        assert others(sandbox, ONE.tokens) == made["secrets"], after
        assert objects_of(sandbox, ONE) == made["objects"], after
        root = sandbox.store.get(SECRET, ONE.namespace, ONE.root)
        assert root is not None
        assert operation_of(root) is None, after
        found = [await statuses(host, "server", each) for each in (new.server, old.server)]
        found += [await statuses(host, "node", each) for each in (new.agent, old.agent)]
        assert found == [500, 403, 200, 403], after

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=1 if answered else 9)


async def test_certificates_made_anew_stopped_anywhere_are_when_repeated(
    sandbox: Sandbox, kubeconfig: Path
) -> None:
    made: dict[str, Any] = {}

    async def verb(host: Host, _: int) -> None:
        if not made:
            await create(host, CreateRequest(ONE, load_values("datastore: {kind: etcd, etcd: {members: 1}}")))
            made["secrets"] = others(sandbox, ONE.kubeconfig, ONE.etcd_pki)
            made["objects"] = objects_of(sandbox, ONE)
            made["changing"] = changing(sandbox)
        await rotate_certificates(host, ONE, force=True, timeout=20.0)

    async def check(host: Host, spare: int) -> None:
        after = f"after {spare} requests"
        assert others(sandbox, ONE.kubeconfig, ONE.etcd_pki) == made["secrets"], after
        assert objects_of(sandbox, ONE) == made["objects"], after
        old, new = made["changing"], changing(sandbox)
        assert all(new[name] != old[name] for name in old), after
        made["changing"] = new
        async with open_control_plane(host, ONE) as own:
            assert (await own.list(NAMESPACE)).items, after

    def changing(at: Sandbox) -> dict[str, Any]:
        """Return what every rotation has to change: a pod that runs anew, and two Secrets."""
        pod = at.store.get(POD, ONE.namespace, f"{ONE.server}-0")
        assert pod is not None
        secrets = {name: data_of(at, name) for name in (ONE.kubeconfig, ONE.etcd_pki)}
        return {"server": pod["metadata"]["uid"], **secrets}

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=True)


async def test_authorities_exchanged_stopped_anywhere_are_when_repeated(
    sandbox: Sandbox, kubeconfig: Path
) -> None:
    """Each round is the other phase: new ones beside the old, then the new ones alone."""
    made: dict[str, Any] = {}

    async def verb(host: Host, _: int) -> None:
        if not made:
            await create(host, CreateRequest(ONE, load_values("")))
            made["secrets"] = others(sandbox, ONE.kubeconfig, ONE.pki)
            made["objects"], made["finish"] = objects_of(sandbox, ONE), False
            made["pki"] = data_of(sandbox, ONE.pki)
        await rotate_ca(host, ONE, finish_overlap=made["finish"], timeout=20.0)

    async def check(host: Host, spare: int) -> None:
        after = f"after {spare} requests"
        assert others(sandbox, ONE.kubeconfig, ONE.pki) == made["secrets"], after
        assert objects_of(sandbox, ONE) == made["objects"], after
        old, new = made["pki"], data_of(sandbox, ONE.pki)
        assert old.pop("service.key") == new["service.key"], after
        counted = {len(roots_of(text)) for key, text in new.items() if key.endswith("-ca.crt")}
        assert counted == ({1} if made["finish"] else {2}), after
        kept = [key for key, text in old.items() if new[key] == text]
        assert kept == ([key for key in old if key.endswith(".key")] if made["finish"] else []), after
        assert await servers_of_the_old(host, ONE) == [], after
        async with open_control_plane(host, ONE) as own:
            assert (await own.list(NAMESPACE)).items, after
        made["pki"], made["finish"] = dict(new), not made["finish"]

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=True)


async def test_an_exchange_of_authorities_that_is_killed_goes_on_as_it_says(host: HostUnderTest) -> None:
    assert host.sandbox is not None
    where = ("ci", "-n", host.namespace)
    (await host.k3k("create", *where)).checked()
    command = ("rotate", "ca", *where, "--yes", "-o", "json")
    process = None

    def kill(request: Request) -> Fault | None:
        path = request.path.partition("?")[0]
        if process is None or request.method != "PATCH" or not path.endswith("secrets/ci-k3k-pki"):
            return None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        return Fault(drop="after")

    host.sandbox.faults.append(kill)
    try:
        process = await start([K3K, *command], kubeconfig=host.kubeconfig)
        await process.communicate()
    finally:
        host.sandbox.faults.hooks.remove(kill)
    assert process.returncode == -signal.SIGKILL
    refused = await host.k3k("restart", *where)
    assert refused.code == 4
    assert f"`k3k rotate ca ci -n {host.namespace} --yes` goes on with it" in refused.err
    done = json.loads((await host.k3k(*command)).checked().out)
    assert done["changed"]
    assert (await host.k3k("restart", *where)).code == 0
