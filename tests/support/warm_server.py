"""A process that has imported all of `k3k` and forks a copy of itself for each command line it is sent.

Each command still runs in a process of its own, from `main` on as the installed program does; what is saved is the
half second in which Python reads the same modules again. Run by `tests.support.warm`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

# What `k3k` loads when it needs it. The sandbox runs in processes of its own.
PACKAGES = ("cli", "exporter", "fleet", "host", "lifecycle", "pki", "telemetry", "values")
MODULES = (
    "bcrypt",
    "concurrent.futures.thread",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.x509",
    "encodings.idna",
    "httpx",
    "kubernetes_asyncio.client",
    "platformdirs.unix",
)
# Longer than any request: the environment goes with it.
_LONGEST = 1 << 20


def serve(requests: socket.socket) -> None:
    """Fork for each request until the other side is gone.

    Args:
        requests: each message is a JSON object with `arguments`, `environ` and `folder`, and carries four
            descriptors: the standard streams and a socket that is told the process id, and later its wait status.
    """
    running: dict[int, socket.socket] = {}

    def ended(_signal: int, _frame: FrameType | None) -> None:
        for pid, teller in list(running.items()):
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                # This was interrupted by itself, which waited for it: two ended at almost the same time.
                continue
            if found:
                running.pop(pid)
                _tell(teller, status)
                teller.close()

    signal.signal(signal.SIGCHLD, ended)
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(requests, _LONGEST, 4)
        if not message:
            return
        teller = socket.socket(fileno=descriptors[3])
        # A child that ends at once is waited for only when it is in the table.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            requests.close()
            _become(json.loads(message), descriptors)
        for descriptor in descriptors[:3]:
            os.close(descriptor)
        running[pid] = teller
        _tell(teller, pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _tell(teller: socket.socket, number: int) -> None:
    try:
        teller.sendall(number.to_bytes(8, "big"))
    except OSError:
        # Whoever asked does not listen any more.
        return


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Run a command line in this process, which is a fresh copy, and end with its exit code."""
    for standard, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, standard)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    for name, standard, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, name, os.fdopen(standard, mode, encoding="utf-8", closefd=False))
    sys.argv = ["k3k", *request["arguments"]]
    code = 1
    try:
        from k3k_core.cli.main import main

        code = main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for name in MODULES:
        importlib.import_module(name)
    for room in PACKAGES:
        package = importlib.import_module(f"k3k_core.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    # Nothing of all that ever becomes garbage: no copy has to look at it.
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
