"""Running a program in a container through the host's API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from k3k_core.errors import ForbiddenError, HostError, NotFoundError, NotReadyError, UnreachableError
from k3k_core.host import exec as exec_protocol
from k3k_core.host.api import ExecResult
from tests.support.executing import V4, V5, Body, Run, exited, running
from tests.support.loopback import connected_to, serve, status


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _result(body: Body, **more: object) -> ExecResult:
    async with serve(running(body)) as server, connected_to(server.url) as host:
        return await host.exec("n", "pod", ["true"], **more)  # type: ignore[arg-type]


async def test_a_program_runs_with_its_arguments_in_the_container_asked_for() -> None:
    seen: list[Run] = []

    async def body(run: Run) -> None:
        seen.append(run)
        await run.write(b"out")
        await run.write(b"oops", channel=2)
        await run.end()

    async with serve(running(body)) as server, connected_to(server.url) as host:
        result = await host.exec("n", "pod", ["echo", "a b", "&c=d"], container="k3s")

    assert result == ExecResult(0, b"out", "oops")
    assert seen[0].argv == ["echo", "a b", "&c=d"]
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/v1/namespaces/n/pods/pod/exec")
    assert request.query | {"command": ""} == {
        "container": "k3s",
        "stdout": "true",
        "stderr": "true",
        "command": "",
    }
    assert request.headers["Authorization"] == "Bearer sesame"
    assert request.headers["Sec-WebSocket-Protocol"] == f"{V5},{V4}"


async def test_a_program_that_fails_is_a_result() -> None:
    async def body(run: Run) -> None:
        await run.end(exited(3))

    assert (await _result(body)).exit_code == 3


async def test_the_input_arrives_whole_and_its_end_is_told() -> None:
    data = bytes(range(256)) * 1000

    async def body(run: Run) -> None:
        await run.write(await run.read(10**9))
        await run.end()

    result = await _result(body, stdin=_pieces(data[:7], b"", data[7:]))
    assert result.stdout == data


async def test_with_the_older_protocol_a_program_is_fed_by_size() -> None:
    async def body(run: Run) -> None:
        await run.write(await run.read(5))
        await run.end()

    async with serve(running(body, protocols=(V4,))) as server, connected_to(server.url) as host:
        result = await host.exec("n", "pod", ["head", "-c", "5"], stdin=_pieces(b"hello"))

    assert result.stdout == b"hello"


async def test_a_program_that_ends_before_it_read_everything_is_no_failure() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65536)
            await asyncio.sleep(0)

    async def body(run: Run) -> None:
        await run.read(1)
        await run.end(exited(1))

    assert (await _result(body, stdin=endless())).exit_code == 1


async def test_output_is_taken_piece_by_piece_and_not_kept() -> None:
    taken: list[bytes] = []

    async def sink(piece: bytes) -> None:
        taken.append(piece)

    async def body(run: Run) -> None:
        await run.write(b"one")
        await run.write(b"two")
        await run.end()

    assert (await _result(body, stdout=sink)).stdout == b""
    assert taken == [b"one", b"two"]


async def test_what_comes_after_the_end_was_told_still_counts() -> None:
    async def body(run: Run) -> None:
        await run.end()
        await run.write(b"late")

    assert (await _result(body)).stdout == b"late"


async def test_a_host_that_never_closes_does_not_keep_a_program_that_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exec_protocol, "_GRACE", 0.01)

    async def body(run: Run) -> None:
        await run.end()
        await run.socket.receive()

    assert (await _result(body)).exit_code == 0


async def test_only_the_end_of_what_a_program_complains_about_is_kept() -> None:
    async def body(run: Run) -> None:
        for _ in range(10):
            await run.write(b"x" * 4096, channel=2)
        await run.write(b"last words", channel=2)
        await run.end()

    stderr = (await _result(body)).stderr
    assert stderr.endswith("xlast words")
    assert len(stderr) == 4096


async def test_a_status_in_pieces_is_put_together() -> None:
    async def body(run: Run) -> None:
        await run.write(b'{"status":', channel=3)
        await run.write(b'"Success"}', channel=3)

    assert (await _result(body)).exit_code == 0


async def test_a_connection_that_ends_before_the_program_is_an_error_that_says_so() -> None:
    async def body(run: Run) -> None:
        await run.write(b"half")

    with pytest.raises(UnreachableError, match="ended before the program") as caught:
        await _result(body)
    assert "Whether the program ran is not known" in caught.value.hint


@pytest.mark.parametrize(
    "nonsense",
    [b"[]", b"{}", b"not JSON", b'{"status":"Failure","reason":"NonZeroExitCode"}', b"x" * 70_000],
)
async def test_an_end_that_cannot_be_understood_is_an_error(nonsense: bytes) -> None:
    async def body(run: Run) -> None:
        await run.write(nonsense, channel=3)

    with pytest.raises((UnreachableError, HostError)):
        await _result(body)


async def test_unknown_channels_and_empty_messages_are_passed_over() -> None:
    async def body(run: Run) -> None:
        await run.socket.send_bytes(b"")
        await run.write(b"?", channel=9)
        await run.write(b"\x01", channel=255)
        await run.end()

    assert (await _result(body)).exit_code == 0


async def test_a_message_larger_than_any_host_sends_is_refused() -> None:
    async def body(run: Run) -> None:
        await run.write(bytes(2**21))
        await run.end()

    with pytest.raises(UnreachableError, match="no message of this protocol"):
        await _result(body)


async def test_more_output_than_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_protocol, "_STDOUT_LIMIT", 100)

    async def body(run: Run) -> None:
        await run.write(bytes(101))
        await run.end()

    with pytest.raises(UnreachableError, match="wrote more than"):
        await _result(body)


async def test_a_program_that_takes_too_long_is_not_ready_in_time() -> None:
    async def body(run: Run) -> None:
        await run.socket.receive()

    with pytest.raises(NotReadyError, match=r"Pod pod in namespace n did not end within 0\.01 s"):
        await _result(body, timeout=0.01)


async def test_a_container_that_is_gone_is_not_found() -> None:
    async def body(run: Run) -> None:
        message = 'unable to upgrade connection: container not found ("k3s")'
        await run.end({"status": "Failure", "reason": "InternalError", "message": message})

    with pytest.raises(NotFoundError, match="container not found"):
        await _result(body)


async def test_a_program_that_cannot_be_started_is_an_error_in_the_hosts_words() -> None:
    async def body(run: Run) -> None:
        message = 'exec: "nope": executable file not found in $PATH'
        await run.end({"status": "Failure", "reason": "InternalError", "message": message})

    with pytest.raises(HostError, match="executable file not found"):
        await _result(body)


async def test_an_error_of_the_source_of_the_input_reaches_the_caller() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("disk")

    async def body(run: Run) -> None:
        await run.read(10)

    with pytest.raises(OSError, match="disk"):
        await _result(body, stdin=broken())


async def test_an_error_of_the_taker_of_the_output_reaches_the_caller() -> None:
    async def sink(_: bytes) -> None:
        raise OSError("disk full")

    async def body(run: Run) -> None:
        await run.write(b"x")
        await run.read(1)

    with pytest.raises(OSError, match="disk full"):
        await _result(body, stdout=sink)


async def test_a_host_of_another_protocol_is_refused() -> None:
    async def body(run: Run) -> None:
        await run.end()

    async with serve(running(body, protocols=())) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="does not speak the protocol"):
            await host.exec("n", "pod", ["true"])


@pytest.mark.parametrize(
    "words",
    [
        'failed to create exec "5e": container not created: not found',
        'failed to create exec "5e": task 0ad04b not found: not found',
        'failed to start exec "5e": OCI runtime exec failed: exec failed: cannot exec in a stopped container',
        'unable to upgrade connection: container not found ("k3s")',
    ],
)
async def test_a_container_that_has_ended_meanwhile_is_not_found(words: str) -> None:
    async def body(run: Run) -> None:
        await run.end({"status": "Failure", "reason": "InternalError", "message": f"Internal error: {words}"})

    with pytest.raises(NotFoundError):
        await _result(body)


async def test_a_refusal_is_told_in_the_hosts_words() -> None:
    refused = status(400, "BadRequest", "container nope is not valid for pod pod")
    async with serve(refused) as server, connected_to(server.url) as host:
        with pytest.raises(HostError, match="container nope is not valid for pod pod"):
            await host.exec("n", "pod", ["true"], container="nope")


@pytest.mark.parametrize(
    ("message", "who"),
    [
        ('pods "pod" is forbidden: User "u" cannot get resource "pods/exec" in API group ""', "u"),
        ('pods "pod" is forbidden:', "this identity"),
    ],
)
async def test_who_may_not_run_programs_is_told_which_rights_are_needed(message: str, who: str) -> None:
    async with serve(status(403, "Forbidden", message)) as server, connected_to(server.url) as host:
        with pytest.raises(ForbiddenError, match=f": {who} may not run a program in Pod pod") as caught:
            await host.exec("n", "pod", ["true"])
    assert "`get` and `create` on pods/exec in namespace n" in caught.value.hint


async def test_a_host_that_is_too_busy_is_asked_again() -> None:
    async def body(run: Run) -> None:
        await run.end()

    busy = web.Response(status=429, headers={"Retry-After": "0"})
    async with serve(busy, running(body)) as server, connected_to(server.url) as host:
        assert (await host.exec("n", "pod", ["true"])).exit_code == 0
    assert len(server.requests) == 2


async def test_arguments_never_appear_in_an_error() -> None:
    async def body(run: Run) -> None:
        await run.read(1)

    with pytest.raises(UnreachableError) as caught:
        async with serve(running(body)) as server, connected_to(server.url) as host:
            await host.exec("n", "pod", ["login", "hunter2"], stdin=_pieces(b"x"))
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
