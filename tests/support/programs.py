"""Running real programs from tests: the installed `k3k` and kubectl."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.warm import WarmProcess, start_warm

K3K = str(Path(sys.executable).with_name("k3k"))
KUBECTL = shutil.which("kubectl")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended.

    Attributes:
        code: exit code, negative for a signal.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    def checked(self) -> Finished:
        """Return itself; fail the test with the output unless the program ended with 0."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self


def environment(kubeconfig: Path | None = None, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment away from the user's own settings.

    Args:
        kubeconfig: value of KUBECONFIG.
        env: more environment variables.
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("K3K_", "KUBE"))}
    clean |= {"NO_COLOR": "1", "KUBECTL_EXTERNAL_DIFF": ""}
    if kubeconfig is not None:
        clean["KUBECONFIG"] = str(kubeconfig)
    return clean | dict(env or {})


async def start(
    command: Sequence[str], *, kubeconfig: Path | None = None, env: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a program with its output captured and no terminal, away from the user's own settings.

    Args:
        command: program and arguments.
        kubeconfig: value of KUBECONFIG.
        env: more environment variables.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        env=environment(kubeconfig, env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(
    *command: str,
    kubeconfig: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float = 100.0,
) -> Finished:
    """Run a program to its end.

    Args:
        command: program and arguments.
        kubeconfig: value of KUBECONFIG.
        stdin: text on its standard input.
        env: more environment variables.
        timeout: seconds after which it is killed and the test fails.
    """
    process = await start(command, kubeconfig=kubeconfig, env=env)
    return await _finished(process, stdin, timeout)


async def run_k3k(
    *arguments: str,
    kubeconfig: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float = 100.0,
) -> Finished:
    """Run `k3k` to its end in a process forked from a warm one.

    Args:
        arguments: without the program.
        kubeconfig: value of KUBECONFIG.
        stdin: text on its standard input.
        env: more environment variables.
        timeout: seconds after which it is killed and the test fails.
    """
    process = await start_warm(arguments, environment(kubeconfig, env))
    return await _finished(process, stdin, timeout)


async def _finished(
    process: asyncio.subprocess.Process | WarmProcess, stdin: str, timeout: float
) -> Finished:
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Finished(process.returncode or 0, out.decode(), err.decode())
