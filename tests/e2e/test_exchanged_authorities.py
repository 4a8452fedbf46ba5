"""What was handed out before the authorities are exchanged goes on until the old ones are taken away, and no longer."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import ConflictError, K3kError
from k3k_core.host import Host, HostApi, HostOptions, open_host, wait_for
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.join import invite
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, issue_kubeconfig
from k3k_core.lifecycle.operation import Operation, begin, operation_of
from k3k_core.lifecycle.rotate_ca import plan_rotate_ca, rotate_ca
from k3k_core.lifecycle.rotate_tokens import plan_rotate_tokens, rotate_tokens
from k3k_core.lifecycle.supervisor import basic, bearer, open_supervisor
from k3k_core.manifests import secret_data
from k3k_core.names import ControlPlaneId
from k3k_core.pki import Tokens
from k3k_core.pki.bundles import authority_hash
from k3k_core.resources import NAMESPACE, POD, SECRET
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values

ONE = ControlPlaneId("team-a", "one")
SEVERAL = "{servers: 2, datastore: {kind: etcd, etcd: {members: 1}}}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as running:
        yield running


@pytest.fixture
async def host(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Host]:
    path = written(sandbox.kubeconfig, tmp_path / "host.yaml")
    async with open_host(HostOptions(kubeconfig=path)) as opened:
        yield opened


def written(text: str, path: Path) -> str:
    path.write_text(text)
    return str(path)


async def works(kubeconfig: str) -> bool:
    try:
        async with open_host(HostOptions(kubeconfig=kubeconfig, request_timeout=3.0)) as own:
            return bool(await own.list(NAMESPACE))
    except K3kError:
        return False


async def of_a_user(host: HostApi) -> str:
    return await issue_kubeconfig(
        host,
        ONE,
        user="jane",
        groups=("system:masters",),
        lifetime=timedelta(hours=1),
        now=datetime.now(UTC),
    )


async def test_old_kubeconfigs_work_until_the_old_authorities_are_taken_away(
    host: Host, tmp_path: Path
) -> None:
    await create(host, CreateRequest(ONE, load_values(SEVERAL)))
    before = [await fetch_kubeconfig(host, ONE), await of_a_user(host)]
    old = [written(text, tmp_path / f"old-{number}") for number, text in enumerate(before)]

    first = await rotate_ca(host, ONE)
    assert any("--finish" in sentence for sentence in first.advice)
    assert not any("still shows" in sentence for sentence in first.advice)
    assert [await works(each) for each in old] == [True, True]
    meanwhile = [await fetch_kubeconfig(host, ONE), await of_a_user(host)]
    new = [written(text, tmp_path / f"new-{number}") for number, text in enumerate(meanwhile)]
    assert [await works(each) for each in new] == [True, True]
    invitation = await invite(host, ONE, now=datetime.now(UTC))
    with pytest.raises(ConflictError, match="still trusted"):
        (await plan_rotate_ca(host, ONE)).refuse()

    await rotate_ca(host, ONE, finish_overlap=True)
    assert [await works(each) for each in old] == [False, False]
    assert [await works(each) for each in new] == [True, True]
    async with open_supervisor(host, ONE) as supervisor:
        shown = await supervisor.ask("GET", "/cacerts")
    assert invitation.token.startswith(f"K10{authority_hash(shown.text)}::")
    assert (await plan_rotate_ca(host, ONE, finish=True)).nothing_to_do
    assert not (await rotate_ca(host, ONE, finish_overlap=True)).changed


async def test_a_rotation_under_way_holds_other_verbs_off_and_names_the_command_that_goes_on(
    sandbox: Sandbox, host: Host
) -> None:
    await create(host, CreateRequest(ONE, load_values("")))

    def no_restart(request: Request) -> Fault | None:
        """The host refuses what starts the servers again."""
        hit = request.method == "PATCH" and "/statefulsets/" in request.path
        return Fault(status=403) if hit else None

    sandbox.faults.append(no_restart)
    with pytest.raises(K3kError):
        await rotate_ca(host, ONE)
    sandbox.faults.hooks.remove(no_restart)
    for work in (rotate_tokens(host, ONE), plan_rotate_tokens(host, ONE)):
        with pytest.raises(ConflictError, match="in the middle of rotate ca") as refused:
            await work
        assert refused.value.hint == "`k3k rotate ca one -n team-a --yes` goes on with it."
    with pytest.raises(ConflictError, match="the other phase is under way"):
        await rotate_ca(host, ONE, finish_overlap=True)
    assert (await rotate_ca(host, ONE)).changed
    root = await host.get(SECRET, ONE.namespace, ONE.root)
    assert operation_of(root) is None


async def test_a_control_plane_that_is_not_ready_or_too_old_is_left_alone(
    sandbox: Sandbox, host: Host
) -> None:
    await create(host, CreateRequest(ONE, load_values("version: v1.26.9+k3s1")))
    before = sandbox.store.list(SECRET, ONE.namespace)
    for plan in (await plan_rotate_ca(host, ONE), await plan_rotate_tokens(host, ONE)):
        with pytest.raises(ConflictError, match=r"upgrade to v1\.2"):
            plan.refuse()
    assert sandbox.store.list(SECRET, ONE.namespace) == before


async def test_several_servers_take_new_tokens_one_after_the_other(host: Host) -> None:
    await create(host, CreateRequest(ONE, load_values(SEVERAL)))
    old = Tokens.from_secret_data(await tokens_of(host))
    told: list[str] = []
    await rotate_tokens(host, ONE, progress=lambda step: told.append(step.message))
    new = Tokens.from_secret_data(await tokens_of(host))
    assert len([text for text in told if " is ready (" in text]) == 2
    for number in range(2):
        pod = f"{ONE.server}-{number}"
        async with open_supervisor(host, ONE, pod=pod) as supervisor:
            paths = {"server": "/v1-k3s/encrypt/status", "node": "/v1-k3s/config"}
            for user, wanted, refused in (("server", new.server, old.server), ("node", new.agent, old.agent)):
                yes = await supervisor.ask("GET", paths[user], authorization=basic(user, wanted))
                no = await supervisor.ask("GET", paths[user], authorization=basic(user, refused))
                assert (yes.refused, no.refused) == (False, True)
            page = await supervisor.ask("GET", "/metrics", authorization=bearer(new.monitor))
            gone = await supervisor.ask("GET", "/metrics", authorization=bearer(old.monitor))
            assert (page.status, gone.status) == (200, 401)
    assert not [key for key in await tokens_of(host) if key.endswith("-next")]


async def test_an_exchange_whose_answer_was_lost_goes_on_from_servers_that_start_in_vain(host: Host) -> None:
    """The server took the new token, nobody heard of it, and then it started again with the old one."""
    await create(host, CreateRequest(ONE, load_values("")))
    old = Tokens.from_secret_data(await tokens_of(host))
    waiting = {"server-next": "1" * 32, "agent-next": "2" * 32}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in waiting.items()}
    await host.patch(SECRET, ONE.namespace, ONE.tokens, {"data": encoded})
    facts = {"what": "server,agent"}
    note = Operation("rotate tokens", "switch", facts, "rotate tokens one -n team-a --yes")
    await begin(host, ONE, note)
    async with open_supervisor(host, ONE) as supervisor:
        body = json.dumps({"newToken": waiting["server-next"]}).encode()
        known = basic("server", old.server)
        assert (await supervisor.ask("PUT", "/v1-k3s/token", authorization=known, body=body)).status == 200
    before = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
    await host.delete(POD, ONE.namespace, f"{ONE.server}-0")
    await ended_in_vain(host, before["metadata"]["uid"])

    await rotate_tokens(host, ONE, timeout=30.0)
    new = Tokens.from_secret_data(await tokens_of(host))
    assert (new.server, new.agent) == ("1" * 32, "2" * 32)


async def ended_in_vain(host: Host, before: str) -> None:
    """Wait until a server that is not the one before has ended at its start."""

    def ended(pods: Mapping[str, dict[str, Any]]) -> bool | None:
        pod = pods.get(f"{ONE.server}-0")
        if pod is None or pod["metadata"]["uid"] == before:
            return None
        statuses = pod.get("status", {}).get("containerStatuses") or ()
        return True if any(each.get("lastState") or each.get("restartCount") for each in statuses) else None

    await wait_for(host, POD, ONE.namespace, ended, timeout=20.0, what="a server that ends at its start")


async def tokens_of(host: Host) -> dict[str, str]:
    return secret_data(await host.get(SECRET, ONE.namespace, ONE.tokens))
