"""Programs that do something and end, in simulated containers: those of Jobs, init containers and `exec`.

The sandbox executes nothing. A program it knows is a Python function that acts on the simulated volumes and
datastores as the real one would; see `sandbox/programs`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from k3k_core.sandbox.node.file_tree import FileTree
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.process import Launch, ProbeRequest

if TYPE_CHECKING:
    from k3k_core.sandbox.k3s.cluster import Surroundings

logger = logging.getLogger(__name__)

_SHELLS = frozenset(("sh", "ash", "bash"))
KILLED = 137


class Input(Protocol):
    """What a program reads."""

    async def read(self, size: int) -> bytes:
        """Return so many bytes; fewer when the input ends before."""


class NoInput:
    """An input that has ended."""

    async def read(self, size: int) -> bytes:  # noqa: ARG002, part of the protocol
        return b""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of a program.

    Attributes:
        argv: the program and its arguments.
        arguments: what follows its name; for a script what follows the script's.
        env: the environment of the container; holds secrets.
        files: the container's file system.
        pod: the Pod object.
        container: the container's entry in the pod's spec.
        launch: all that the container was given.
        around: the datastores, the etcd members, the clock and the faults of the sandbox.
        input: its standard input.
        write: writes to its standard output.
        complain: writes a line to its standard error.
    """

    argv: tuple[str, ...]
    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    files: FileTree = field(repr=False)
    pod: Mapping[str, Any] = field(repr=False)
    container: Mapping[str, Any] = field(repr=False)
    launch: Launch = field(repr=False)
    around: Surroundings = field(repr=False)
    input: Input = field(repr=False)
    write: Callable[[bytes], Awaitable[None]] = field(repr=False)
    complain: Callable[[str], Awaitable[None]] = field(repr=False)


# Returns the exit code.
Program = Callable[[TaskRun], Awaitable[int]]


def command_line(container: Mapping[str, Any]) -> list[str]:
    """Return the program a container runs and its arguments; empty where the image decides.

    Args:
        container: its entry in the pod's spec.
    """
    command = [str(word) for word in container.get("command") or ()]
    return [*command, *(str(word) for word in container.get("args") or ())] if command else []


def name_of(argv: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the name of a program, and its arguments.

    A script of ours is run as `/bin/sh -c SCRIPT NAME ARGUMENT...`: its name is the fourth word.

    Args:
        argv: the command line.
    """
    program = PurePosixPath(argv[0]).name if argv else ""
    if program in _SHELLS:
        is_script = len(argv) > 3 and argv[1] == "-c"
        return ("sh " + argv[3], tuple(argv[4:])) if is_script else ("sh", tuple(argv[1:]))
    return program, tuple(argv[1:])


class Tasks:
    """Starts the programs the sandbox knows.

    Args:
        programs: by name; that of a script begins with "sh ".
        around: what they may use.
        tree: returns the file system of a container.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        around: Surroundings,
        tree: Callable[[Launch], FileTree],
    ) -> None:
        self._programs = programs
        self._around = around
        self._tree = tree

    def knows(self, argv: Sequence[str]) -> bool:
        """Whether there is a simulation of a command line."""
        return bool(argv) and name_of(argv)[0] in self._programs

    def is_shell(self, argv: Sequence[str]) -> bool:
        """Whether a command line runs a script, known or not."""
        return bool(argv) and PurePosixPath(argv[0]).name in _SHELLS

    async def run(
        self,
        launch: Launch,
        argv: Sequence[str],
        *,
        input: Input,  # noqa: A002, its name in every shell
        write: Callable[[bytes], Awaitable[None]],
        complain: Callable[[str], Awaitable[None]],
    ) -> int:
        """Run a program that is known, and return its exit code.

        Args:
            launch: the container.
            argv: the command line.
            input: its standard input.
            write: takes its standard output.
            complain: takes lines of its standard error.
        """
        name, arguments = name_of(argv)
        run = TaskRun(
            argv=tuple(argv),
            arguments=arguments,
            env=launch.variables,
            files=self._tree(launch),
            pod=launch.pod,
            container=launch.container,
            launch=launch,
            around=self._around,
            input=input,
            write=write,
            complain=complain,
        )
        try:
            return await self._programs[name](run)
        except ConnectionError:
            # Nobody takes what it writes any more.
            return KILLED
        except OSError as error:
            await complain(f"{name.removeprefix('sh ')}: {error.filename or ''}: {error.strerror}")
            return 1
        except Exception:
            logger.exception("simulated program %s failed", name)
            await complain(f"{name}: the simulation of this program failed; the sandbox's log says why")
            return 70

    def process(self, launch: Launch, argv: Sequence[str]) -> TaskProcess:
        """Start a program that is known as the main one of a container.

        Args:
            launch: the container.
            argv: the command line.
        """
        log = Log(launch.now)
        lines = _Lines(log)
        work = self.run(launch, argv, input=NoInput(), write=lines.write, complain=lines.complain)
        return TaskProcess(work, log, lines.end, launch.changed)


class _Lines:
    """Cuts what a program writes into the lines of a log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rest = b""

    async def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log.write(line.decode(errors="replace"))

    async def complain(self, line: str) -> None:
        self._log.write(line)

    def end(self) -> None:
        if self._rest:
            self._log.write(self._rest.decode(errors="replace"))
            self._rest = b""


class TaskProcess:
    """A program that ends by itself, in a container of its own.

    Args:
        work: what it does; gives its exit code.
        log: takes what it writes.
        flush: writes the last line.
        changed: called when it ends.

    Attributes:
        exit_code: None while it runs.
    """

    def __init__(
        self,
        work: Awaitable[int],
        log: Log,
        flush: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self.exit_code: int | None = None
        self._log = log
        self._flush = flush
        self._changed = changed
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[int]) -> None:
        self._flush()
        if not task.cancelled():
            self.exit_code = KILLED if task.exception() is not None else task.result()
            self._changed()

    def answer(self, request: ProbeRequest) -> int:
        raise ConnectionRefusedError(request.port)

    def accepts(self, port: int) -> bool:  # noqa: ARG002, part of the protocol
        return False

    def healthy(self) -> bool:
        return True

    def log(self) -> Log:
        return self._log

    def stop(self) -> None:
        self._task.cancel()


def not_executed(now: Callable[[], datetime], changed: Callable[[], None]) -> TaskProcess:
    """Return a program of a Job that the sandbox does not know: it succeeds at once and says that it did nothing.

    Args:
        now: wall clock.
        changed: called when it ends.
    """
    log = Log(now)
    log.write("The k3k sandbox runs no real containers: nothing was executed.")

    async def nothing() -> int:
        return 0

    return TaskProcess(nothing(), log, lambda: None, changed)
