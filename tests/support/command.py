"""Running the `k3k` command inside the test's process, and a host that only exists in memory."""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from k3k_core.cli.main import main
from k3k_core.host import HostApi, HostOptions


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str


class Stream(io.TextIOWrapper):
    """An output stream in memory that may claim to be a terminal."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        """Return what was written so far."""
        return cast("io.BytesIO", self.buffer).getvalue().decode(self.encoding)


@dataclass(slots=True)
class Command:
    """Runs `k3k` in this process.

    Attributes:
        monkeypatch: of the test.
        answers: lines a person types on standard input.
        terminal: whether the three streams are terminals.
        encoding: of the output streams.
    """

    monkeypatch: pytest.MonkeyPatch
    answers: str = ""
    terminal: bool = False
    encoding: str = "utf-8"

    def __call__(self, *args: str) -> Ended:
        """Run one command line.

        Args:
            args: without the program's name.
        """
        out = Stream(terminal=self.terminal, encoding=self.encoding)
        err = Stream(terminal=self.terminal, encoding=self.encoding)
        stdin = Stream(terminal=self.terminal)
        stdin.write(self.answers)
        stdin.seek(0)
        for name, stream in (("stdin", stdin), ("stdout", out), ("stderr", err)):
            self.monkeypatch.setattr(sys, name, stream)
        code = main(args)
        return Ended(code, out.text(), err.text())


@dataclass(slots=True)
class FakeHosts:
    """Hosts that can be opened without a network.

    Attributes:
        opened: options of every host that was opened, in order.
        fail: context name -> the error that opening it raises.
        version: what every host says its version is.
    """

    opened: list[HostOptions] = field(default_factory=list)
    fail: dict[str | None, Exception] = field(default_factory=dict)
    version: str = "v1.36.2"

    @asynccontextmanager
    async def open(self, options: HostOptions) -> AsyncIterator[HostApi]:
        """Stand in for `k3k_core.host.open_host`."""
        self.opened.append(options)
        if options.context in self.fail:
            raise self.fail[options.context]

        async def version() -> str:
            return self.version

        name = options.context or "current"
        host = SimpleNamespace(name=name, server=f"https://{name}.invalid:6443", version=version)
        yield cast("HostApi", host)


def kubeconfig_text(*contexts: str, current: str = "", namespace: str = "") -> str:
    """Return a kubeconfig without credentials, one cluster for each context.

    Args:
        contexts: names.
        current: the current one, the first unless told.
        namespace: default namespace of the first.
    """
    import yaml

    def entry(name: str, index: int) -> dict[str, Any]:
        place = {"namespace": namespace} if namespace and index == 0 else {}
        return {"name": name, "context": {"cluster": name, "user": name, **place}}

    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current or (contexts[0] if contexts else ""),
            "clusters": [
                {"name": name, "cluster": {"server": f"https://{name}.invalid:6443"}} for name in contexts
            ],
            "contexts": [entry(name, index) for index, name in enumerate(contexts)],
            "users": [{"name": name, "user": {}} for name in contexts],
        }
    )


def async_returning(result: Any, calls: list[Any] | None = None) -> Callable[..., Any]:
    """Return a coroutine function that notes its arguments and returns (or raises) one thing.

    Args:
        result: what to return; an exception is raised.
        calls: takes (positional, keyword) arguments of every call.
    """

    async def stand_in(*args: Any, **keywords: Any) -> Any:
        if calls is not None:
            calls.append((args, keywords))
        if isinstance(result, BaseException):
            raise result
        return result

    return stand_in


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Cut the environment of a test off from the user's: no configuration, no kubeconfig, no K3K_* variables.

    Args:
        monkeypatch: of the test.
        home: an empty folder.
    """
    import os

    for name in list(os.environ):
        if name.startswith(("K3K_", "XDG_")) or name in {
            "KUBECONFIG",
            "NO_COLOR",
            "COLUMNS",
            "_K3K_COMPLETE",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TERM", "xterm")
