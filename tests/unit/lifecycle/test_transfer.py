"""Files into containers and out of them: over a connection that does as it likes, and by the scripts as they stand."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k3k_core.errors import K3kError, NotFoundError, UnreachableError
from k3k_core.host import Host
from k3k_core.lifecycle import transfer
from k3k_core.lifecycle.transfer import (
    fetch_bytes,
    fetch_file,
    file_size,
    list_files,
    remove_files,
    send_file,
)
from k3k_core.manifests.scripts import command
from tests.support.executing import Run, exited, running
from tests.support.loopback import connected_to, serve

PLACE = ("n", "pod", "main")


class Container:
    """The far end: a container with one file, and what is wrong with it."""

    def __init__(self) -> None:
        self.content = b"hello"
        self.measured = b"5\n"
        self.lost = 0
        self.failure = ""
        self.silent = False
        self.ran: list[list[str]] = []

    async def __call__(self, run: Run) -> None:
        name, arguments = run.argv[3], run.argv[4:]
        self.ran.append([name, *arguments])
        if self.silent and name != "measure":
            await run.read(2**40)
            return
        if name == "receive":
            self.content = await run.read(int(arguments[1]))
        if self.failure:
            await run.write(f"{self.failure}\n".encode(), channel=2)
            await run.end(exited(1))
            return
        answers = {"measure": self.measured, "list": b"b\na\nc.1.part\n"}
        if name == "send":
            await run.write(self.content[: len(self.content) - self.lost])
        elif name in answers:
            await run.write(answers[name])
        await run.end()


@pytest.fixture
def container() -> Container:
    return Container()


@pytest.fixture
async def host(container: Container) -> AsyncIterator[Host]:
    async with serve(running(container)) as server, connected_to(server.url) as opened:
        yield opened


async def _nowhere(_: bytes) -> None:
    return


async def test_a_file_goes_over_by_its_size_and_digest(host: Host, container: Container) -> None:
    seen: list[int] = []
    data = bytes(range(256)) * 2048
    digest = hashlib.sha256(data).hexdigest()
    sent = await send_file(host, *PLACE, "/work/a", data, sha256=digest, progress=seen.append)
    assert container.content == data
    assert container.ran == [["receive", "/work/a", str(len(data)), digest]]
    assert (sent.size, sent.sha256) == (len(data), digest)
    assert seen[-1] == len(data)
    assert len(seen) > 1


async def test_a_stream_needs_its_size(host: Host) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(TypeError, match="size"):
        await send_file(host, *PLACE, "/work/a", stream())


async def test_a_full_volume_is_said_in_the_words_of_the_program(host: Host, container: Container) -> None:
    container.failure = "cat: write error: No space left on device"
    with pytest.raises(K3kError, match=r"could not write /work/a: .*No space left on device") as caught:
        await send_file(host, *PLACE, "/work/a", b"hello")
    assert "may be full" in caught.value.hint


async def test_an_output_that_loses_its_end_is_noticed(host: Host, container: Container) -> None:
    container.lost = 2
    with pytest.raises(UnreachableError, match="Only 3 of 5 bytes of /work/a arrived"):
        await fetch_file(host, *PLACE, "/work/a", _nowhere)


async def test_a_file_of_another_digest_is_noticed(host: Host) -> None:
    with pytest.raises(UnreachableError, match="arrived damaged"):
        await fetch_file(host, *PLACE, "/work/a", _nowhere, sha256="00")


async def test_a_size_that_is_none_is_noticed(host: Host, container: Container) -> None:
    container.measured = b"nonsense"
    with pytest.raises(UnreachableError, match="did not tell the size"):
        await file_size(host, *PLACE, "/work/a")


async def test_a_file_that_is_larger_than_expected_is_not_taken_into_memory(host: Host) -> None:
    with pytest.raises(K3kError, match="is larger than"):
        await fetch_bytes(host, *PLACE, "/work/a", limit=4)


async def test_a_transfer_that_stands_still_is_given_up(
    host: Host, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_STALLED", 0.05)
    container.silent = True
    with pytest.raises(UnreachableError, match="nothing moved for"):
        await fetch_file(host, *PLACE, "/work/a", _nowhere)


async def test_what_is_on_its_way_is_not_listed(host: Host) -> None:
    assert await list_files(host, *PLACE, "/work") == ["a", "b"]


async def test_removing_nothing_asks_nobody(host: Host, container: Container) -> None:
    await remove_files(host, *PLACE)
    assert container.ran == []


async def test_a_file_that_is_not_there_is_not_found() -> None:
    async def measure(run: Run) -> None:
        await run.end(exited(3))

    async with serve(running(measure)) as server, connected_to(server.url) as host:
        with pytest.raises(NotFoundError, match="has no file /work/a"):
            await file_size(host, *PLACE, "/work/a")


# The scripts as they stand


def _run(*argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, input=stdin, capture_output=True, check=False)


def test_the_script_takes_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a b"
    data = bytes(range(256)) * 1000
    digest = hashlib.sha256(data).hexdigest()
    assert _run(*command("receive", str(path), str(len(data)), digest), stdin=data + b"more").returncode == 0
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("arguments", [("6",), ("5", "00")], ids=["too short", "another digest"])
def test_the_script_leaves_nothing_of_a_file_that_is_not_right(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "a").write_bytes(b"before")
    failed = _run(*command("receive", str(tmp_path / "a"), *arguments), stdin=b"hello")
    assert failed.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_the_script_reads_all_it_is_sent_also_when_it_cannot_keep_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    data = bytes(1 << 20)
    failing = subprocess.Popen(
        command("receive", str(tmp_path / "file" / "below"), str(len(data))),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert failing.stdin is not None
    # A program that left its input unread would break this pipe.
    failing.stdin.write(data)
    failing.stdin.close()
    assert failing.wait() != 0
    assert failing.stderr is not None
    failing.stderr.close()


def test_the_script_clears_away_what_was_given_up(tmp_path: Path) -> None:
    (tmp_path / "a.77.part").write_bytes(b"half")
    (tmp_path / "other.77.part").write_bytes(b"half")
    assert _run(*command("receive", str(tmp_path / "a"), "1"), stdin=b"x").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "other.77.part"]


def test_the_other_scripts_do_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    assert _run(*command("send", str(path))).stdout == b"hello"
    assert _run(*command("measure", str(path))).stdout.strip() == b"5"
    assert _run(*command("measure", str(tmp_path / "none"))).returncode == 3
    assert _run(*command("list", str(tmp_path))).stdout == b"a\n"
    assert _run(*command("list", str(tmp_path / "none"))).returncode == 0
    assert _run(*command("remove", str(path), str(tmp_path / "none"))).returncode == 0
    assert not path.exists()
