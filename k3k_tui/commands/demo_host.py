"""The host of the demonstration as the dashboard has it: a process of its own, so that keys stay fast."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from k3k_core.errors import K3kError

if TYPE_CHECKING:
    from k3k_core.host import HostOptions
    from k3k_core.lifecycle.progress import Progress, Step

_PROGRAM = "k3k_core.sandbox.demo_host"
_CONTEXT = "k3k-sandbox"
# Names of steps of the program.
_LISTENING, _COMPLETE, _FAILED = "sandbox", "fleet", "failed"
# Seconds it has to end by itself.
_PATIENCE = 10.0


class DemoHost:
    """The host of one demonstration; it runs while the `with` block does.

    Args:
        clusters: how many control planes it is to have.
        seed: of everything that is random.
        healthy: whether the troubles are left out.
    """

    def __init__(self, *, clusters: int, seed: int, healthy: bool) -> None:
        self._args = ["--clusters", str(clusters), "--seed", str(seed), *(["--healthy"] if healthy else [])]
        self._folder = Path(tempfile.mkdtemp(prefix="k3k-demo-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._news = asyncio.Event()
        self._steps: list[Step] = []
        self._outcome = ""
        self._ended = ""

    def __enter__(self) -> DemoHost:
        """Start it.

        Raises:
            K3kError: the process cannot be started.
        """
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-m", _PROGRAM, str(self._folder), *self._args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A Ctrl-C in a program that the dashboard is suspended for is not for the host.
                start_new_session=True,
            )
        except OSError as error:
            self._forget()
            raise K3kError(f"The sandbox could not be started: {error.strerror}.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; nothing of it is left behind."""
        process = self._process
        if process is not None:
            for stream in (process.stdin, process.stdout):
                _close(stream)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._forget()

    @property
    def name(self) -> str:
        """Name of the host."""
        return _CONTEXT

    @property
    def kubeconfig(self) -> Path:
        """Path of its kubeconfig, which is there once it listens."""
        return self._folder / "kubeconfig.yaml"

    def options(self) -> HostOptions:
        """Return how it is reached."""
        from k3k_core.host import HostOptions

        return HostOptions(str(self.kubeconfig), _CONTEXT)

    async def listening(self) -> None:
        """Wait until it can be reached.

        Raises:
            K3kError: it has ended.
        """
        self._read()
        await self._listening.wait()
        self._check()

    async def provision(self, progress: Progress) -> str:
        """Hand on what it does until its fleet stands; the work of a job.

        Args:
            progress: told about each step, those of the past first.

        Returns:
            What came of it.

        Raises:
            K3kError: it has ended.
        """
        self._read()
        told = 0
        while True:
            self._news.clear()
            for step in self._steps[told:]:
                progress(step)
            told = len(self._steps)
            self._check()
            if self._outcome:
                return self._outcome
            await self._news.wait()

    def _check(self) -> None:
        if self._ended:
            raise K3kError(self._ended, hint="Leave with q, and start `k3k demo` anew.")

    def _read(self) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._follow(), name="demonstration")

    async def _follow(self) -> None:
        from k3k_core.lifecycle.progress import Step

        reason = "."
        try:
            reader = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), self._process and self._process.stdout
            )
            while line := await reader.readline():
                step = Step(**json.loads(line))
                if step.name == _FAILED:
                    reason = f": {step.message}"
                else:
                    self._hear(step)
        finally:
            self._ended = f"The sandbox of the demonstration has ended{reason}"
            self._listening.set()
            self._news.set()

    def _hear(self, step: Step) -> None:
        self._steps.append(step)
        if step.name == _COMPLETE:
            self._outcome = step.message
        elif step.name == _LISTENING:
            self._listening.set()
        self._news.set()

    def _forget(self) -> None:
        with suppress(OSError):
            self.kubeconfig.unlink(missing_ok=True)
            self._folder.rmdir()


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with suppress(OSError):
            stream.close()
