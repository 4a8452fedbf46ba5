"""The scripts that prove, dump and load an external database (`manifests.database_scripts`), and the one that waits.

They act on the data that simulated servers keep behind an external `datastore-endpoint`. No name ends in `.invalid`
(RFC 6761), so that a database of such a name cannot be reached.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from k3k_core.datastores import sql
from k3k_core.errors import K3kError
from k3k_core.manifests.database_clients import Database, Engine
from k3k_core.sandbox.k3s.contents import fill, rows_of
from k3k_core.sandbox.k3s.datastores import database_key
from k3k_core.sandbox.node.tasks import Program, TaskRun


def preflight(engine: Engine) -> Program:
    """SECONDS: see that the database can be used."""

    async def program(run: TaskRun) -> int:
        database = _database(run, engine)
        if not await _reached(run, database):
            return 1
        datastore = run.around.datastores.find(database_key(database))
        count = 0 if datastore is None else len(rows_of(datastore))
        await run.write(f"records: {count}\n".encode())
        return 0

    return program


def dump(engine: Engine) -> Program:
    """FILE: write a dump of what k3s keeps in the database."""

    async def program(run: TaskRun) -> int:
        (path,) = run.arguments
        database = _database(run, engine)
        if not await _reached(run, database):
            return 1
        datastore = run.around.datastores.find(database_key(database))
        if datastore is None:
            await run.complain("pg_dump: error: no matching tables were found")
            return 1
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "dump.sql"
            dialect: sql.Dialect = "mysql" if engine == "mysql" else "postgres"
            sql.write_sql(file, dialect, rows_of(datastore), revision=datastore.store.version)
            run.files.write(path, file.read_bytes())
        return 0

    return program


def load(engine: Engine) -> Program:
    """FILE: put a dump in the place of what k3s keeps in the database."""

    async def program(run: TaskRun) -> int:
        (path,) = run.arguments
        database = _database(run, engine)
        if not await _reached(run, database):
            return 1
        content = run.files.read(path)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "load.sql"
            file.write_bytes(content or b"")
            try:
                rows = sql.read_rows(file)
            except K3kError as error:
                await run.complain(f"ERROR: {error}")
                return 3
        fill(run.around.datastores.open(database_key(database)), rows)
        return 0

    return program


async def await_file(run: TaskRun) -> int:
    """PATH SECONDS: wait until there is such a file."""
    path, seconds = run.arguments
    try:
        async with asyncio.timeout(float(seconds)):
            while run.files.read(path) is None:
                await run.files.changed()
    except TimeoutError:
        await run.complain(f"nobody brought {path} in time")
        return 1
    return 0


def _database(run: TaskRun, engine: Engine) -> Database:
    """Read where to connect from the file that the real clients read."""
    if engine == "postgres":
        found = _settings(run.files.text(run.env["PGSERVICEFILE"]) or "")
        return Database(engine, found["host"], int(found["port"]), found["dbname"])
    found = _settings(run.files.text(run.env["K3K_CLIENT"]) or "")
    name = (run.files.text(run.env["K3K_DATABASE"]) or "").strip()
    return Database(engine, found["host"], int(found["port"]), name)


def _settings(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip('"') for key, _, value in lines}


async def _reached(run: TaskRun, database: Database) -> bool:
    if database.host.endswith(".invalid"):
        await run.complain(
            f'could not translate host name "{database.host}" to address: Name or service not known'
        )
        return False
    return True
