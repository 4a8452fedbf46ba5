"""The sandbox's pod logs, asked for as kubectl does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import POD
from k3k_core.sandbox import SandboxOptions
from tests.support.running_sandbox import RunningSandbox, control_plane, running_sandbox

SERVER = "dev-k3k-server-0"
LOG = f"/api/v1/namespaces/ns/pods/{SERVER}/log"


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(SandboxOptions(start_delay=0.01)) as sandbox:
        await sandbox.put(*control_plane("203.0.113.7"))
        await sandbox.until_ready(POD, SERVER)
        yield sandbox


async def lines(running: RunningSandbox, **query: Any) -> list[str]:
    answer = await running.client.get(LOG, params=query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain"), answer.text
    return answer.text.splitlines()


async def test_a_log_is_whole_or_its_end_or_what_is_young_enough(running: RunningSandbox) -> None:
    whole = await lines(running)
    assert "simulated by the k3k sandbox" in whole[0]
    assert any("k3s is up and running" in line for line in whole)
    assert await lines(running, tailLines=2) == whole[-2:]
    assert await lines(running, tailLines=0) == []
    assert await lines(running, sinceTime="2030-01-01T00:00:00Z") == []
    assert await lines(running, sinceSeconds=3600) == whole
    assert "\n".join(await lines(running, limitBytes=9)) == whole[0][:9]
    assert (await lines(running, timestamps=True, tailLines=1))[0].endswith(whole[-1])


async def test_a_followed_log_goes_on_until_the_container_ends(running: RunningSandbox) -> None:
    log = running.sandbox.controllers.log("ns", SERVER, "k3s")
    async with running.client.stream("GET", LOG, params={"follow": "true", "tailLines": "1"}) as answer:
        stream = answer.aiter_lines()
        await anext(stream)
        log.write("written later")
        while await anext(stream) != "written later":
            pass
        await running.client.delete(f"/api/v1/namespaces/ns/pods/{SERVER}")
        async for _ in stream:
            pass
    assert log.ended


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"container": "other"}, 400, "container other is not valid for pod"),
        ({"previous": "true"}, 400, 'previous terminated container "k3s" in pod'),
        ({"tailLines": "-1"}, 422, "must be greater than or equal to 0"),
        ({"sinceSeconds": "0"}, 422, "must be greater than or equal to 1"),
        ({"tailLines": "x"}, 400, "invalid syntax"),
        ({"sinceTime": "yesterday"}, 400, "yesterday"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_the_kubelets_words(
    running: RunningSandbox, query: dict[str, str], code: int, words: str
) -> None:
    answer = await running.client.get(LOG, params=query)
    assert (answer.status_code, answer.json()["kind"]) == (code, "Status")
    assert words in answer.json()["message"]


async def test_the_log_of_a_pod_that_does_not_exist_is_not_found(running: RunningSandbox) -> None:
    answer = await running.client.get("/api/v1/namespaces/ns/pods/other/log")
    assert answer.status_code == 404
