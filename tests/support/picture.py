"""Make the pictures of commands from the running program: `python -m tests.support.picture FOLDER`."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import struct
import sys
import tempfile
import termios
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

from k3k_core.host import HostOptions, open_host
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.demo_fleet import cause, provision, recipe, troubles
from tests.support.programs import K3K

LINES = 60
# File name, columns, and what is typed.
PICTURES: dict[str, tuple[int, tuple[str, ...]]] = {
    "signals.svg": (168, ("k3k list --signals", "k3k doctor mobile/flint-9 --for 4s")),
}
_MEMBERS, _SEED = 12, 0
_AGE = timedelta(minutes=45)


async def on_terminal(typed: str, kubeconfig: Path, columns: int) -> str:
    """Run a command on a terminal of its own and return what it shows in the end, escapes included."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"KUBECONFIG": str(kubeconfig), "TERM": "xterm-256color", "COLUMNS": str(columns)}
    process = await asyncio.create_subprocess_exec(
        K3K, *typed.split()[1:], stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    shown = bytearray()
    loop = asyncio.get_running_loop()
    while True:
        try:
            piece = await loop.run_in_executor(None, os.read, leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    await process.wait()
    os.close(leader)
    return shown.decode()


def last_state(shown: str) -> str:
    """Return the lines as they stand in the end: of a line that was drawn again, the last form."""
    lines = []
    for line in shown.replace("\r\n", "\n").split("\n"):
        lines.append(line.rpartition("\r")[2].replace("\x1b[K", "").replace("\x1b[2K", ""))
    return "\n".join(lines)


async def take() -> dict[str, str]:
    """Provision the demonstration fleet on a sandbox, troubles included, and draw what commands show of it.

    Returns:
        The pictures as SVG, by file name.
    """
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig.yaml"
        members = recipe(_MEMBERS, _SEED)
        async with Sandbox.start(SandboxOptions(seed=_SEED)) as sandbox:
            kubeconfig.write_text(sandbox.kubeconfig)
            async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
                with sandbox.dated_back(_AGE):
                    await provision(host, members, timeout=60, made=lambda _member, _error: None)
                await cause(host, troubles(members, _SEED))
            return {name: await _draw(*what, kubeconfig) for name, what in PICTURES.items()}


async def _draw(columns: int, commands: tuple[str, ...], kubeconfig: Path) -> str:
    console = Console(record=True, width=columns, force_terminal=True, file=io.StringIO())
    for typed in commands:
        console.print(Text(f"$ {typed}", style="bold"))
        console.print(Text.from_ansi(last_state(await on_terminal(typed, kubeconfig, columns))))
    return console.export_svg(title="k3k on its sandbox")


def write(folder: Path) -> None:
    """Write the pictures into a folder."""
    for name, picture in asyncio.run(take()).items():
        (folder / name).write_text(picture)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
