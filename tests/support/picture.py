"""Make the picture of the README from the running program: `python -m tests.support.picture FILE.svg`."""

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
from pathlib import Path

from rich.console import Console
from rich.text import Text

from k3k_core.host import HostOptions, open_host
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.demo_fleet import provision, recipe
from tests.support.programs import K3K

COLUMNS, LINES = 120, 40
COMMANDS = (
    ("k3k", "create", "pr-1043", "-n", "ci", "--preset", "ci", "--ttl", "2h"),
    ("k3k", "list"),
)


async def on_terminal(command: tuple[str, ...], kubeconfig: Path) -> str:
    """Run a command on a terminal of its own and return what it shows in the end, escapes included."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"KUBECONFIG": str(kubeconfig), "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = await asyncio.create_subprocess_exec(
        K3K, *command[1:], stdin=follower, stdout=follower, stderr=follower, env=environment
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


async def take() -> str:
    """Provision the demonstration fleet on a sandbox and draw what the commands show of it, as SVG."""
    console = Console(record=True, width=COLUMNS, force_terminal=True, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig.yaml"
        async with Sandbox.start(SandboxOptions()) as sandbox:
            kubeconfig.write_text(sandbox.kubeconfig)
            async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
                await provision(host, recipe(7, 7), timeout=60, made=lambda _member, _error: None)
            for command in COMMANDS:
                console.print(Text(f"$ {' '.join(command)}", style="bold"))
                console.print(Text.from_ansi(last_state(await on_terminal(command, kubeconfig))))
    return console.export_svg(title="k3k on its sandbox")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(take()))
