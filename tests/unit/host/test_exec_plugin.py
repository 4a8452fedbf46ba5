"""Credential plugins: run without a terminal, bounded, and never quoted."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import UnauthorizedError
from k3k_core.host.exec_plugin import ExecCredential, ExecPlugin, run_plugin

V1 = "client.authentication.k8s.io/v1"
MakePlugin = Callable[..., ExecPlugin]


@pytest.fixture
def plugin(tmp_path: Path) -> MakePlugin:
    """Make a plugin of a shell script."""

    def make(script: str, **more: Any) -> ExecPlugin:
        path = tmp_path / "plugin"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return ExecPlugin(user="u", command=str(path), **more)

    return make


def _prints(version: str = V1, **fields: str) -> str:
    return f"echo '{json.dumps({'apiVersion': version, 'kind': 'ExecCredential', 'status': fields})}'"


async def _failure(plugin: ExecPlugin, *, timeout: float = 20) -> UnauthorizedError:
    with pytest.raises(UnauthorizedError) as caught:
        await run_plugin(plugin, timeout=timeout)
    return caught.value


async def test_a_token_with_its_end(plugin: MakePlugin) -> None:
    script = _prints(token="t", expirationTimestamp="2026-01-02T03:04:05Z")

    assert await run_plugin(plugin(script), timeout=20) == ExecCredential(
        token="t", expires_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )


async def test_a_client_certificate(plugin: MakePlugin) -> None:
    script = _prints(clientCertificateData="C", clientKeyData="K")

    assert await run_plugin(plugin(script), timeout=20) == ExecCredential(certificate="C", key="K")


async def test_arguments_environment_and_exec_info_are_passed(plugin: MakePlugin, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f'printf "%s|%s|%s" "$1" "$EXTRA" "$KUBERNETES_EXEC_INFO" > {seen}\n{_prints(token="t")}'

    await run_plugin(
        plugin(
            script,
            arguments=("get token",),
            variables={"EXTRA": "yes"},
            cluster={"server": "https://host:6443", "config": None},
        ),
        timeout=20,
    )

    argument, extra, info = seen.read_text().split("|", 2)
    assert (argument, extra) == ("get token", "yes")
    assert json.loads(info) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://host:6443", "config": None}},
    }


async def test_cluster_information_is_not_passed_unasked(plugin: MakePlugin, tmp_path: Path) -> None:
    script = f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/seen\n{_prints(token="t")}'

    await run_plugin(plugin(script), timeout=20)

    assert json.loads((tmp_path / "seen").read_text())["spec"] == {"interactive": False}


async def test_a_plugin_has_no_terminal_to_read_from(plugin: MakePlugin) -> None:
    script = f"read answer && exit 7\n( : < /dev/tty ) 2>/dev/null && exit 8\n{_prints(token='t')}"

    assert (await run_plugin(plugin(script), timeout=20)).token == "t"


async def test_a_plugin_that_talks_a_lot_on_both_channels_does_not_block(plugin: MakePlugin) -> None:
    noise = (
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done"
    )

    assert (await run_plugin(plugin(f"{noise}\n{_prints(token='t')}"), timeout=20)).token == "t"


async def test_a_plugin_that_insists_on_a_terminal_is_not_run(plugin: MakePlugin, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/ran\n{_prints(token='t')}"

    error = await _failure(plugin(script, interactive_mode="Always"))

    assert "wants a terminal" in error.message
    assert not (tmp_path / "ran").exists()


async def test_a_failing_plugin_is_quoted_by_the_last_line_of_its_complaints(plugin: MakePlugin) -> None:
    script = 'echo "hunter2"; echo "first" >&2; echo "session expired, run: login" >&2; exit 3'

    error = await _failure(plugin(script))

    assert error.message.endswith("of user 'u' exited with 3: session expired, run: login.")
    assert "hunter2" not in error.message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo hunter2", "did not print JSON"),
        ('echo \'{"kind": "hunter2"}\'', "did not print an ExecCredential"),
        ("echo '[\"hunter2\"]'", "did not print an ExecCredential"),
        (_prints("client.authentication.k8s.io/v1beta1", token="hunter2"), f"does not speak {V1}"),
        (_prints(), "printed neither a token nor a client certificate"),
        (_prints(clientCertificateData="hunter2"), "without its key"),
        (_prints(token="hunter2", expirationTimestamp="tomorrow"), "not RFC 3339"),
    ],
)
async def test_what_a_plugin_prints_is_checked_and_never_shown(
    plugin: MakePlugin, script: str, words: str
) -> None:
    error = await _failure(plugin(script))

    assert words in error.message
    assert "hunter2" not in error.message + error.hint


async def test_a_plugin_that_hangs_is_killed_with_its_children(plugin: MakePlugin, tmp_path: Path) -> None:
    held_open = tmp_path / "fifo"
    os.mkfifo(held_open)
    end_of_file = asyncio.create_task(asyncio.to_thread(held_open.read_bytes))

    error = await _failure(plugin(f"exec 3> {held_open}; sleep 60 & wait"), timeout=1)

    assert "did not finish within 1 s" in error.message
    async with asyncio.timeout(20):
        assert await end_of_file == b""


async def test_a_missing_program_gives_the_kubeconfigs_install_hint() -> None:
    error = await _failure(
        ExecPlugin(user="u", command="no-such-plugin", install_hint="Install it with: apt install it")
    )

    assert "cannot be started: No such file or directory" in error.message
    assert error.hint == "Install it with: apt install it"


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "plugin"
    path.write_text("")

    assert "cannot be started: Permission denied" in (await _failure(ExecPlugin("u", str(path)))).message


def test_a_credential_does_not_show_itself() -> None:
    shown = repr(ExecCredential("hunter2", "hunter2", "hunter2")) + repr(
        ExecPlugin("u", "p", arguments=("--password=hunter2",), variables={"PASSWORD": "hunter2"})
    )

    assert "hunter2" not in shown
