"""Which programs the sandbox knows, by name: `SCRIPTS` by the name a script is run with, `PROGRAMS` by argv[0].

To add one, write `async def NAME(run: TaskRun) -> int` in a module beside this one and name it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from k3k_core.sandbox.node.tasks import Program
from k3k_core.sandbox.programs import databases, etcd, files, servers

SCRIPTS: Final[Mapping[str, Program]] = {
    "send": files.send,
    "receive": files.receive,
    "measure": files.measure,
    "remove": files.remove,
    "list": files.list_folder,
    "prepare-server": servers.prepare_server,
    "copy-database": servers.copy_database,
    "wait": servers.wait,
    "guard-etcd-data": etcd.guard,
    "await-etcd-snapshot": etcd.await_snapshot,
    "swap-etcd-data": etcd.swap,
    "await": databases.await_file,
    "postgres-preflight": databases.preflight("postgres"),
    "postgres-dump": databases.dump("postgres"),
    "postgres-load": databases.load("postgres"),
    "mysql-preflight": databases.preflight("mysql"),
    "mysql-dump": databases.dump("mysql"),
    "mysql-load": databases.load("mysql"),
}

PROGRAMS: Final[Mapping[str, Program]] = {
    "etcdctl": etcd.restore,
    "etcdutl": etcd.restore,
}


def known_programs() -> dict[str, Program]:
    """Return all of them as the node tells them apart."""
    return {**PROGRAMS, **{f"sh {name}": program for name, program in SCRIPTS.items()}}
